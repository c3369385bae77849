use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Drop-path (Larsson et al. 2017, as DARTS applies it): each image loses the output of an operation
/// with probability `rate`, and what stays is divided by `1 - rate`, so the expectation is the
/// output itself. Skips without a stride are exempt.
///
/// Masks are drawn on the host and are a function of the fields, the cell, the operation and the
/// image's place in the step's batch, so that a resumed run and a batch cut into parts draw the same
/// ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropPath {
    /// Probability of a loss, 0 or more and less than 1.
    pub rate: f64,
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, counted from 0.
    pub epoch: u32,
    /// Step of the epoch, counted from 0.
    pub step: u32,
    /// Place of the first image of this pass in the step's batch.
    pub first: usize,
}

impl DropPath {
    /// The rate at an epoch: a straight line from 0 that would reach `rate` after the last epoch,
    /// `rate * epoch / epochs` with `epoch` counted from 0.
    pub fn ramp(rate: f64, epoch: usize, epochs: usize) -> f64 {
        rate * epoch as f64 / epochs.max(1) as f64
    }

    /// Factors `[batch]` of the outputs of operation `op` of cell `cell`: 0 or `1 / (1 - rate)`.
    pub fn mask(&self, batch: usize, cell: usize, op: usize) -> Vec<f32> {
        // Sets these streams apart from all others that are drawn from the same seed.
        const PURPOSE: u64 = 1 << 63;
        let words = [
            self.seed,
            u64::from(self.epoch),
            u64::from(self.step),
            PURPOSE | (cell as u64) << 32 | op as u64,
        ];
        let mut key = [0; 32];
        for (chunk, word) in key.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        let keep = 1.0 - self.rate;
        let mut draws = std::iter::repeat_with(|| f64::from(rng.next_u32()) / 2f64.powi(32));
        let kept = |draw: f64| {
            if draw < keep {
                (1.0 / keep) as f32
            } else {
                0.0
            }
        };
        draws
            .by_ref()
            .skip(self.first)
            .take(batch)
            .map(kept)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: DropPath = DropPath {
        rate: 0.25,
        seed: 3,
        epoch: 1,
        step: 2,
        first: 0,
    };

    #[test]
    fn the_expectation_of_a_mask_is_one() {
        let mask = HALF.mask(40_000, 4, 5);
        let kept = mask.iter().filter(|&&factor| factor != 0.0).count();
        assert!(mask.iter().all(|&f| f == 0.0 || f == 4.0 / 3.0));
        // Five standard deviations of a binomial with 40,000 trials and probability 3/4.
        assert!(kept.abs_diff(30_000) < 434, "{kept}");
    }

    #[test]
    fn every_part_of_the_key_changes_the_mask() {
        let masks = [
            HALF.mask(64, 0, 0),
            HALF.mask(64, 1, 0),
            HALF.mask(64, 0, 1),
            DropPath { seed: 4, ..HALF }.mask(64, 0, 0),
            DropPath { epoch: 2, ..HALF }.mask(64, 0, 0),
            DropPath { step: 3, ..HALF }.mask(64, 0, 0),
        ];
        for (index, mask) in masks.iter().enumerate() {
            assert!(!masks[..index].contains(mask), "{index}");
        }
        assert_eq!(masks[0], HALF.mask(64, 0, 0));
    }

    #[test]
    fn parts_of_a_batch_draw_what_the_whole_draws() {
        let whole = HALF.mask(10, 2, 3);
        assert_eq!(HALF.mask(6, 2, 3), whole[..6]);
        assert_eq!(DropPath { first: 6, ..HALF }.mask(4, 2, 3), whole[6..]);
    }

    #[test]
    fn the_ramp_begins_at_zero_and_ends_below_the_rate() {
        assert_eq!(DropPath::ramp(0.3, 0, 600), 0.0);
        assert_eq!(DropPath::ramp(0.3, 300, 600), 0.15);
        assert!((DropPath::ramp(0.3, 599, 600) - 0.2995).abs() < 1e-12);
    }
}
