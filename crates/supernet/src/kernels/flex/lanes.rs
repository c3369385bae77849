//! The vector loops. Each runs over whole vectors of a run: buffers have room for the last one.

use pulp::Simd;

use super::geometry::Tap;

/// Writes a vector to `values[at..]`.
#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = vector;
}

/// The first `R` vectors of `values`; one check of the length serves all of them.
#[inline(always)]
pub(super) fn vectors<S: Simd, const R: usize>(values: &[f32]) -> &[S::f32s] {
    &S::as_simd_f32s(&values[..R * S::F32_LANES]).0[..R]
}

/// `R` vectors of `sum over taps of weight * source`.
#[inline(always)]
fn correlate_block<S: Simd, const R: usize>(
    simd: S,
    source: &[f32],
    taps: &[Tap],
    weights: &[f32],
    out: &mut [f32],
) {
    let mut sums = [simd.splat_f32s(0.0); R];
    for tap in taps {
        let weight = simd.splat_f32s(weights[tap.weight]);
        let source = vectors::<S, R>(&source[tap.offset..]);
        for (sum, vector) in sums.iter_mut().zip(source) {
            *sum = simd.mul_add_e_f32s(*vector, weight, *sum);
        }
    }
    for (index, sum) in sums.into_iter().enumerate() {
        store::<S>(out, index * S::F32_LANES, sum);
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
    let count = len.div_ceil(S::F32_LANES);
    let mut done = 0;
    while done < count {
        let source = &source[done * S::F32_LANES..];
        let out = &mut out[done * S::F32_LANES..];
        // Many sums at once keep the multipliers busy and share the broadcast of the weight.
        done += match count - done {
            8.. => {
                correlate_block::<S, 8>(simd, source, taps, weights, out);
                8
            }
            4..8 => {
                correlate_block::<S, 4>(simd, source, taps, weights, out);
                4
            }
            2..4 => {
                correlate_block::<S, 2>(simd, source, taps, weights, out);
                2
            }
            _ => {
                correlate_block::<S, 1>(simd, source, taps, weights, out);
                1
            }
        };
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
    let count = len.div_ceil(S::F32_LANES);
    let gradient = &S::as_simd_f32s(gradient).0[..count];
    let sources: [&[S::f32s]; T] = core::array::from_fn(|tap| {
        let source = &source[taps[tap].offset..];
        &S::as_simd_f32s(source).0[..count]
    });
    let mut lanes = [simd.splat_f32s(0.0); T];
    for index in 0..count {
        for (lane, source) in lanes.iter_mut().zip(sources) {
            *lane = simd.mul_add_e_f32s(source[index], gradient[index], *lane);
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
    let (fours, last) = vectors.as_chunks::<4>();
    // Sums of a known number stay in registers.
    let mut sums = [simd.splat_f32s(0.0); 4];
    for four in fours {
        for (sum, vector) in sums.iter_mut().zip(four) {
            *sum = simd.add_f32s(*sum, *vector);
        }
    }
    for (sum, vector) in sums.iter_mut().zip(last) {
        *sum = simd.add_f32s(*sum, *vector);
    }
    let total = fold(simd, sums) + rest.iter().sum::<f32>();
    let mean = total / values.len() as f32;

    let centre = simd.splat_f32s(mean);
    let spread = |spread: S::f32s, vector: S::f32s| {
        let distance = simd.sub_f32s(vector, centre);
        simd.mul_add_e_f32s(distance, distance, spread)
    };
    let mut spreads = [simd.splat_f32s(0.0); 4];
    for four in fours {
        for (sum, vector) in spreads.iter_mut().zip(four) {
            *sum = spread(*sum, *vector);
        }
    }
    for (sum, vector) in spreads.iter_mut().zip(last) {
        *sum = spread(*sum, *vector);
    }
    let rest = rest.iter().map(|value| (value - mean) * (value - mean));
    [mean, fold(simd, spreads) + rest.sum::<f32>()]
}

/// The sum of `values`, and that of `values * others`.
#[inline(always)]
pub(super) fn sums_with_product<S: Simd>(simd: S, values: &[f32], others: &[f32]) -> [f32; 2] {
    let (vectors, rest) = S::as_simd_f32s(values);
    let (other_vectors, other_rest) = S::as_simd_f32s(others);
    let (fours, last) = vectors.as_chunks::<4>();
    let (other_fours, other_last) = other_vectors.as_chunks::<4>();
    let mut sums = [simd.splat_f32s(0.0); 4];
    let mut products = [simd.splat_f32s(0.0); 4];
    for (four, other) in fours.iter().zip(other_fours) {
        let sums = sums.iter_mut().zip(&mut products);
        for ((sum, product), (vector, other)) in sums.zip(four.iter().zip(other)) {
            *sum = simd.add_f32s(*sum, *vector);
            *product = simd.mul_add_e_f32s(*vector, *other, *product);
        }
    }
    for (at, (vector, other)) in last.iter().zip(other_last).enumerate() {
        sums[at] = simd.add_f32s(sums[at], *vector);
        products[at] = simd.mul_add_e_f32s(*vector, *other, products[at]);
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
