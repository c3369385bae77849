//! Dropout of a language model: masks that are drawn once for a sequence and shared over its time (Gal and
//! Ghahramani 2016).

use burn::tensor::{Tensor, TensorData, backend::Backend};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::checks::below_one;
use crate::stream::{Purpose, seeded_rng};

/// Shares of what is dropped in training; what stays is divided by one less the share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dropout {
    /// Of the words, where they are looked up; not where they are predicted.
    pub embedding: f64,
    /// Of the units of looked-up words.
    pub input: f64,
    /// Of the units of an input as it enters the product of a cell.
    pub cell_input: f64,
    /// Of the units of a hidden state as it enters a product of a cell; states themselves stay whole.
    pub hidden: f64,
    /// Of the units of outputs before they are decoded.
    pub output: f64,
}

impl Dropout {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        below_one("network.dropout.embedding", self.embedding)?;
        below_one("network.dropout.input", self.input)?;
        below_one("network.dropout.cell_input", self.cell_input)?;
        below_one("network.dropout.hidden", self.hidden)?;
        below_one("network.dropout.output", self.output)
    }

    /// Draws the masks of a sequence.
    pub fn masks<B: Backend>(
        &self,
        key: DropoutKey,
        size: MaskSize,
        device: &B::Device,
    ) -> Masks<B> {
        let MaskSize {
            words,
            streams,
            units,
        } = size;
        let shape = [streams, units];
        let of_units = |site, share| {
            let mask = key.of_streams(site, share, shape)?;
            Some(tensor::<B>(mask, shape, device))
        };
        Masks {
            embedding: key
                .of_weights(Site::Embedding, self.embedding, words)
                .map(|mask| tensor(mask, [words, 1], device)),
            input: of_units(Site::Input, self.input),
            cell_input: of_units(Site::CellInput, self.cell_input),
            hidden: of_units(Site::Hidden, self.hidden),
            output: of_units(Site::Output, self.output),
        }
    }
}

/// What masks are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskSize {
    /// Words of the vocabulary.
    pub words: usize,
    /// Streams side by side.
    pub streams: usize,
    /// Units of a looked-up word and of a hidden state.
    pub units: usize,
}

/// Masks of a sequence: factors of 0, or of 1 divided by the share that stays. `None` where nothing is
/// dropped, as in evaluation.
#[derive(Debug, Clone)]
pub struct Masks<B: Backend> {
    /// `[words, 1]`, of the words looked up.
    pub embedding: Option<Tensor<B, 2>>,
    /// `[streams, units]`, of looked-up words.
    pub input: Option<Tensor<B, 2>>,
    /// `[streams, units]`, of an input in its product with the weights of a cell.
    pub cell_input: Option<Tensor<B, 2>>,
    /// `[streams, units]`, of a state in its products with the weights of a cell, all of its steps.
    pub hidden: Option<Tensor<B, 2>>,
    /// `[streams, units]`, of outputs before they are decoded.
    pub output: Option<Tensor<B, 2>>,
}

impl<B: Backend> Default for Masks<B> {
    fn default() -> Self {
        Self {
            embedding: None,
            input: None,
            cell_input: None,
            hidden: None,
            output: None,
        }
    }
}

/// What a mask is for; masks for different ends are drawn apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Words as they are looked up.
    Embedding = 0,
    /// Looked-up words.
    Input = 1,
    /// Inputs of a cell's products.
    CellInput = 2,
    /// Hidden states of a cell's products.
    Hidden = 3,
    /// Outputs.
    Output = 4,
    /// Weights between hidden states, such as those of an LSTM (Merity et al. 2017).
    Weights = 5,
}

/// What masks are a function of, so that a resumed run draws the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropoutKey {
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, counted from 0.
    pub epoch: u64,
    /// A number that no other pass of the epoch has but those of the same step.
    pub step: u64,
    /// Place of the pass's first stream in the step, so that a step cut into passes draws what it draws
    /// whole.
    pub first: usize,
}

impl DropoutKey {
    /// Factors `[streams, units]`, row by row; `None` for a share of 0.
    pub fn of_streams(
        &self,
        site: Site,
        share: f64,
        [streams, units]: [usize; 2],
    ) -> Option<Vec<f32>> {
        self.draw(site, share, self.first * units, streams * units)
    }

    /// Factors of so many weights, whichever streams a pass has; `None` for a share of 0.
    pub fn of_weights(&self, site: Site, share: f64, weights: usize) -> Option<Vec<f32>> {
        self.draw(site, share, 0, weights)
    }

    fn draw(&self, site: Site, share: f64, skipped: usize, count: usize) -> Option<Vec<f32>> {
        if share == 0.0 {
            return None;
        }
        let step = self.step << 8 | site as u64;
        let mut rng = seeded_rng(Purpose::Dropout, [self.seed, self.epoch, step]);
        // A number takes one word.
        rng.set_word_pos(skipped as u128);
        let keep = 1.0 - share;
        let kept = (1.0 / keep) as f32;
        let factor = |bits: u32| match f64::from(bits) / 2_f64.powi(32) < keep {
            true => kept,
            false => 0.0,
        };
        Some((0..count).map(|_| factor(rng.next_u32())).collect())
    }
}

/// Factors of weights `[inputs, outputs]` that are drawn for a sequence ([`Site::Weights`]); none for a
/// share of 0.
pub fn weight_mask<B: Backend>(
    key: DropoutKey,
    share: f64,
    shape: [usize; 2],
    device: &B::Device,
) -> Option<Tensor<B, 2>> {
    let mask = key.of_weights(Site::Weights, share, shape[0] * shape[1])?;
    Some(tensor(mask, shape, device))
}

fn tensor<B: Backend>(values: Vec<f32>, shape: [usize; 2], device: &B::Device) -> Tensor<B, 2> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    const KEY: DropoutKey = DropoutKey {
        seed: 3,
        epoch: 1,
        step: 2,
        first: 0,
    };

    fn mask(key: DropoutKey, site: Site) -> Vec<f32> {
        key.of_streams(site, 0.25, [8, 16]).unwrap()
    }

    #[test]
    fn the_expectation_of_a_mask_is_one() {
        let mask = KEY.of_weights(Site::Hidden, 0.25, 40_000).unwrap();
        let kept = mask.iter().filter(|&&factor| factor != 0.0).count();
        assert!(mask.iter().all(|&f| f == 0.0 || f == 4.0 / 3.0));
        // Five standard deviations of a binomial with 40,000 trials and probability 3/4.
        assert!(kept.abs_diff(30_000) < 434, "{kept}");
    }

    #[test]
    fn every_part_of_the_key_changes_the_mask() {
        let masks = [
            mask(KEY, Site::Input),
            mask(KEY, Site::Output),
            mask(DropoutKey { seed: 4, ..KEY }, Site::Input),
            mask(DropoutKey { epoch: 2, ..KEY }, Site::Input),
            mask(DropoutKey { step: 3, ..KEY }, Site::Input),
        ];
        for (index, mask) in masks.iter().enumerate() {
            assert!(!masks[..index].contains(mask), "{index}");
        }
        assert_eq!(masks[0], mask(KEY, Site::Input));
    }

    #[test]
    fn passes_of_a_step_draw_what_the_whole_draws() {
        let of = |key: DropoutKey, streams| key.of_streams(Site::Hidden, 0.5, [streams, 5]);
        let whole = of(KEY, 10).unwrap();
        let second = DropoutKey { first: 6, ..KEY };
        assert_eq!(of(KEY, 6).unwrap(), whole[..30]);
        assert_eq!(of(second, 4).unwrap(), whole[30..]);
        // Weights are the same for all of them.
        let weights = |key: DropoutKey| key.of_weights(Site::Weights, 0.5, 40);
        assert_eq!(weights(KEY), weights(second));
    }

    #[test]
    fn masks_have_the_shapes_of_what_they_are_for() {
        let size = MaskSize {
            words: 7,
            streams: 3,
            units: 4,
        };
        let all = Dropout {
            embedding: 0.1,
            input: 0.2,
            cell_input: 0.3,
            hidden: 0.4,
            output: 0.5,
        };
        let device = Default::default();
        let masks = all.masks::<Flex>(KEY, size, &device);
        let dims = [
            masks.embedding,
            masks.input,
            masks.cell_input,
            masks.hidden,
            masks.output,
        ]
        .map(|mask| mask.unwrap().dims());
        assert_eq!(dims, [[7, 1], [3, 4], [3, 4], [3, 4], [3, 4]]);
        let none = Dropout::default().masks::<Flex>(KEY, size, &device);
        assert!(none.embedding.is_none() && none.hidden.is_none() && none.output.is_none());
        assert!(weight_mask::<Flex>(KEY, 0.0, [2, 3], &device).is_none());
        assert_eq!(
            weight_mask::<Flex>(KEY, 0.5, [2, 3], &device)
                .unwrap()
                .dims(),
            [2, 3]
        );
    }

    #[test]
    fn a_share_of_one_is_refused() {
        let whole = Dropout {
            output: 1.0,
            ..Dropout::default()
        };
        let message = whole.validate().unwrap_err().to_string();
        assert!(
            message.contains("`network.dropout.output` is 1"),
            "{message}"
        );
    }
}
