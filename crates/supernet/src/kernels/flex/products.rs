//! Register-blocked products of matrices with planes, for convolutions.

use pulp::Simd;

use super::{
    geometry::SLACK,
    lanes::{Source, store},
};

/// Vectors of positions combined together, and rows of the matrix: as many sums as keep the multipliers busy,
/// and with what they read as many values as AVX2 has registers, one more of which would be kept in memory.
const COMBINED_VECTORS: usize = 2;
const COMBINED_ROWS: usize = 6;

/// Planes of one side and of the other whose products are summed together: as many sums, of fewer planes.
const LEFTS: usize = 4;
const RIGHTS: usize = 3;

/// A matrix in the order in which [`combine_planes`] reads it: blocks of rows, each a column after the other.
pub(super) struct PackedMatrix {
    inputs: usize,
    values: Vec<f32>,
}

impl PackedMatrix {
    /// From rows of `inputs` values.
    pub(super) fn new(matrix: &[f32], inputs: usize) -> Self {
        let outputs = matrix.len() / inputs;
        let mut values = Vec::with_capacity(matrix.len());
        let mut row = 0;
        while row < outputs {
            let rows = rows_of_block(outputs - row);
            for input in 0..inputs {
                values.extend((row..row + rows).map(|row| matrix[row * inputs + input]));
            }
            row += rows;
        }
        Self { inputs, values }
    }
}

/// Rows that are combined together, of so many that are left.
fn rows_of_block(left: usize) -> usize {
    match left {
        COMBINED_ROWS.. => COMBINED_ROWS,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Planes that are combined.
pub(super) trait Inputs {
    /// The values of all inputs from a position on, `used` of each, and how far inputs are apart; `panel` has
    /// room for as many as are combined together.
    fn read<'a, S: Simd>(
        &'a self,
        start: usize,
        used: usize,
        panel: &'a mut [f32],
    ) -> (&'a [f32], usize);
}

/// Planes whose values are made while they are copied, by the number of the input and a position, as many as
/// the last argument takes.
pub(super) struct Packed<F>(pub(super) F);

impl<F: Fn(usize, usize, &mut [f32])> Inputs for Packed<F> {
    #[inline(always)]
    fn read<'a, S: Simd>(
        &'a self,
        start: usize,
        used: usize,
        panel: &'a mut [f32],
    ) -> (&'a [f32], usize) {
        let width = COMBINED_VECTORS * S::F32_LANES;
        for (input, packed) in panel.chunks_exact_mut(width).enumerate() {
            (self.0)(input, start, &mut packed[..used]);
        }
        (panel, width)
    }
}

/// Planes that are read where they lie.
pub(super) struct Pitched<'a> {
    pub(super) values: &'a [f32],
    pub(super) pitch: usize,
}

impl Inputs for Pitched<'_> {
    #[inline(always)]
    fn read<'a, S: Simd>(
        &'a self,
        start: usize,
        _used: usize,
        _panel: &'a mut [f32],
    ) -> (&'a [f32], usize) {
        (&self.values[start..], self.pitch)
    }
}

/// How far planes of so many values are put apart to be read where they lie: a large power of two apart, they
/// would evict each other from the cache. The smallest have room for the vectors that are read of them.
pub(super) fn pitch_of(plane: usize) -> usize {
    let evicts = plane.is_multiple_of(256);
    plane.max(SLACK) + if evicts { SLACK } else { 0 }
}

/// `out[row] = sum over inputs of matrix[row, input] * plane of that input` for planes of `plane` values;
/// `panel` is scratch space that is kept between calls.
#[inline(always)]
pub(super) fn combine_planes<S: Simd>(
    simd: S,
    matrix: &PackedMatrix,
    plane: usize,
    from: &impl Inputs,
    out: &mut [f32],
    panel: &mut Vec<f32>,
) {
    let inputs = matrix.inputs;
    let width = COMBINED_VECTORS * S::F32_LANES;
    if panel.len() < inputs * width {
        panel.resize(inputs * width, 0.0);
    }
    let panel = &mut panel[..inputs * width];
    let outputs = matrix.values.len() / inputs;
    let used = width.min(plane);
    for start in (0..plane).step_by(width) {
        // The last positions are computed again rather than fewer, which would take as long.
        let start = start.min(plane - used);
        let (values, pitch) = from.read::<S>(start, used, panel);
        let at = [plane, start, used];
        let mut row = 0;
        while row < outputs {
            let rows = rows_of_block(outputs - row);
            let block = Columns {
                matrix: &matrix.values[row * inputs..][..rows * inputs],
                values,
                pitch,
            };
            let out = &mut out[row * plane..];
            match rows {
                COMBINED_ROWS => combine_block::<S, COMBINED_ROWS>(simd, block, out, at),
                4 => combine_block::<S, 4>(simd, block, out, at),
                2 => combine_block::<S, 2>(simd, block, out, at),
                _ => combine_block::<S, 1>(simd, block, out, at),
            }
            row += rows;
        }
    }
}

/// Rows of a matrix, column after column, and the values that belong to the columns, `pitch` apart.
#[derive(Clone, Copy)]
struct Columns<'a> {
    matrix: &'a [f32],
    values: &'a [f32],
    pitch: usize,
}

/// The outputs of a block of `R` rows at `used` positions.
#[inline(always)]
fn combine_block<S: Simd, const R: usize>(
    simd: S,
    columns: Columns<'_>,
    out: &mut [f32],
    at: [usize; 3],
) {
    let [.., used] = at;
    match used.div_ceil(S::F32_LANES) {
        2 => combine_vectors::<S, R, 2>(simd, columns, out, at),
        _ => combine_vectors::<S, R, 1>(simd, columns, out, at),
    }
}

#[inline(always)]
fn combine_vectors<S: Simd, const R: usize, const V: usize>(
    simd: S,
    columns: Columns<'_>,
    out: &mut [f32],
    [plane, start, used]: [usize; 3],
) {
    let (factors, _) = columns.matrix.as_chunks::<R>();
    let reach = (factors.len() - 1) * columns.pitch;
    let source = Source::of_tile::<S, 1, V>(columns.values, 0, reach, 0);
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (column, factors) in factors.iter().enumerate() {
        let mut vectors = [simd.splat_f32s(0.0); V];
        for (index, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: no column is behind the last, nor vector behind its last.
            *vector = unsafe { source.vector::<S>(column * columns.pitch + index * S::F32_LANES) };
        }
        for (sums, factor) in sums.iter_mut().zip(factors) {
            let factor = simd.splat_f32s(*factor);
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = simd.mul_add_e_f32s(vector, factor, *sum);
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        let out = &mut out[row * plane + start..][..used];
        for (out, sum) in out.chunks_mut(S::F32_LANES).zip(sums) {
            if out.len() == S::F32_LANES {
                store::<S>(out, 0, sum);
            } else {
                simd.partial_store_f32s(out, sum);
            }
        }
    }
}

/// The plane of an image, by the numbers of both.
pub(super) trait PlaneOf<'a>: Fn(usize, usize) -> &'a [f32] {}

impl<'a, F: Fn(usize, usize) -> &'a [f32]> PlaneOf<'a> for F {}

/// Planes of `len` values of several images, by the number of the image and of the plane.
pub(super) struct Planes<L, R> {
    pub(super) images: usize,
    pub(super) len: usize,
    pub(super) left: L,
    pub(super) right: R,
}

/// `sums[left, right] += sum over images and positions of left plane * right plane`, where `sums` has rows of
/// `inputs` values.
#[inline(always)]
pub(super) fn correlate_planes<'a, S: Simd>(
    simd: S,
    images: &Planes<impl PlaneOf<'a>, impl PlaneOf<'a>>,
    inputs: usize,
    sums: &mut [f32],
) {
    let outputs = sums.len() / inputs;
    let mut left = 0;
    while left < outputs {
        let full = outputs - left >= LEFTS;
        let mut right = 0;
        while right < inputs {
            let sums = &mut sums[left * inputs + right..];
            let at = [left, right];
            right += match (full, inputs - right) {
                (true, RIGHTS..) => {
                    correlate_block::<S, _, _, LEFTS, RIGHTS>(simd, images, at, sums, inputs)
                }
                (true, _) => correlate_block::<S, _, _, LEFTS, 1>(simd, images, at, sums, inputs),
                (false, RIGHTS..) => {
                    correlate_block::<S, _, _, 1, RIGHTS>(simd, images, at, sums, inputs)
                }
                (false, _) => correlate_block::<S, _, _, 1, 1>(simd, images, at, sums, inputs),
            };
        }
        left += if full { LEFTS } else { 1 };
    }
}

/// The products of `L` planes from `left` on with `R` planes from `right` on; returns `R`.
#[inline(always)]
fn correlate_block<
    'a,
    S: Simd,
    Left: PlaneOf<'a>,
    Right: PlaneOf<'a>,
    const L: usize,
    const R: usize,
>(
    simd: S,
    images: &Planes<Left, Right>,
    [left, right]: [usize; 2],
    sums: &mut [f32],
    pitch: usize,
) -> usize {
    let plane = images.len;
    let whole = plane - plane % S::F32_LANES;
    let mut lanes = [[simd.splat_f32s(0.0); R]; L];
    for image in 0..images.images {
        let (mut lefts, mut rights): ([&[f32]; L], [&[f32]; R]) = ([&[]; L], [&[]; R]);
        for (index, plane_of) in lefts.iter_mut().enumerate() {
            *plane_of = &(images.left)(image, left + index)[..plane];
        }
        for (index, plane_of) in rights.iter_mut().enumerate() {
            *plane_of = &(images.right)(image, right + index)[..plane];
        }
        let count = plane / S::F32_LANES;
        let left_vectors = lefts.map(|values| &S::as_simd_f32s(values).0[..count]);
        let right_vectors = rights.map(|values| &S::as_simd_f32s(values).0[..count]);
        for index in 0..count {
            for (lanes, left) in lanes.iter_mut().zip(left_vectors) {
                for (lane, right) in lanes.iter_mut().zip(right_vectors) {
                    *lane = simd.mul_add_e_f32s(left[index], right[index], *lane);
                }
            }
        }
        if whole < plane {
            let rights = rights.map(|values| simd.partial_load_f32s(&values[whole..]));
            for (lanes, left) in lanes.iter_mut().zip(lefts) {
                let left = simd.partial_load_f32s(&left[whole..]);
                for (lane, right) in lanes.iter_mut().zip(rights) {
                    *lane = simd.mul_add_e_f32s(left, right, *lane);
                }
            }
        }
    }
    for (row, lanes) in lanes.into_iter().enumerate() {
        for (sum, lane) in sums[row * pitch..].iter_mut().zip(lanes) {
            *sum += simd.reduce_sum_f32s(lane);
        }
    }
    R
}
