//! What is scored in place of the weights themselves.

use burn::module::Module;
use burn::tensor::backend::Backend;
use workbench::optim::move_average;

/// An average of the weights over the steps of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Averaging {
    /// None: the weights are scored.
    Off,
    /// `a <- d a + (1 - d) w` after every step, with `d = min(decay, (1 + step) / (10 + step))`, so that
    /// a short run is not held back by its initial weights; steps are counted from 0 over the run.
    Exponential {
        /// The decay, at least 0 and less than 1.
        decay: f64,
    },
    /// The mean of the weights after each step from the start of an epoch on (Polyak and Juditsky
    /// 1992). Until then the weights are scored.
    Mean {
        /// The epoch, counted from 0.
        since: usize,
    },
}

impl Averaging {
    /// The average after a step that left `model`: `average` moved, or the first one. `step` is counted
    /// from 0 over the run, and so is `first_step(epoch)`.
    pub(crate) fn after<B: Backend, M: Module<B>>(
        self,
        average: Option<M>,
        model: impl FnOnce() -> M,
        step: usize,
        first_step: impl Fn(usize) -> usize,
    ) -> Option<M> {
        // So late a step holds nothing back.
        const SETTLED: u64 = u64::MAX;
        match self {
            Self::Off => None,
            Self::Exponential { decay } => {
                average.map(|average| move_average(average, &model(), decay, step as u64))
            }
            Self::Mean { since } => match step.checked_sub(first_step(since)) {
                None => None,
                Some(0) => Some(model()),
                Some(before) => {
                    let kept = before as f64 / (before + 1) as f64;
                    average.map(|average| move_average(average, &model(), kept, SETTLED))
                }
            },
        }
    }

    /// The average before the first step.
    pub(crate) fn initial<M>(self, model: impl FnOnce() -> M) -> Option<M> {
        matches!(self, Self::Exponential { .. }).then(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Param;
    use burn::tensor::Tensor;
    use burn_flex::Flex;

    #[derive(Module, Debug)]
    struct Weights<B: Backend> {
        /// `[1]`
        w: Param<Tensor<B, 1>>,
    }

    #[test]
    fn the_mean_begins_with_its_epoch_and_weighs_every_step_alike() {
        let start = Weights::<Flex> {
            w: Param::from_tensor(Tensor::from_floats([9.0], &Default::default())),
        };
        let averaging = Averaging::Mean { since: 1 };
        // Epoch 0 has two steps.
        let first_step = |epoch| 2 * epoch;
        let mut average = averaging.initial(|| start.clone());
        let mut found = Vec::new();
        for step in 0..5_u8 {
            let mut model = start.clone();
            model.w = model.w.map(|w| w * 0.0 + f32::from(step * step));
            average = averaging.after(average, || model, step.into(), first_step);
            found.push(average.as_ref().map(|a| a.w.val().into_scalar()));
        }
        assert_eq!(found[..3], [None, None, Some(4.0)]);
        for (found, expected) in found[3..].iter().zip([6.5, 29.0 / 3.0]) {
            assert!((found.unwrap() - expected).abs() < 1e-5, "{found:?}");
        }
    }
}
