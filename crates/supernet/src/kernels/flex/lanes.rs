//! The vector loops. Those over runs take whole vectors: buffers have room for the last one.

use pulp::Simd;

use super::{
    geometry::{Grid, ReadTaps, Tap, Taps},
    tiles::{Rows, Tile, fill_rows},
};

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

/// What tiles read: vectors from any position on, whose end is checked once for many of them.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    values: &'a [f32],
}

impl<'a> Source<'a> {
    /// What a tile of `R` rows of `V` vectors reads, rows `pitch` apart, at offsets up to `reach` from `at` on.
    ///
    /// # Panics
    ///
    /// If the last vector that it may read is not there.
    #[inline(always)]
    pub(super) fn of_tile<S: Simd, const R: usize, const V: usize>(
        values: &'a [f32],
        at: usize,
        reach: usize,
        pitch: usize,
    ) -> Self {
        let values = &values[at..];
        let last = reach + (R - 1) * pitch + (V - 1) * S::F32_LANES;
        assert!(last + S::F32_LANES <= values.len(), "no vector at {last}");
        Self { values }
    }

    /// The vector that begins at `at`.
    ///
    /// # Safety
    ///
    /// `at` is at most the sum of `reach` and of the offset of the tile's last vector, and vectors are those of
    /// the tile.
    #[inline(always)]
    pub(super) unsafe fn vector<S: Simd>(self, at: usize) -> S::f32s {
        // SAFETY: so many values as a vector has begin at the last place, and vectors are plain values.
        unsafe {
            self.values
                .as_ptr()
                .add(at)
                .cast::<S::f32s>()
                .read_unaligned()
        }
    }
}

/// Per lane, `yes` where the mask is set. Unlike pulp's own selection of floats this is inlined.
#[inline(always)]
pub(super) fn select<S: Simd>(simd: S, mask: S::m32s, yes: S::f32s, no: S::f32s) -> S::f32s {
    pulp::cast(simd.select_u32s(mask, pulp::cast(yes), pulp::cast(no)))
}

/// `sum over taps of weights[tap.weight] * source[tap.offset]`.
pub(super) struct Filter<'a> {
    pub(super) source: &'a [f32],
    pub(super) weights: &'a [f32],
}

impl ReadTaps for Filter<'_> {
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, taps: &Taps, rows: Rows<'_>) {
        match taps.grid {
            Some(Grid { side: 3, dilation }) => {
                self.fill_grid::<S, 3>(simd, taps, dilation, rows);
            }
            Some(Grid { side: 5, dilation }) => {
                self.fill_grid::<S, 5>(simd, taps, dilation, rows);
            }
            _ => {
                let tile = Correlate {
                    source: self.source,
                    taps,
                    weights: self.weights,
                };
                fill_rows(simd, &tile, rows);
            }
        }
    }
}

impl Filter<'_> {
    #[inline(always)]
    fn fill_grid<S: Simd, const K: usize>(
        &self,
        simd: S,
        taps: &Taps,
        dilation: usize,
        rows: Rows<'_>,
    ) {
        let mut columns = [[0.0; K]; K];
        for (at, tap) in taps.list.iter().enumerate() {
            columns[at % K][at / K] = self.weights[tap.weight];
        }
        let start = taps.list.first().map_or(0, |tap| tap.offset);
        // Every so many rows read each other's: they are planes of their own.
        for first in 0..dilation.min(rows.count) {
            let tile = CorrelateGrid::<K> {
                source: &self.source[start + first * rows.read_pitch..],
                columns,
                dilation,
            };
            let rows = Rows {
                values: &mut rows.values[first * rows.pitch..],
                count: (rows.count - first).div_ceil(dilation),
                width: rows.width,
                pitch: rows.pitch * dilation,
                read_pitch: rows.read_pitch * dilation,
            };
            fill_rows(simd, &tile, rows);
        }
    }
}

/// Taps at any offsets.
struct Correlate<'a> {
    source: &'a [f32],
    taps: &'a Taps,
    weights: &'a [f32],
}

impl Tile for Correlate<'_> {
    const VECTORS: usize = 8;
    const WIDEST: usize = 4;

    #[inline(always)]
    fn compute<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        pitch: usize,
    ) -> [[S::f32s; V]; R] {
        let source = Source::of_tile::<S, R, V>(self.source, at, self.taps.reach, pitch);
        // Many sums at once keep the multipliers busy and share the broadcast of the weight.
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        for tap in &self.taps.list {
            let weight = simd.splat_f32s(self.weights[tap.weight]);
            for (row, sums) in sums.iter_mut().enumerate() {
                for (index, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: no tap is offset by more than the last, nor row and vector by more than theirs.
                    let vector = unsafe {
                        source.vector::<S>(tap.offset + row * pitch + index * S::F32_LANES)
                    };
                    *sum = simd.mul_add_e_f32s(vector, weight, *sum);
                }
            }
        }
        sums
    }
}

/// A grid of taps in rows after each other. What is read for one column of them serves all rows of a tile that
/// it meets: a load for each multiply-add would take longer than these.
struct CorrelateGrid<'a, const K: usize> {
    source: &'a [f32],
    /// The weights, column by column.
    columns: [[f32; K]; K],
    /// How far columns are apart.
    dilation: usize,
}

impl<const K: usize> Tile for CorrelateGrid<'_, K> {
    const VECTORS: usize = 8;
    const WIDEST: usize = 1;

    #[expect(
        clippy::needless_range_loop,
        reason = "one vector is read for the sums of several rows"
    )]
    #[inline(always)]
    fn compute<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        pitch: usize,
    ) -> [[S::f32s; V]; R] {
        let reach = (K - 1) * (self.dilation + pitch);
        let source = Source::of_tile::<S, R, V>(self.source, at, reach, pitch);
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        for (column, weights) in self.columns.iter().enumerate() {
            let mut splats = [simd.splat_f32s(0.0); K];
            for (splat, weight) in splats.iter_mut().zip(weights) {
                *splat = simd.splat_f32s(*weight);
            }
            // All loops but the one over columns are of known lengths, so that sums stay in registers.
            for read in 0..R + K - 1 {
                for index in 0..V {
                    let at = column * self.dilation + read * pitch + index * S::F32_LANES;
                    // SAFETY: column, row and vector are at most the last ones.
                    let vector = unsafe { source.vector::<S>(at) };
                    for row in 0..K {
                        if read >= row && read - row < R {
                            let sum = &mut sums[read - row][index];
                            *sum = simd.mul_add_e_f32s(vector, splats[row], *sum);
                        }
                    }
                }
            }
        }
        sums
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
pub(super) fn fold<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}
