//! Random numbers that are a pure function of a key, on every machine and for every version of the
//! random number crates.

use rand::RngCore;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// What random numbers are for; different purposes never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which examples a division gives to which side.
    Split = 1,
    /// The order in which an epoch visits examples.
    Order = 2,
    /// Random changes to an example.
    Augment = 3,
    /// What of an example is shown.
    Crop = 4,
    /// Lengths of sequences.
    Lengths = 5,
    /// What dropout leaves out.
    Dropout = 6,
    /// Words of a text that a network writes.
    Words = 7,
    /// Cells at random.
    Cells = 8,
    /// Scenes that are made.
    Scenes = 9,
}

/// The generator of random numbers for this purpose and key.
pub fn seeded_rng(purpose: Purpose, key: [u64; 3]) -> ChaCha8Rng {
    let mut seed = [0; 32];
    let words = [key[0], key[1], key[2], purpose as u64];
    for (chunk, word) in seed.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(seed)
}

/// A number in `0..bound`, by multiplication; the bias is below `bound / 2^64`.
pub fn below(rng: &mut impl RngCore, bound: usize) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

/// A number in `from..to`, of 53 random bits.
pub fn uniform(rng: &mut impl RngCore, from: f64, to: f64) -> f64 {
    let unit = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    from + unit * (to - from)
}

/// Shuffles in place (Fisher and Yates).
pub fn shuffle<T>(rng: &mut impl RngCore, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_bound_are_even() {
        let mut rng = seeded_rng(Purpose::Split, [1, 2, 3]);
        let mut counts = [0_i32; 7];
        for _ in 0..7_000 {
            counts[below(&mut rng, 7)] += 1;
        }
        // Five standard deviations of a binomial with 7,000 trials and probability 1/7.
        assert!(
            counts.iter().all(|count| (count - 1_000).abs() < 147),
            "{counts:?}"
        );
    }

    #[test]
    fn every_order_of_three_is_equally_likely() {
        let mut rng = seeded_rng(Purpose::Order, [0; 3]);
        let mut counts = std::collections::BTreeMap::<[u8; 3], i32>::new();
        for _ in 0..6_000 {
            let mut items = [0, 1, 2];
            shuffle(&mut rng, &mut items);
            *counts.entry(items).or_default() += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| (count - 1_000).abs() < 145),
            "{counts:?}"
        );
    }

    #[test]
    fn each_word_of_the_key_and_the_purpose_changes_the_stream() {
        let first = |purpose, key| seeded_rng(purpose, key).next_u64();
        let all = [
            first(Purpose::Split, [1, 0, 0]),
            first(Purpose::Order, [1, 0, 0]),
            first(Purpose::Order, [0, 1, 0]),
            first(Purpose::Order, [0, 0, 1]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.into_iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
