//! The vector loops. Each runs over whole vectors of a run: buffers have room for the last one.

use pulp::Simd;

use super::geometry::Tap;

/// Vector at `values[at..]`.
#[inline(always)]
pub(super) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&values[at..at + S::F32_LANES]).0[0]
}

/// Writes a vector to `values[at..]`.
#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = vector;
}

/// Where the vectors of a block lie: `step` apart in the source, `out_step` in the output.
#[derive(Clone, Copy)]
struct Stride {
    source: usize,
    output: usize,
}

/// `R` vectors of `sum over taps of weight * source`.
#[inline(always)]
fn correlate_block<S: Simd, const R: usize>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    weights: &[f32],
    out: &mut [f32],
    stride: Stride,
) {
    let mut sums = [simd.splat_f32s(0.0); R];
    for tap in taps {
        let weight = simd.splat_f32s(weights[tap.weight]);
        let source = &source[tap.offset..];
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum = simd.mul_add_e_f32s(load::<S>(source, index * stride.source), weight, *sum);
        }
    }
    for (index, sum) in sums.into_iter().enumerate() {
        store::<S>(out, index * stride.output, sum);
    }
}

/// `count` vectors, in blocks that keep the multipliers busy.
#[inline(always)]
fn correlate<S: Simd>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    weights: &[f32],
    out: &mut [f32],
    stride: Stride,
    count: usize,
) {
    let mut done = 0;
    while done < count {
        let source = &source[done * stride.source..];
        let out = &mut out[done * stride.output..];
        done += match count - done {
            8.. => {
                correlate_block::<S, 8>(simd, source, taps, weights, out, stride);
                8
            }
            4..8 => {
                correlate_block::<S, 4>(simd, source, taps, weights, out, stride);
                4
            }
            2..4 => {
                correlate_block::<S, 2>(simd, source, taps, weights, out, stride);
                2
            }
            _ => {
                correlate_block::<S, 1>(simd, source, taps, weights, out, stride);
                1
            }
        };
    }
}

/// `out[i] = sum over taps of weights[tap.weight] * source[i + tap.offset]` for a run of `len`.
#[inline(always)]
pub(super) fn correlate_run<S: Simd>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    weights: &[f32],
    out: &mut [f32],
    len: usize,
) {
    let stride = Stride {
        source: S::F32_LANES,
        output: S::F32_LANES,
    };
    let count = len.div_ceil(S::F32_LANES);
    correlate(simd, source, taps, weights, out, stride, count);
}

/// Like [`correlate_run`] for `height` rows of `width`, a multiple of the vector length, that are
/// `pitch` apart in the source and adjacent in `out`.
#[inline(always)]
pub(super) fn correlate_rows<S: Simd>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    weights: &[f32],
    out: &mut [f32],
    [height, width, pitch]: [usize; 3],
) {
    let stride = Stride {
        source: pitch,
        output: width,
    };
    for column in (0..width).step_by(S::F32_LANES) {
        let (source, out) = (&source[column..], &mut out[column..]);
        correlate(simd, source, taps, weights, out, stride, height);
    }
}

/// Adds `sum over i < len of gradient[i] * source[i + tap.offset]` to `sums[tap.weight]`.
#[inline(always)]
pub(super) fn accumulate_taps<S: Simd>(
    simd: S,
    source: &[f32],
    gradient: &[f32],
    len: usize,
    taps: &[Tap],
    sums: &mut [f32],
) {
    let rounds = taps.len().div_ceil(9).max(1);
    for taps in taps.chunks(taps.len().div_ceil(rounds).max(1)) {
        match taps.len() {
            9 => accumulate_block::<S, 9>(simd, source, gradient, len, taps, sums),
            8 => accumulate_block::<S, 8>(simd, source, gradient, len, taps, sums),
            7 => accumulate_block::<S, 7>(simd, source, gradient, len, taps, sums),
            6 => accumulate_block::<S, 6>(simd, source, gradient, len, taps, sums),
            5 => accumulate_block::<S, 5>(simd, source, gradient, len, taps, sums),
            4 => accumulate_block::<S, 4>(simd, source, gradient, len, taps, sums),
            3 => accumulate_block::<S, 3>(simd, source, gradient, len, taps, sums),
            2 => accumulate_block::<S, 2>(simd, source, gradient, len, taps, sums),
            _ => accumulate_block::<S, 1>(simd, source, gradient, len, taps, sums),
        }
    }
}

#[inline(always)]
fn accumulate_block<S: Simd, const T: usize>(
    simd: S,
    source: &[f32],
    gradient: &[f32],
    len: usize,
    taps: &[Tap],
    sums: &mut [f32],
) {
    let padded = len.next_multiple_of(S::F32_LANES);
    let gradient = &gradient[..padded];
    let sources: [&[f32]; T] = core::array::from_fn(|tap| {
        let offset = taps[tap].offset;
        &source[offset..offset + padded]
    });
    let mut lanes = [simd.splat_f32s(0.0); T];
    for at in (0..padded).step_by(S::F32_LANES) {
        let gradient = load::<S>(gradient, at);
        for (lane, source) in lanes.iter_mut().zip(sources) {
            *lane = simd.mul_add_e_f32s(load::<S>(source, at), gradient, *lane);
        }
    }
    for (tap, lane) in taps.iter().zip(lanes) {
        sums[tap.weight] += simd.reduce_sum_f32s(lane);
    }
}

/// The mean of `values`, and the sum of squared distances from it.
#[inline(always)]
pub(super) fn moments<S: Simd>(simd: S, values: &[f32]) -> [f32; 2] {
    let (vectors, rest) = S::as_simd_f32s(values);
    let mut sums = [simd.splat_f32s(0.0); 4];
    for vectors in vectors.chunks(4) {
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = simd.add_f32s(*sum, *vector);
        }
    }
    let total = fold(simd, sums) + rest.iter().sum::<f32>();
    let mean = total / values.len() as f32;

    let centre = simd.splat_f32s(mean);
    let mut spreads = [simd.splat_f32s(0.0); 4];
    for vectors in vectors.chunks(4) {
        for (spread, vector) in spreads.iter_mut().zip(vectors) {
            let distance = simd.sub_f32s(*vector, centre);
            *spread = simd.mul_add_e_f32s(distance, distance, *spread);
        }
    }
    let rest = rest.iter().map(|value| (value - mean) * (value - mean));
    [mean, fold(simd, spreads) + rest.sum::<f32>()]
}

/// The sum of `values`, and that of `values * others`.
#[inline(always)]
pub(super) fn sums_with_product<S: Simd>(simd: S, values: &[f32], others: &[f32]) -> [f32; 2] {
    let (vectors, rest) = S::as_simd_f32s(values);
    let (other_vectors, other_rest) = S::as_simd_f32s(others);
    let mut sums = [simd.splat_f32s(0.0); 4];
    let mut products = [simd.splat_f32s(0.0); 4];
    for (vectors, others) in vectors.chunks(4).zip(other_vectors.chunks(4)) {
        let pairs = vectors.iter().zip(others);
        for ((sum, product), (vector, other)) in sums.iter_mut().zip(&mut products).zip(pairs) {
            *sum = simd.add_f32s(*sum, *vector);
            *product = simd.mul_add_e_f32s(*vector, *other, *product);
        }
    }
    let rest_product = rest
        .iter()
        .zip(other_rest)
        .map(|(value, other)| value * other);
    [
        fold(simd, sums) + rest.iter().sum::<f32>(),
        fold(simd, products) + rest_product.sum::<f32>(),
    ]
}

/// The sum of all lanes of four vectors.
#[inline(always)]
fn fold<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}
