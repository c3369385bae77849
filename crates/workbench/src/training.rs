//! One step of gradient descent on the weights of any model, its batch cut into passes.

use burn::module::AutodiffModule;
use burn::optim::{GradientsAccumulator, GradientsParams, Optimizer};
use burn::tensor::{Tensor, backend::AutodiffBackend};

use crate::WorkbenchError;
use crate::optim::{clip_global_norm, scale_gradients};

/// A training step: gradients of all passes of a batch are added up, clipped by the norm of all of them
/// together and given to the optimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingStep {
    /// The optimiser's learning rate.
    pub learning_rate: f64,
    /// Largest norm of all gradients together.
    pub clip_norm: f64,
    /// The factor that losses were multiplied by before they were differentiated.
    pub loss_scale: f64,
}

/// What one pass leaves.
#[derive(Debug)]
pub struct PassOutput<B: AutodiffBackend, M> {
    /// The model, whose running statistics may have moved.
    pub model: M,
    /// Gradients of the pass's share of the step's loss, times the loss scale.
    pub gradients: GradientsParams,
    /// What is added up for a score, `[sums]`.
    pub sums: Tensor<B::InnerBackend, 1>,
}

/// What a step leaves.
#[derive(Debug)]
pub struct StepOutput<B: AutodiffBackend, M> {
    /// The model after the step.
    pub model: M,
    /// The sums of each pass, `[sums]` each.
    pub sums: Vec<Tensor<B::InnerBackend, 1>>,
    /// Whether the weights were moved: not where scaled gradients overflowed, nor without a batch.
    pub moved: bool,
}

impl TrainingStep {
    /// Takes the step on the batches of its passes; `pass` runs the model on one and differentiates.
    ///
    /// # Errors
    ///
    /// Those of `pass`, and when a batch cannot be read.
    pub fn take<B, M, O, T, E>(
        &self,
        mut model: M,
        optimizer: &mut O,
        batches: impl Iterator<Item = crate::Result<T>>,
        mut pass: impl FnMut(M, T) -> Result<PassOutput<B, M>, E>,
    ) -> Result<StepOutput<B, M>, E>
    where
        B: AutodiffBackend,
        M: AutodiffModule<B>,
        O: Optimizer<M, B>,
        E: From<WorkbenchError>,
    {
        let mut accumulated = GradientsAccumulator::new();
        let mut sums = Vec::new();
        for batch in batches {
            let output = pass(model, batch?)?;
            model = output.model;
            accumulated.accumulate(&model, output.gradients);
            sums.push(output.sums);
        }
        let mut moved = false;
        if !sums.is_empty() {
            let gradients = scale_gradients(accumulated.grads(), &model, 1.0 / self.loss_scale);
            let (clipped, norm) = clip_global_norm(gradients, &model, self.clip_norm);
            // A scaled loss may overflow; such a step is left out, as is usual.
            let overflow = self.loss_scale != 1.0
                && norm.is_some_and(|norm| norm.into_data().iter::<f64>().any(|n| !n.is_finite()));
            if !overflow {
                model = optimizer.step(self.learning_rate, model, clipped);
                moved = true;
            }
        }
        Ok(StepOutput { model, sums, moved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::{
        backend::Autodiff,
        module::{Module, Param},
        optim::{Sgd, SgdConfig, adaptor::OptimizerAdaptor},
    };
    use burn_flex::Flex;

    type Train = Autodiff<Flex>;

    #[derive(Module, Debug)]
    struct Weights<B: burn::tensor::backend::Backend> {
        /// `[2]`
        w: Param<Tensor<B, 1>>,
    }

    type Output = PassOutput<Train, Weights<Train>>;

    fn weights(values: [f32; 2]) -> Weights<Train> {
        let w = Tensor::from_floats(values, &Default::default());
        Weights {
            w: Param::from_tensor(w),
        }
    }

    fn optimizer() -> OptimizerAdaptor<Sgd<Flex>, Weights<Train>, Train> {
        SgdConfig::new().init()
    }

    /// The loss `scale * sum(w * gradient)`, whose gradient is `scale * gradient`.
    fn pass(scale: f32) -> impl FnMut(Weights<Train>, [f32; 2]) -> crate::Result<Output> {
        move |model, gradient| {
            let gradient = Tensor::from_floats(gradient, &Default::default());
            let loss = (model.w.val() * gradient).sum() * scale;
            let sums = loss.clone().inner();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            Ok(PassOutput {
                model,
                gradients,
                sums,
            })
        }
    }

    fn values(model: &Weights<Train>) -> Vec<f32> {
        model.w.val().into_data().to_vec().unwrap()
    }

    #[test]
    fn gradients_of_the_passes_are_added_up_unscaled_and_clipped_together() {
        let step = TrainingStep {
            learning_rate: 0.5,
            clip_norm: 2.5,
            loss_scale: 8.0,
        };
        let batches = [[3.0, 0.0], [0.0, 4.0]].map(Ok);
        let start = weights([1.0, 1.0]);
        let taken = step
            .take(start, &mut optimizer(), batches.into_iter(), pass(8.0))
            .unwrap();
        // The gradient (3, 4) of norm 5 is halved; without clipping each pass would move 1.5 and 2.
        for (found, expected) in values(&taken.model).iter().zip([0.25, 0.0]) {
            assert!((found - expected).abs() < 1e-5, "{found}");
        }
        let sums: Vec<f32> = taken.sums.into_iter().map(Tensor::into_scalar).collect();
        assert_eq!((sums, taken.moved), (vec![24.0, 32.0], true));
    }

    #[test]
    fn an_overflow_leaves_the_step_out_where_the_loss_is_scaled() {
        let step = |loss_scale| TrainingStep {
            learning_rate: 0.5,
            clip_norm: 1.0,
            loss_scale,
        };
        let take = |step: TrainingStep, gradient| {
            let batches = std::iter::once(Ok([gradient, 0.0]));
            let start = weights([1.0, 1.0]);
            step.take(start, &mut optimizer(), batches, pass(1.0))
                .unwrap()
        };
        let left_out = take(step(1024.0), f32::INFINITY);
        assert!(!left_out.moved && values(&left_out.model) == [1.0, 1.0]);
        assert!(take(step(1024.0), 1.0).moved);
        // Unscaled, divergence is for the loss to show.
        assert!(take(step(1.0), f32::INFINITY).moved);
    }

    #[test]
    fn a_batch_that_cannot_be_read_ends_the_step() {
        let step = TrainingStep {
            learning_rate: 0.5,
            clip_norm: 1.0,
            loss_scale: 1.0,
        };
        let unreadable = WorkbenchError::field("x", 0, "1");
        let batches = [Ok([1.0, 0.0]), Err(unreadable)].into_iter();
        let start = weights([1.0, 1.0]);
        assert!(
            step.take(start, &mut optimizer(), batches, pass(1.0))
                .is_err()
        );
        let none = std::iter::empty::<crate::Result<[f32; 2]>>();
        let taken = step
            .take(weights([1.0, 1.0]), &mut optimizer(), none, pass(1.0))
            .unwrap();
        assert!(!taken.moved && taken.sums.is_empty() && values(&taken.model) == [1.0, 1.0]);
    }
}
