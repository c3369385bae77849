//! Rows of a plane, computed in tiles of so many vectors that the multipliers are busy: eight rows of one
//! vector, four of two, two of four. Planes of all sizes fill them, and rows are written where they belong.

use pulp::Simd;

use super::lanes::store;

/// What is computed of a plane.
pub(super) trait Tile {
    /// Vectors of a tile: 8, or 4 where each keeps more than one register.
    const VECTORS: usize;
    /// Vectors of the widest tile, at most 4.
    const WIDEST: usize;

    /// `R` rows of `V` vectors. What the first reads begins at `at`, and that of each is `pitch` behind the
    /// one before.
    fn compute<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        pitch: usize,
    ) -> [[S::f32s; V]; R];
}

/// Where rows go: `count` of them, of `width` values, `pitch` apart.
pub(super) struct Rows<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) count: usize,
    pub(super) width: usize,
    pub(super) pitch: usize,
    /// How far those are apart that they are computed from.
    pub(super) read_pitch: usize,
}

/// Fills `rows` with what `tile` computes.
#[inline(always)]
pub(super) fn fill_rows<S: Simd, T: Tile>(simd: S, tile: &T, mut rows: Rows<'_>) {
    let vectors = rows.width.div_ceil(S::F32_LANES);
    if rows.count == 0 || vectors == 0 {
        return;
    }
    let height = height::<T>(vectors, rows.count);
    let mut row = 0;
    while row < rows.count {
        // The last tile computes some rows again rather than fewer, which would take as long.
        let first = row.min(rows.count - height);
        for column in (0..vectors).step_by(T::WIDEST) {
            let width = match T::WIDEST {
                1 => 1,
                widest => (vectors - column).min(widest),
            };
            // So does the last tile of a row.
            let last = rows.width.saturating_sub(width * S::F32_LANES);
            let at = [first, (column * S::F32_LANES).min(last)];
            match (height, width) {
                (8, _) => fill_tile::<S, T, 8, 1>(simd, tile, &mut rows, at),
                (4, 1) => fill_tile::<S, T, 4, 1>(simd, tile, &mut rows, at),
                (4, _) => fill_tile::<S, T, 4, 2>(simd, tile, &mut rows, at),
                (2, 1) => fill_tile::<S, T, 2, 1>(simd, tile, &mut rows, at),
                (2, 2) => fill_tile::<S, T, 2, 2>(simd, tile, &mut rows, at),
                (2, 3) => fill_tile::<S, T, 2, 3>(simd, tile, &mut rows, at),
                (2, _) => fill_tile::<S, T, 2, 4>(simd, tile, &mut rows, at),
                (_, 1) => fill_tile::<S, T, 1, 1>(simd, tile, &mut rows, at),
                (_, 2) => fill_tile::<S, T, 1, 2>(simd, tile, &mut rows, at),
                (_, 3) => fill_tile::<S, T, 1, 3>(simd, tile, &mut rows, at),
                _ => fill_tile::<S, T, 1, 4>(simd, tile, &mut rows, at),
            }
        }
        row += height;
    }
}

/// Rows of the tiles of a plane.
fn height<T: Tile>(vectors: usize, count: usize) -> usize {
    let most = (T::VECTORS / vectors.min(T::WIDEST)).min(count);
    match most {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// The tile at a row and a column.
#[inline(always)]
fn fill_tile<S: Simd, T: Tile, const R: usize, const V: usize>(
    simd: S,
    tile: &T,
    rows: &mut Rows<'_>,
    [row, column]: [usize; 2],
) {
    let computed = tile.compute::<S, R, V>(simd, row * rows.read_pitch + column, rows.read_pitch);
    let width = (rows.width - column).min(V * S::F32_LANES);
    // What the last vector has too many may lie where the next rows begin, which are written after it.
    let followed = rows.width == width && rows.width == rows.pitch;
    for (index, vectors) in computed.into_iter().enumerate() {
        let start = (row + index) * rows.pitch + column;
        let end = start + V * S::F32_LANES;
        if width == V * S::F32_LANES || followed && end <= rows.count * rows.pitch {
            let out = &mut rows.values[start..end];
            for (index, vector) in vectors.into_iter().enumerate() {
                store::<S>(out, index * S::F32_LANES, vector);
            }
        } else {
            let out = &mut rows.values[start..start + width];
            for (out, vector) in out.chunks_mut(S::F32_LANES).zip(vectors) {
                simd.partial_store_f32s(out, vector);
            }
        }
    }
}
