//! Averaged stochastic gradient descent, and when to begin with it.

/// Averaged stochastic gradient descent (Polyak and Juditsky 1992) as PyTorch has it: plain descent whose
/// weights are scored as an average over its steps. Steps are counted from 1.
///
/// It is what SGD without momentum does with [`decay`](Self::decay) added to its weight decay, at
/// [`learning_rate`](Self::learning_rate), and its average moves by [`share`](Self::share).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AveragedSgd {
    /// Decay of weights and learning rate (`lambd`).
    pub decay: f64,
    /// Power of the learning rate's decay (`alpha`).
    pub power: f64,
    /// The step after which averaging begins (`t0`).
    pub start: f64,
}

impl AveragedSgd {
    /// As language models are trained: nothing decays, and averaging begins at once.
    pub const PUBLISHED: Self = Self {
        decay: 0.0,
        power: 0.75,
        start: 0.0,
    };

    /// The learning rate of a step for which the schedule has `scheduled`, and had `before` for the step
    /// before: it acts a step late, except on the first one.
    pub fn learning_rate(&self, step: usize, scheduled: f64, before: f64) -> f64 {
        match step.saturating_sub(1) {
            0 => scheduled,
            taken => before / (1.0 + self.decay * before * taken as f64).powf(self.power),
        }
    }

    /// How far the average moves towards the weights after a step: `a <- a + share (w - a)`. The first
    /// weights are left out of it, so that without `start` it is the mean of those from the second step
    /// on.
    pub fn share(&self, step: usize) -> f64 {
        1.0 / (step as f64 - 1.0 - self.start).max(1.0)
    }
}

/// The first epoch, counted from 0, of averaging by the non-monotone trigger (Merity et al. 2017): the one
/// after the first whose loss is above the lowest of all before it but the last `patience`, of which there
/// must be one. `losses` are those on the examples held out, an epoch each, up to there; `None` where none
/// is so. `patience` is 1 or more.
pub fn non_monotone_trigger(losses: &[f64], patience: usize) -> Option<usize> {
    let fires = |&epoch: &usize| {
        let earlier = &losses[..epoch.saturating_sub(patience)];
        earlier.iter().any(|&before| losses[epoch] > before)
    };
    (0..losses.len()).find(fires).map(|epoch| epoch + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_averaging_is_the_mean_of_all_steps_but_the_first() {
        let rule = AveragedSgd::PUBLISHED;
        let weights = [9.0, 1.0, 2.0, 6.0];
        let mut average = 0.0;
        for (step, weight) in (1..).zip(weights) {
            average += rule.share(step) * (weight - average);
        }
        assert_eq!(average, 3.0);
    }

    #[test]
    fn the_learning_rate_acts_a_step_late() {
        let rule = AveragedSgd::PUBLISHED;
        assert_eq!(rule.learning_rate(1, 0.5, f64::NAN), 0.5);
        assert_eq!(rule.learning_rate(2, 0.5, 0.25), 0.25);
    }

    #[test]
    fn averaging_begins_after_patience_and_two_epochs_at_the_earliest() {
        assert_eq!(non_monotone_trigger(&[1.0, 2.0, 3.0], 1), Some(3));
        assert_eq!(non_monotone_trigger(&[1.0, 2.0], 1), None);
        assert_eq!(non_monotone_trigger(&[], 5), None);
        // It is not taken back.
        assert_eq!(
            non_monotone_trigger(&[1.0, 2.0, 3.0, 0.5, 0.25], 1),
            Some(3)
        );
    }
}
