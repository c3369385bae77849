use serde::{Deserialize, Serialize};

use super::{
    gumbel::{exponential, gumbel},
    philox::philox4x32,
};

/// Names the noise of one call: the same key gives the same noise on every backend.
///
/// The bits for entry (row, draw, op) come from Philox4x32-10 with
/// counter `(row, draw, op / 4, step)`, of which word `op % 4` is used, and key `seed`. Words of
/// 32 bits take all but the last case:
///
/// - `row` is `first_row` plus the row of the call, modulo 2^32;
/// - `step` is its lower half; while the upper half is 0 the Philox key is `(seed, seed >> 32)`;
/// - otherwise the Philox key is made of the first two words of
///   `philox(counter = (step >> 32, 0, 0, 0), key = seed)`, so a run of more than 2^32 steps goes
///   on with another key instead of repeating itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NoiseKey {
    /// Seed of the run.
    pub seed: u64,
    /// Step of the run; consecutive steps give independent noise.
    pub step: u64,
    /// Row `r` of a call uses the noise of row `first_row + r`. Tables that are sampled in
    /// separate calls of the same step take disjoint ranges of rows.
    pub first_row: u32,
}

impl NoiseKey {
    /// Key of a step, starting at row 0.
    pub fn new(seed: u64, step: u64) -> Self {
        Self {
            seed,
            step,
            first_row: 0,
        }
    }

    /// The same seed and step, starting at another row.
    pub fn with_first_row(mut self, first_row: u32) -> Self {
        self.first_row = first_row;
        self
    }

    /// Key words of the generator for this seed and step.
    pub(crate) fn words(&self) -> [u32; 2] {
        let seed = [self.seed as u32, (self.seed >> 32) as u32];
        match (self.step >> 32) as u32 {
            0 => seed,
            upper => {
                let [first, second, ..] = philox4x32([upper, 0, 0, 0], seed);
                [first, second]
            }
        }
    }

    /// The random bits of entry (row, draw, op), `row` counted from the start of the call.
    pub fn bits(&self, row: u32, draw: u32, op: u32) -> u32 {
        let counter = self.counter(row, draw, op / 4);
        philox4x32(counter, self.words())[op as usize % 4]
    }

    pub(crate) fn counter(&self, row: u32, draw: u32, block: u32) -> [u32; 4] {
        [
            self.first_row.wrapping_add(row),
            draw,
            block,
            self.step as u32,
        ]
    }

    /// Gumbel(0, 1) noise of shape `[rows, draws, ops]`, row-major.
    pub fn gumbel(&self, rows: usize, draws: usize, ops: usize) -> Vec<f32> {
        self.fill([rows, draws, ops], 0, gumbel)
    }

    /// Standard exponential noise of shape `[rows, draws, ops]` for the draws from `first_draw` on.
    pub(crate) fn exponential(&self, shape: [usize; 3], first_draw: u32) -> Vec<f32> {
        self.fill(shape, first_draw, exponential)
    }

    fn fill(
        &self,
        [rows, draws, ops]: [usize; 3],
        first_draw: u32,
        transform: impl Fn(u32) -> f32,
    ) -> Vec<f32> {
        let words = self.words();
        let mut noise = Vec::with_capacity(rows * draws * ops);
        for row in 0..rows {
            for draw in 0..draws {
                for block in 0..ops.div_ceil(4) {
                    let counter = self.counter(row as u32, first_draw + draw as u32, block as u32);
                    let count = (ops - 4 * block).min(4);
                    let bits = philox4x32(counter, words);
                    noise.extend(bits[..count].iter().map(|&bits| transform(bits)));
                }
            }
        }
        noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_noise_is_the_noise_of_single_entries() {
        let key = NoiseKey::new(3, 5).with_first_row(11);
        let (rows, draws, ops) = (2, 3, 6);
        let noise = key.gumbel(rows, draws, ops);
        for row in 0..rows {
            for draw in 0..draws {
                for op in 0..ops {
                    assert_eq!(
                        noise[(row * draws + draw) * ops + op],
                        gumbel(key.bits(row as u32, draw as u32, op as u32))
                    );
                }
            }
        }
    }

    #[test]
    fn first_row_shifts_the_rows() {
        let shifted = NoiseKey::new(1, 2).with_first_row(3).gumbel(1, 2, 5);
        assert_eq!(NoiseKey::new(1, 2).gumbel(4, 2, 5)[30..], shifted[..]);
    }

    #[test]
    fn steps_beyond_32_bits_do_not_repeat() {
        let early = NoiseKey::new(9, 1).bits(0, 0, 0);
        let late = NoiseKey::new(9, 1 + (1 << 32)).bits(0, 0, 0);
        assert_ne!(early, late);
    }
}
