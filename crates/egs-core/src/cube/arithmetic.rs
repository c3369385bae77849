//! Noise, probabilities and scores of single entries, the same formulas as on the host.

use core::f32::consts::{LN_2, LOG2_E};

use cubecl::prelude::*;

use super::plan::Plan;
use crate::{
    Activation,
    activation::{LOG_EPSILON, LOGIT_LIMIT},
    noise::philox::{MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1},
};

/// Bits of [`LOGIT_LIMIT`] and of infinity; the bits of positive floats are ordered as they are.
const LIMIT_BITS: u32 = LOGIT_LIMIT.to_bits();
const INFINITY_BITS: u32 = 0x7F80_0000;
const MAGNITUDE_BITS: u32 = 0x7FFF_FFFF;

/// Moves the boundary between exponents from 1 to `sqrt(1/2)`: bits of 1 minus those of
/// `sqrt(1/2)`.
const EXPONENT_SHIFT: u32 = 0x3F80_0000 - 0x3F35_04F3;
const EXPONENT_BIAS_BITS: u32 = 127 << 23;

/// Where `exp(x)` leaves the normal numbers.
const LOWEST_EXPONENT: f32 = -87.0;

/// [`LN_2`] in two numbers, so that a product of the first with a whole number is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Below every score and every race.
pub(crate) const LOWEST: f32 = -3e38;

/// Sizes and settings of a call.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(crate) struct Problem {
    pub(crate) rows: u32,
    pub(crate) ops: u32,
    pub(crate) draws: u32,
    pub(crate) temperature: f32,
    pub(crate) key_0: u32,
    pub(crate) key_1: u32,
    pub(crate) step: u32,
    pub(crate) first_row: u32,
}

/// What the probabilities of a row are made with.
#[derive(CubeType, Clone, Copy)]
pub(crate) struct RowScale {
    /// Highest logit of a softmax row.
    pub(crate) highest: f32,
    /// What the unscaled probabilities are divided by.
    pub(crate) total: f32,
}

/// Natural logarithm of a positive normal number, see `noise::gumbel::ln`.
#[cube]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = u32::reinterpret(x);
    let exponent = (bits + EXPONENT_SHIFT) >> 23;
    // Taken away from a whole number: of `(e - 127.0) * LN_2` a driver makes `e * LN_2 - 127.0 * LN_2`, which
    // is off by 4e-6, and that is a large part of the logarithm of a number next to 1.
    let power = f32::cast_from(i32::cast_from(exponent) - 127);
    let mantissa = f32::reinterpret(bits + EXPONENT_BIAS_BITS - (exponent << 23));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = 1.0f32
        + square
            * (0.333_333_34f32
                + square * (0.2f32 + square * (0.142_857_15f32 + square * 0.111_111_11f32)));
    2.0f32 * s * series + power * LN_2
}

/// `exp(x)` of `x <= 0`, 0 where that is below the normal numbers.
///
/// Shading languages allow an error that grows with `|x|`, and a low temperature multiplies what a
/// score is off by. The remainder of `x / ln 2` is at most half of `ln 2`, where the series that
/// stops at the seventh power is off by 5e-9.
#[cube]
pub(crate) fn exp(x: f32) -> f32 {
    let mut result = 0.0f32;
    if x > LOWEST_EXPONENT {
        let whole = f32::floor(x * LOG2_E + 0.5f32);
        let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
        let series = 0.008_333_333f32 + r * (0.001_388_888_9f32 + r * 0.000_198_412_7f32);
        let series = 0.5f32 + r * (0.166_666_67f32 + r * (0.041_666_668f32 + r * series));
        let power = f32::reinterpret(u32::cast_from(whole + 127.0f32) << 23);
        result = power + power * (r + r * r * series);
    }
    result
}

/// NaN becomes the lowest logit, what lies beyond the limits comes back to them. Works on the
/// bits, because a shader compiler may assume that NaN does not occur.
#[cube]
pub(crate) fn confine(x: f32) -> f32 {
    let bits = u32::reinterpret(x);
    let magnitude = bits & MAGNITUDE_BITS;
    let mut result = x;
    if magnitude > LIMIT_BITS {
        result = f32::new(LOGIT_LIMIT);
        if magnitude > INFINITY_BITS || bits > MAGNITUDE_BITS {
            result = f32::new(-LOGIT_LIMIT);
        }
    }
    result
}

/// Whether a logit passes a gradient.
#[cube]
pub(crate) fn inside(x: f32) -> bool {
    (u32::reinterpret(x) & MAGNITUDE_BITS) <= LIMIT_BITS
}

/// Probability before the division by the row's total.
#[cube]
pub(crate) fn unscaled(x: f32, highest: f32, #[comptime] activation: Activation) -> f32 {
    let x = confine(x);
    match comptime!(activation) {
        Activation::Softmax => exp(x - highest),
        Activation::Relu => max(x, 0.0f32),
    }
}

#[cube]
pub(crate) fn probability(x: f32, scale: &RowScale, #[comptime] activation: Activation) -> f32 {
    unscaled(x, scale.highest, activation) / scale.total
}

/// Four words of random bits, see `noise::philox`.
#[cube]
pub(crate) fn philox(problem: &Problem, row: u32, draw: u32, block: u32) -> Array<u32> {
    let mut counter_0 = problem.first_row + row;
    let mut counter_1 = draw;
    let mut counter_2 = block;
    let mut counter_3 = problem.step;
    let mut key_0 = problem.key_0;
    let mut key_1 = problem.key_1;
    #[unroll]
    for _ in 0..ROUNDS {
        let high_0 = counter_0.mul_hi(MULTIPLIER_0);
        let low_0 = counter_0 * MULTIPLIER_0;
        let high_1 = counter_2.mul_hi(MULTIPLIER_1);
        let low_1 = counter_2 * MULTIPLIER_1;
        counter_0 = high_1 ^ counter_1 ^ key_0;
        counter_1 = low_1;
        counter_2 = high_0 ^ counter_3 ^ key_1;
        counter_3 = low_0;
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    let mut words = Array::<u32>::new(4usize);
    words[0] = counter_0;
    words[1] = counter_1;
    words[2] = counter_2;
    words[3] = counter_3;
    words
}

/// Standard exponential noise of the four operations of a block.
#[cube]
pub(crate) fn exponentials(problem: &Problem, row: u32, draw: u32, block: u32) -> Array<f32> {
    let words = philox(problem, row, draw, block);
    let mut noise = Array::<f32>::new(4usize);
    #[unroll]
    for lane in 0..4u32 {
        let uniform =
            (f32::cast_from(words[lane as usize] >> 9) + 0.5f32) * 0.000_000_119_209_29f32;
        noise[lane as usize] = -ln(uniform);
    }
    noise
}

/// What the operations of a block are compared by in a draw; the highest wins.
///
/// Given noise: the score `ln(p + eps) + g`. Generated noise: `(p + eps) / E` with a standard
/// exponential `E`, whose logarithm is the score, because `g = -ln E`. Entries beyond the last
/// operation are [`LOWEST`].
#[cube]
pub(crate) fn races(
    logits: &Array<f32>,
    noise: &Array<f32>,
    problem: &Problem,
    scale: &RowScale,
    row: u32,
    draw: u32,
    block: u32,
    #[comptime] plan: Plan,
) -> Array<f32> {
    let mut races = Array::<f32>::new(4usize);
    if comptime!(plan.given) {
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            let mut race = f32::new(LOWEST);
            if op < problem.ops {
                let p = probability(
                    logits[(row * problem.ops + op) as usize],
                    scale,
                    plan.activation,
                );
                let position = (row * problem.draws + draw) * problem.ops + op;
                race = ln(p + LOG_EPSILON) + confine(noise[position as usize]);
            }
            races[lane as usize] = race;
        }
    } else {
        let fresh = exponentials(problem, row, draw, block);
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            let mut race = f32::new(LOWEST);
            if op < problem.ops {
                let p = probability(
                    logits[(row * problem.ops + op) as usize],
                    scale,
                    plan.activation,
                );
                race = (p + LOG_EPSILON) / fresh[lane as usize];
            }
            races[lane as usize] = race;
        }
    }
    races
}

/// The score that a race stands for.
#[cube]
pub(crate) fn score(race: f32, #[comptime] plan: Plan) -> f32 {
    if comptime!(plan.given) {
        race
    } else {
        ln(race)
    }
}
