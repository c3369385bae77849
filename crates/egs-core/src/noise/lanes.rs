//! Noise of many operations at a time, laid out so that the compiler can use vector instructions.

use super::{
    gumbel::exponential,
    philox::{MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1},
};

/// Standard exponential noise of `L` consecutive blocks of four operations.
///
/// Entry `[word][lane]` belongs to operation `4 (first_block + lane) + word`.
///
/// `counter` is that of the first block, `key` the generator's key words.
#[inline(always)]
pub(crate) fn exponentials<const L: usize>(counter: [u32; 4], key: [u32; 2]) -> [[f32; L]; 4] {
    let [row, draw, first_block, step] = counter;
    let blocks = core::array::from_fn(|lane| first_block + lane as u32);
    let mut words = [[row; L], [draw; L], blocks, [step; L]];
    let mut key = key;
    for _ in 0..ROUNDS {
        for lane in 0..L {
            let product_0 = MULTIPLIER_0 as u64 * words[0][lane] as u64;
            let product_1 = MULTIPLIER_1 as u64 * words[2][lane] as u64;
            let next = [
                (product_1 >> 32) as u32 ^ words[1][lane] ^ key[0],
                product_1 as u32,
                (product_0 >> 32) as u32 ^ words[3][lane] ^ key[1],
                product_0 as u32,
            ];
            for (word, next) in words.iter_mut().zip(next) {
                word[lane] = next;
            }
        }
        key = [key[0].wrapping_add(WEYL_0), key[1].wrapping_add(WEYL_1)];
    }
    words.map(|word| word.map(exponential))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoiseKey;

    #[test]
    fn lanes_are_consecutive_blocks() {
        let key = NoiseKey::new(5, 6).with_first_row(7);
        let lanes = exponentials::<8>(key.counter(1, 2, 3), key.words());
        for (word, lanes) in lanes.iter().enumerate() {
            for (lane, &noise) in lanes.iter().enumerate() {
                let op = 4 * (3 + lane) + word;
                assert_eq!(noise, exponential(key.bits(1, 2, op as u32)));
            }
        }
    }
}
