use std::marker::PhantomData;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use supernet::{Architecture, Statistics, Step, Supernet, TrainBackend};
use workbench::data::Batch;
use workbench::optim::global_norm;

use crate::step::AlternatingStep;
use crate::{SearchError, SearchState};

/// The gradient of the logits one weight step ahead (Liu et al. 2019, section 2.3, equations 7 and
/// 8): with `w' = w - xi dL_train/dw`, of which the optimiser's momentum and decay are part as in
/// the published code,
///
/// ```text
/// dL_val(w', alpha)/dalpha - xi (dL_train(w+, alpha)/dalpha - dL_train(w-, alpha)/dalpha) / 2 eps
/// w+- = w +- eps dL_val(w', alpha)/dw',   eps = 0.01 / norm of dL_val(w', alpha)/dw'
/// ```
///
/// `xi` is the learning rate of the weights. Nothing here moves weights or running statistics. Also
/// returned is `L_val(w', alpha)`, `[1]`.
///
/// # Errors
///
/// The estimator's own.
pub(crate) fn look_ahead<B: TrainBackend>(
    step: &AlternatingStep<'_>,
    state: &SearchState<B>,
    weight_batch: &Batch<B>,
    alpha_batch: Batch<B>,
) -> Result<(GradientsParams, Tensor<B::InnerBackend, 1>), SearchError> {
    let quiet = |kind| supernet::Run {
        statistics: Statistics::Batch,
        ..step.run(kind)
    };
    let loss = |supernet: &Supernet<B>, architecture: &Architecture<B>, batch, kind| {
        let (_, loss) = step.loss(supernet, architecture, batch, quiet(kind))?;
        Ok::<_, SearchError>(loss)
    };
    let constant = state.architecture.clone().no_grad();
    let train = loss(
        &state.supernet,
        &constant,
        weight_batch.clone(),
        Step::Weights,
    )?;
    let gradients = GradientsParams::from_grads(train.backward(), &state.supernet);
    let mut optimizer = state.weight_optimizer.clone();
    let ahead = optimizer.step(step.learning_rate, state.supernet.clone(), gradients);

    let validation = loss(&ahead, &state.architecture, alpha_batch, Step::Architecture)?;
    let value = validation.clone().inner();
    let mut gradients = validation.backward();
    let direction = GradientsParams::from_module(&mut gradients, &ahead);
    let direct = GradientsParams::from_module(&mut gradients, &state.architecture);

    let norm = global_norm(&direction, &ahead).map_or(0.0, scalar);
    if norm <= 0.0 {
        return Ok((direct, value));
    }
    let epsilon = 0.01 / norm;
    let shifted = |scale| {
        let frozen = state.supernet.clone().no_grad();
        let moved = frozen.map(&mut Shift::<B> {
            direction: &direction,
            scale,
            backend: PhantomData,
        });
        let train = loss(
            &moved,
            &state.architecture,
            weight_batch.clone(),
            Step::Architecture,
        )?;
        let gradients = GradientsParams::from_grads(train.backward(), &state.architecture);
        Ok::<_, SearchError>(gradients)
    };
    let (above, below) = (shifted(epsilon)?, shifted(-epsilon)?);
    let factor = step.learning_rate / (2.0 * epsilon);
    let mut total = GradientsParams::new();
    for param in [&state.architecture.normal, &state.architecture.reduce] {
        let of = |gradients: &GradientsParams| gradients.get::<B::InnerBackend, 2>(param.id);
        // A network without a normal cell has no gradient for its logits.
        if let (Some(direct), Some(above), Some(below)) = (of(&direct), of(&above), of(&below)) {
            total.register::<B::InnerBackend, 2>(param.id, direct - (above - below) * factor);
        }
    }
    Ok((total, value))
}

/// Moves every parameter by `scale` times its gradient and makes it a constant.
struct Shift<'a, B: AutodiffBackend> {
    direction: &'a GradientsParams,
    scale: f64,
    backend: PhantomData<B>,
}

impl<B: AutodiffBackend> ModuleMapper<B> for Shift<'_, B> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some(direction) = self.direction.get::<B::InnerBackend, D>(param.id) else {
            return param;
        };
        let (id, value, mapper) = param.consume();
        let moved = Tensor::from_inner(value.inner() + direction * self.scale);
        Param::from_mapped_value(id, moved, mapper)
    }
}

fn scalar<B: Backend>(value: Tensor<B, 1>) -> f64 {
    value.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SearchConfig;
    use burn::backend::Autodiff;
    use burn_flex::Flex;
    use workbench::data::{RngKey, load};

    type Train = Autodiff<Flex>;

    /// `L_val(w - xi dL_train(w, alpha)/dw, alpha)` by what it says.
    fn bilevel(
        step: &AlternatingStep<'_>,
        state: &SearchState<Train>,
        architecture: &Architecture<Train>,
        [train, validation]: &[Batch<Train>; 2],
    ) -> f64 {
        let run = supernet::Run {
            statistics: Statistics::Batch,
            ..step.run(Step::Weights)
        };
        let constant = architecture.clone().no_grad();
        let (_, loss) = step
            .loss(&state.supernet, &constant, train.clone(), run)
            .unwrap();
        let direction = GradientsParams::from_grads(loss.backward(), &state.supernet);
        let ahead = state.supernet.clone().no_grad().map(&mut Shift::<Train> {
            direction: &direction,
            scale: -step.learning_rate,
            backend: PhantomData,
        });
        let (_, loss) = step
            .loss(&ahead, &constant, validation.clone(), run)
            .unwrap();
        scalar(loss.inner())
    }

    fn moved(tensor: &Param<Tensor<Train, 2>>, entry: usize, by: f32) -> Param<Tensor<Train, 2>> {
        let mut data = tensor.val().into_data();
        data.as_mut_slice::<f32>().unwrap()[entry] += by;
        Param::initialized(
            tensor.id,
            Tensor::from_data(data, &Default::default()).require_grad(),
        )
    }

    #[test]
    fn it_is_the_gradient_through_the_weight_step() {
        let set = [
            "search.method=darts",
            "alpha.second_order=true",
            "network.cells=1",
            "network.channels=2",
            "space.nodes=1",
            "space.operations=[\"avg_pool_3x3\",\"skip_connect\",\"sep_conv_3x3\"]",
            "weights.momentum=0.0",
            "weights.weight_decay=0.0",
        ];
        let config = SearchConfig::resolve(None, &set.map(String::from)).unwrap();
        let device = Default::default();
        let data = load(config.data.set, None).unwrap();
        let supernet = config.supernet(&data).unwrap();
        let state = SearchState::<Train>::new(&config, &supernet, &device).unwrap();
        let key = RngKey { seed: 0, epoch: 0 };
        let batch = |from: usize| {
            let indices: Vec<_> = (from..from + 24).collect();
            data.train.batch::<Train>(&indices, None, key, &device)
        };
        let batches = [batch(0), batch(24)];
        let step = AlternatingStep {
            config: &config,
            index: 0,
            temperature: 1.0,
            learning_rate: 0.5,
        };
        let [train, validation] = batches.clone();
        let (gradients, value) = look_ahead(&step, &state, &train, validation.clone()).unwrap();
        let expected = bilevel(&step, &state, &state.architecture, &batches);
        assert!((scalar(value) - expected).abs() < 1e-5);

        // One cell reduces, so the logits of the reduction cell are the ones that matter.
        let logits = &state.architecture.reduce;
        let read = |gradients: &GradientsParams| -> Vec<f64> {
            let gradient = gradients.get::<Flex, 2>(logits.id).unwrap();
            gradient.into_data().iter::<f64>().collect()
        };
        let second = read(&gradients);
        let (mut error, mut first_order_error) = (0.0, 0.0);
        let run = step.run(Step::Architecture);
        let (_, loss) = step
            .loss(&state.supernet, &state.architecture, validation, run)
            .unwrap();
        let first = read(&GradientsParams::from_grads(
            loss.backward(),
            &state.architecture,
        ));
        for (entry, (second, first)) in second.into_iter().zip(first).enumerate() {
            let at = |by: f32| {
                let mut architecture = state.architecture.clone();
                architecture.reduce = moved(logits, entry, by);
                bilevel(&step, &state, &architecture, &batches)
            };
            let expected = (at(0.03) - at(-0.03)) / 0.06;
            error += (second - expected).powi(2);
            first_order_error += (first - expected).powi(2);
        }
        assert!(
            error < 0.05_f64.powi(2) * first_order_error,
            "{error:e}, of first order {first_order_error:e}"
        );
    }
}
