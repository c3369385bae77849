use burn::tensor::{Tensor, TensorData, backend::Backend};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the masks of dropout are a function of, beside the image's place in the step's batch, so that a
/// resumed run and a batch cut into passes draw the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropoutKey {
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, counted from 0.
    pub epoch: u32,
    /// Step of the epoch, counted from 0.
    pub step: u32,
    /// Place of the first image of this pass in the step's batch.
    pub first: usize,
}

impl DropoutKey {
    /// Factors of so many numbers of so many images: 0 or `1 / (1 - rate)`.
    fn mask(&self, images: usize, numbers: usize, rate: f64) -> Vec<f32> {
        // Sets these streams apart from all others that are drawn from the same seed.
        const PURPOSE: u64 = 1 << 62;
        let words = [
            self.seed,
            u64::from(self.epoch),
            u64::from(self.step),
            PURPOSE,
        ];
        let mut key = [0; 32];
        for (chunk, word) in key.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        let keep = 1.0 - rate;
        let kept = |draw: u32| match f64::from(draw) / 2f64.powi(32) < keep {
            true => (1.0 / keep) as f32,
            false => 0.0,
        };
        let of_image = |image: usize| {
            let mut rng = ChaCha8Rng::from_seed(key);
            rng.set_stream((self.first + image) as u64);
            (0..numbers).map(move |_| kept(rng.next_u32()))
        };
        (0..images).flat_map(of_image).collect()
    }

    /// # Shapes
    ///
    /// - input and output: `[batch, channels, height, width]`
    pub(super) fn apply<B: Backend>(&self, x: Tensor<B, 4>, rate: f64) -> Tensor<B, 4> {
        let [batch, channels, height, width] = x.dims();
        let mask = self.mask(batch, channels * height * width, rate);
        let mask = TensorData::new(mask, [batch, channels, height, width]);
        let mask = Tensor::from_data(mask, (&x.device(), x.dtype()));
        x * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: DropoutKey = DropoutKey {
        seed: 3,
        epoch: 1,
        step: 2,
        first: 0,
    };

    #[test]
    fn the_expectation_of_a_mask_is_one_and_parts_of_a_batch_draw_what_the_whole_draws() {
        let whole = KEY.mask(4, 10_000, 0.25);
        let kept = whole.iter().filter(|&&factor| factor != 0.0).count();
        assert!(whole.iter().all(|&f| f == 0.0 || f == 4.0 / 3.0));
        // Five standard deviations of a binomial with 40,000 trials and probability 3/4.
        assert!(kept.abs_diff(30_000) < 434, "{kept}");
        let rest = DropoutKey { first: 3, ..KEY }.mask(1, 10_000, 0.25);
        assert_eq!(rest, whole[30_000..]);
        assert_ne!(whole[..10_000], whole[10_000..20_000]);
    }

    #[test]
    fn every_part_of_the_key_changes_the_mask() {
        let of = |key: DropoutKey| key.mask(1, 64, 0.5);
        let masks = [
            of(KEY),
            of(DropoutKey { seed: 4, ..KEY }),
            of(DropoutKey { epoch: 2, ..KEY }),
            of(DropoutKey { step: 3, ..KEY }),
        ];
        for (index, mask) in masks.iter().enumerate() {
            assert!(!masks[..index].contains(mask), "{index}");
        }
    }
}
