//! What is scored in place of the weights themselves.

use burn::module::Module;
use burn::tensor::backend::Backend;
use workbench::optim::{AveragedSgd, blend_average, move_average};

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
    /// Averaged stochastic gradient descent ([`AveragedSgd::PUBLISHED`]) from the start of an epoch on:
    /// the mean of the weights after each step but the first, at learning rates that act a step late.
    /// Until then the weights are scored.
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
        match self {
            Self::Off => None,
            Self::Exponential { decay } => {
                average.map(|average| move_average(average, &model(), decay, step as u64))
            }
            Self::Mean { since } => {
                let count = averaged_step(step, first_step(since))?;
                match AveragedSgd::PUBLISHED.share(count) {
                    1.0 => Some(model()),
                    share => average.map(|average| blend_average(average, &model(), 1.0 - share)),
                }
            }
        }
    }

    /// The learning rate of a step for which the schedule has `scheduled`, and had `before` for the step
    /// before, if there was one. `step` and `first_step` are as for [`after`](Self::after).
    pub(crate) fn learning_rate(
        self,
        scheduled: f64,
        before: Option<f64>,
        step: usize,
        first_step: impl Fn(usize) -> usize,
    ) -> f64 {
        let count = match self {
            Self::Off | Self::Exponential { .. } => None,
            Self::Mean { since } => averaged_step(step, first_step(since)),
        };
        match (count, before) {
            (Some(count), Some(before)) => {
                AveragedSgd::PUBLISHED.learning_rate(count, scheduled, before)
            }
            _ => scheduled,
        }
    }

    /// The average before the first step.
    pub(crate) fn initial<M>(self, model: impl FnOnce() -> M) -> Option<M> {
        matches!(self, Self::Exponential { .. }).then(model)
    }
}

/// The number of a step, counted from 1 over those that are averaged.
fn averaged_step(step: usize, first: usize) -> Option<usize> {
    Some(step.checked_sub(first)? + 1)
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
    fn the_mean_begins_with_its_epoch_and_weighs_every_step_but_the_first_alike() {
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
        let expected = [None, None, Some(4.0), Some(9.0), Some(12.5)];
        assert_eq!(found, expected);
    }

    #[test]
    fn learning_rates_act_a_step_late_while_the_mean_is_taken() {
        let first_step = |epoch| 2 * epoch;
        let rates = |averaging: Averaging| {
            let mut before = None;
            [0.5, 0.25, 1.0, 2.0, 3.0].map(|scheduled| {
                let step = before.map_or(0, |(step, _)| step + 1);
                let rate = before.map(|(_, rate)| rate);
                before = Some((step, scheduled));
                averaging.learning_rate(scheduled, rate, step, first_step)
            })
        };
        assert_eq!(
            rates(Averaging::Mean { since: 1 }),
            [0.5, 0.25, 1.0, 1.0, 2.0]
        );
        assert_eq!(rates(Averaging::Off), [0.5, 0.25, 1.0, 2.0, 3.0]);
    }
}
