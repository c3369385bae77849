//! The operation in one pass over the rows, in plain Rust.
//!
//! Draws are decided by races: with `E` standard exponential, the operation with the largest
//! `(p + eps) / E` has the largest score `ln(p + eps) - ln E`, and the second logarithm is saved.
//! Rows are independent, so they are shared out among threads where their number pays.

mod backward;
mod forward;

pub(crate) use backward::backward;
pub(crate) use forward::forward;

use rayon::prelude::*;

use crate::{
    Activation, NoiseKey, Spec,
    activation::{LOG_EPSILON, LOGIT_LIMIT, RELU_EPSILON},
    noise::{gumbel::ln, lanes::exponentials},
};

/// Noise entries that are worth a task of their own, some tenths of a millisecond.
const TASK_ENTRIES: usize = 1 << 15;

/// Where a row takes its noise from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// From the key.
    Key(NoiseKey),
    /// From numbers `[rows, draws, ops]`.
    Given(&'a [f32]),
}

/// Rows of one task; all of them when there is too little to share out.
fn rows_per_task(rows: usize, ops: usize, draws: usize) -> usize {
    match rows * ops * draws < 2 * TASK_ENTRIES {
        true => rows,
        false => (TASK_ENTRIES / (ops * draws)).max(1),
    }
}

/// Calls `row(scratch, index, outputs)` for every row of one output buffer.
fn for_rows<S>(
    output: &mut [f32],
    ops: usize,
    draws: usize,
    scratch: impl Fn() -> S + Sync,
    row: impl Fn(&mut S, usize, &mut [f32]) + Sync,
) {
    let per_task = rows_per_task(output.len() / ops, ops, draws);
    let task = |(task, rows): (usize, &mut [f32])| {
        let mut scratch = scratch();
        for (index, output) in rows.chunks_exact_mut(ops).enumerate() {
            row(&mut scratch, task * per_task + index, output);
        }
    };
    if output.len() <= per_task * ops {
        task((0, output));
    } else {
        output
            .par_chunks_mut(per_task * ops)
            .enumerate()
            .for_each(task);
    }
}

/// Logit as it takes part, see [`crate::probabilities`].
fn confine(x: f32) -> f32 {
    match x.is_nan() {
        true => -LOGIT_LIMIT,
        false => x.clamp(-LOGIT_LIMIT, LOGIT_LIMIT),
    }
}

/// Writes `p + eps` of a row, returns what the unscaled probabilities were divided by.
fn rates(logits: &[f32], activation: Activation, rates: &mut [f32]) -> f32 {
    let total = match activation {
        Activation::Softmax => {
            let highest = logits
                .iter()
                .fold(-LOGIT_LIMIT, |most, &x| most.max(confine(x)));
            for (rate, &x) in rates.iter_mut().zip(logits) {
                *rate = (confine(x) - highest).exp();
            }
            rates.iter().sum::<f32>()
        }
        Activation::Relu => {
            for (rate, &x) in rates.iter_mut().zip(logits) {
                *rate = confine(x).max(0.0);
            }
            rates.iter().sum::<f32>() + RELU_EPSILON
        }
    };
    for rate in rates {
        *rate = *rate / total + LOG_EPSILON;
    }
    total
}

/// Calls `visit(first_op, races)` for pieces of a draw, races of seeded noise in lane order.
#[inline(always)]
fn races<const L: usize>(
    key: NoiseKey,
    words: [u32; 2],
    row: usize,
    draw: usize,
    rates: &[f32],
    mut visit: impl FnMut(usize, &[[f32; L]; 4]),
) {
    for (piece, rates) in rates.chunks_exact(4 * L).enumerate() {
        let counter = key.counter(row as u32, draw as u32, (piece * L) as u32);
        let mut races = exponentials::<L>(counter, words);
        for (races, rates) in races.iter_mut().zip(rates.chunks_exact(L)) {
            for (race, rate) in races.iter_mut().zip(rates) {
                *race = rate / *race;
            }
        }
        visit(piece * 4 * L, &races);
    }
}

/// Puts rates into the order of the lanes, padded with 0, which never wins.
fn into_lanes<const L: usize>(rates: &[f32], lanes: &mut [f32]) {
    lanes.fill(0.0);
    for (op, &rate) in rates.iter().enumerate() {
        lanes[lane_position::<L>(op)] = rate;
    }
}

/// Where an operation is in lane order: pieces of `4 L`, in each of them word by word.
fn lane_position<const L: usize>(op: usize) -> usize {
    let (piece, inside) = (op / (4 * L), op % (4 * L));
    piece * 4 * L + (inside % 4) * L + inside / 4
}

/// Score of given noise.
fn given_score(rate: f32, noise: f32) -> f32 {
    ln(rate) + confine(noise)
}

/// Runs `$body` with `L` set to the number of lanes that suits the number of operations.
macro_rules! with_lanes {
    ($ops:expr, $lanes:ident => $body:expr) => {
        match $ops {
            0..=4 => {
                const $lanes: usize = 1;
                $body
            }
            5..=8 => {
                const $lanes: usize = 2;
                $body
            }
            9..=16 => {
                const $lanes: usize = 4;
                $body
            }
            _ => {
                const $lanes: usize = 8;
                $body
            }
        }
    };
}
use with_lanes;

/// Whether a spec has a one-pass form.
pub(crate) fn supports(spec: Spec) -> bool {
    spec.mode == crate::Mode::Hard && spec.gradient == crate::Gradient::FirstDraw
}
