use burn::optim::{GradientsAccumulator, GradientsParams, Optimizer};
use burn::tensor::{DType, Int, Tensor};
use supernet::{DerivedNetwork, DropPath, Statistics, TrainBackend};
use workbench::data::Batch;
use workbench::evaluate::{mistakes, smoothed_cross_entropy};
use workbench::optim::{clip_global_norm, scale_gradients};
use workbench::precision::{cast_convolutions, take_statistics};

use crate::{FitConfig, FitState, LoopConfig, TrainError};

/// One step of a training.
pub(crate) struct Step<'a> {
    pub(crate) config: &'a FitConfig,
    /// Key and rate of drop-path, for the first image of the step.
    pub(crate) drop_path: DropPath,
    pub(crate) learning_rate: f64,
}

/// What a step leaves.
pub(crate) struct Taken<B: TrainBackend> {
    pub(crate) state: FitState<B>,
    /// Loss and share of mistakes `[2]`.
    pub(crate) measured: Tensor<B::InnerBackend, 1>,
    /// Whether the weights were moved: not where gradients overflowed.
    pub(crate) moved: bool,
}

impl Step<'_> {
    /// A step on the parts of a batch.
    ///
    /// # Errors
    ///
    /// When a part cannot be read.
    pub(crate) fn take<B: TrainBackend>(
        &self,
        mut state: FitState<B>,
        parts: impl Iterator<Item = workbench::Result<Batch<B>>>,
    ) -> Result<Taken<B>, TrainError> {
        let fit = &self.config.fit;
        let mut sum = GradientsAccumulator::new();
        let mut measured: Option<Tensor<B::InnerBackend, 1>> = None;
        let mut drop_path = self.drop_path;
        for part in parts {
            let batch = part?;
            let count = batch.labels.dims()[0];
            let pass = Pass {
                config: fit,
                statistics: Statistics::TRAIN,
                drop_path: (drop_path.rate > 0.0).then_some(&drop_path),
                share: count as f64 / fit.batch_size as f64,
            };
            let (model, gradients, losses) =
                gradients(state.model, batch.images, batch.labels, pass);
            sum.accumulate(&model, gradients);
            state.model = model;
            measured = Some(match measured {
                Some(measured) => measured + losses,
                None => losses,
            });
            drop_path.first += count;
        }
        let scale = fit.precision.loss_scale();
        let summed = scale_gradients(sum.grads(), &state.model, 1.0 / scale);
        let (clipped, norm) = clip_global_norm(summed, &state.model, self.config.weights.clip_norm);
        // A scaled loss may overflow; such a step is left out, as is usual.
        let overflow = scale != 1.0
            && norm.is_some_and(|norm| norm.into_data().iter::<f64>().any(|n| !n.is_finite()));
        if !overflow {
            state.model = state
                .optimizer
                .step(self.learning_rate, state.model, clipped);
        }
        let measured = measured.ok_or_else(|| TrainError::field("fit.parts", 0, "1 or more"))?;
        Ok(Taken {
            state,
            measured,
            moved: !overflow,
        })
    }
}

/// How one pass of a training step is run.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// Losses and precision.
    pub config: &'a LoopConfig,
    /// What batch normalisation uses.
    pub statistics: Statistics,
    /// The operations that are dropped, if any.
    pub drop_path: Option<&'a DropPath>,
    /// Share of these images in the step's batch.
    pub share: f64,
}

/// The model after a pass, whose running statistics may have moved; gradients of `share` times the
/// loss; and that loss with the share of mistakes `[2]`, both also times `share`. Gradients of all
/// parts of a batch add up to those of the batch.
///
/// The loss is the smoothed cross-entropy, plus the auxiliary head's times its weight. The returned
/// one is without the auxiliary head.
///
/// # Shapes
///
/// - images: `[batch, image_channels, height, width]`
/// - labels: `[batch]`
pub fn gradients<B: TrainBackend>(
    model: DerivedNetwork<B>,
    images: Tensor<B, 4>,
    labels: Tensor<B, 1, Int>,
    pass: Pass<'_>,
) -> (
    DerivedNetwork<B>,
    GradientsParams,
    Tensor<B::InnerBackend, 1>,
) {
    let config = pass.config;
    let (dtype, scale) = (config.precision.dtype(), config.precision.loss_scale());
    let half = (dtype != DType::F32).then(|| cast_convolutions(&model, dtype));
    let count = labels.dims()[0] as f64;
    let output = half.as_ref().unwrap_or(&model).forward_train(
        images.cast(dtype),
        pass.statistics,
        pass.drop_path,
    );
    let wrong = mistakes(output.logits.clone().inner(), labels.clone().inner()) / count;
    let smoothing = config.label_smoothing;
    let loss = smoothed_cross_entropy(output.logits, labels.clone(), smoothing);
    let measured = Tensor::cat(vec![loss.clone().inner(), wrong], 0) * pass.share;
    let total = match output.auxiliary {
        Some(logits) => {
            loss + smoothed_cross_entropy(logits, labels, smoothing) * config.auxiliary_weight
        }
        None => loss,
    };
    let gradients = (total * (pass.share * scale)).backward();
    let gradients = GradientsParams::from_grads(gradients, &model);
    let model = match half {
        Some(half) => take_statistics(model, &half),
        None => model,
    };
    (model, gradients, measured)
}
