//! The vector loops of the max pool, over runs like those of [`lanes`](super::lanes).

use pulp::Simd;

use super::{
    geometry::Tap,
    lanes::{store, vectors},
};

/// Vectors handled together, so that one does not wait for the comparisons of another.
const BLOCK: usize = 4;

/// How many vectors to handle at `at` in a run of `len`.
#[inline(always)]
fn block<S: Simd>(at: usize, len: usize) -> usize {
    if at + BLOCK * S::F32_LANES <= len {
        BLOCK
    } else {
        1
    }
}

/// Per lane, `yes` where the mask is set. Unlike pulp's own selection of floats this is inlined.
#[inline(always)]
fn select<S: Simd>(simd: S, mask: S::m32s, yes: S::f32s, no: S::f32s) -> S::f32s {
    pulp::cast(simd.select_u32s(mask, pulp::cast(yes), pulp::cast(no)))
}

/// `out[i] = max over taps of source[i + tap.offset]` for a run of `len`.
#[inline(always)]
pub(super) fn maximum_run<S: Simd>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    out: &mut [f32],
    len: usize,
) {
    let mut at = 0;
    while at < len {
        let vectors = block::<S>(at, len);
        if vectors == BLOCK {
            maximum::<S, BLOCK>(simd, &source[at..], taps, &mut out[at..]);
        } else {
            maximum::<S, 1>(simd, &source[at..], taps, &mut out[at..]);
        }
        at += vectors * S::F32_LANES;
    }
}

#[inline(always)]
fn maximum<S: Simd, const R: usize>(simd: S, source: &[f32], taps: &[Tap], out: &mut [f32]) {
    let mut bests = [simd.splat_f32s(f32::NEG_INFINITY); R];
    for tap in taps {
        let source = vectors::<S, R>(&source[tap.offset..]);
        for (best, value) in bests.iter_mut().zip(source) {
            *best = simd.max_f32s(*value, *best);
        }
    }
    for (index, best) in bests.into_iter().enumerate() {
        store::<S>(out, index * S::F32_LANES, best);
    }
}

/// `out[i]` is the `weight` of the first tap at which [`maximum_run`] finds its maximum.
#[inline(always)]
pub(super) fn winner_run<S: Simd>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    out: &mut [f32],
    len: usize,
) {
    let mut at = 0;
    while at < len {
        let vectors = block::<S>(at, len);
        if vectors == BLOCK {
            winner::<S, BLOCK>(simd, &source[at..], taps, &mut out[at..]);
        } else {
            winner::<S, 1>(simd, &source[at..], taps, &mut out[at..]);
        }
        at += vectors * S::F32_LANES;
    }
}

#[inline(always)]
fn winner<S: Simd, const R: usize>(simd: S, source: &[f32], taps: &[Tap], out: &mut [f32]) {
    let mut bests = [simd.splat_f32s(f32::NEG_INFINITY); R];
    let mut winners = [simd.splat_f32s(-1.0); R];
    for tap in taps {
        let source = vectors::<S, R>(&source[tap.offset..]);
        let name = simd.splat_f32s(tap.weight as f32);
        for ((best, winner), value) in bests.iter_mut().zip(&mut winners).zip(source) {
            let better = simd.greater_than_f32s(*value, *best);
            *best = simd.max_f32s(*value, *best);
            *winner = select(simd, better, name, *winner);
        }
    }
    for (index, winner) in winners.into_iter().enumerate() {
        store::<S>(out, index * S::F32_LANES, winner);
    }
}

/// `out[i] = sum of gradients[i + tap.offset]` over the taps that won there.
#[inline(always)]
pub(super) fn collect_run<S: Simd>(
    simd: S,
    gradients: &[f32],
    winners: &[f32],
    taps: &[Tap],
    out: &mut [f32],
    len: usize,
) {
    let mut at = 0;
    while at < len {
        let vectors = block::<S>(at, len);
        let (gradients, winners, out) = (&gradients[at..], &winners[at..], &mut out[at..]);
        if vectors == BLOCK {
            collect::<S, BLOCK>(simd, gradients, winners, taps, out);
        } else {
            collect::<S, 1>(simd, gradients, winners, taps, out);
        }
        at += vectors * S::F32_LANES;
    }
}

#[inline(always)]
fn collect<S: Simd, const R: usize>(
    simd: S,
    gradients: &[f32],
    winners: &[f32],
    taps: &[Tap],
    out: &mut [f32],
) {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [zero; R];
    for tap in taps {
        let gradients = vectors::<S, R>(&gradients[tap.offset..]);
        let winners = vectors::<S, R>(&winners[tap.offset..]);
        let name = simd.splat_f32s(tap.weight as f32);
        for ((sum, gradient), winner) in sums.iter_mut().zip(gradients).zip(winners) {
            let won = simd.equal_f32s(*winner, name);
            *sum = simd.add_f32s(*sum, select(simd, won, *gradient, zero));
        }
    }
    for (index, sum) in sums.into_iter().enumerate() {
        store::<S>(out, index * S::F32_LANES, sum);
    }
}
