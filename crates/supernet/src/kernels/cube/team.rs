//! Reductions over the units of a cube.
//!
//! All units of a cube take part in each call, also those of surplus cubes, because they meet at
//! the same barriers.

use cubecl::prelude::*;

use super::geometry::{Slices, UNITS};

/// The slice that this cube works on.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Slice {
    /// Which sum; `slices.sums` or more in a surplus cube.
    pub(super) sum: usize,
    /// First value of this unit.
    pub(super) first: usize,
    /// Values before `end` belong to the slice; 0 in a surplus cube.
    pub(super) end: usize,
    /// Number of values in the slice.
    pub(super) length: usize,
}

/// The cubes of one sum are neighbours.
#[cube]
pub(super) fn slice(slices: &Slices) -> Slice {
    let sum = CUBE_POS / slices.count;
    let start = CUBE_POS % slices.count * slices.length;
    let mut end = 0usize;
    let mut length = 0usize;
    if sum < slices.sums {
        end = min(start + slices.length, slices.values);
        length = end - start;
    }
    Slice {
        sum,
        first: start + UNIT_POS as usize,
        end,
        length,
    }
}

/// Number of values in the slice `index` of any sum.
#[cube]
pub(super) fn slice_length(slices: &Slices, index: usize) -> usize {
    min(slices.length, slices.values - index * slices.length)
}

/// Shared memory of a cube, one slot per unit.
#[cube]
pub(super) fn board() -> SharedMemory<f32> {
    SharedMemory::<f32>::new(UNITS)
}

/// Sum over the cube, in an order that does not depend on timing.
#[cube]
pub(super) fn sum(board: &mut SharedMemory<f32>, value: f32) -> f32 {
    let unit = UNIT_POS as usize;
    sync_cube();
    board[unit] = value;
    sync_cube();
    let mut stride = comptime!(UNITS / 2).runtime();
    while stride > 0 {
        if unit < stride {
            let other = board[unit + stride];
            board[unit] += other;
        }
        sync_cube();
        stride /= 2;
    }
    board[0]
}
