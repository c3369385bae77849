//! The 3x3 pools and their gradients, with one unit for each entry of what they write.
//!
//! All windows have padding 1. The middle of a window always lies on the input, because its stride
//! is 1 or 2.

use cubecl::prelude::*;

use super::geometry::{Planes, entry, reaches};

/// What a pool makes of the inputs that a window covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pool {
    /// Their mean.
    Average,
    /// The largest.
    Maximum,
}

/// The pool of each window.
#[cube(launch_unchecked)]
pub(super) fn pool_kernel<F: Float>(
    x: &Array<F>,
    y: &mut Array<F>,
    planes: &Planes,
    #[comptime] stride: usize,
    #[comptime] pool: Pool,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.out_h * planes.out_w {
        let out = entry(position, planes.out_h, planes.out_w);
        let middle = (out.plane * planes.height + out.row * stride) * planes.width;
        let mut result = start(f32::cast_from(x[middle + out.column * stride]), pool);
        for tap_row in 0..3usize {
            let row = out.row * stride + tap_row;
            if row >= 1 && row <= planes.height {
                let line = (out.plane * planes.height + row - 1) * planes.width;
                for tap_column in 0..3usize {
                    let column = out.column * stride + tap_column;
                    if column >= 1 && column <= planes.width {
                        result = join(result, f32::cast_from(x[line + column - 1]), pool);
                    }
                }
            }
        }
        let rows = covered(out.row, planes.height, stride);
        let columns = covered(out.column, planes.width, stride);
        y[position] = F::cast_from(finish(result, f32::cast_from(rows * columns), pool));
    }
}

/// The result before any input, given the one in the middle of the window.
#[cube]
fn start(middle: f32, #[comptime] pool: Pool) -> f32 {
    match comptime!(pool) {
        Pool::Average => 0.0f32,
        Pool::Maximum => middle,
    }
}

#[cube]
fn join(result: f32, value: f32, #[comptime] pool: Pool) -> f32 {
    match comptime!(pool) {
        Pool::Average => result + value,
        Pool::Maximum => max(result, value),
    }
}

#[cube]
fn finish(result: f32, count: f32, #[comptime] pool: Pool) -> f32 {
    match comptime!(pool) {
        Pool::Average => result / count,
        Pool::Maximum => result,
    }
}

/// Number of places that a window covers along an axis.
#[cube]
fn covered(window: usize, places: usize, #[comptime] stride: usize) -> usize {
    let middle = window * stride;
    let mut count = 1usize;
    if middle > 0 {
        count += 1;
    }
    if middle + 1 < places {
        count += 1;
    }
    count
}

/// `dx` of the average pool: a share of `dy` from each window that covers an input.
#[cube(launch_unchecked)]
pub(super) fn average_gradient_kernel<F: Float>(
    dy: &Array<F>,
    dx: &mut Array<F>,
    planes: &Planes,
    #[comptime] stride: usize,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.height * planes.width {
        let input = entry(position, planes.height, planes.width);
        let mut total = 0.0f32;
        for tap_row in 0..3usize {
            if reaches(input.row + 1, tap_row, planes.out_h, stride) {
                let row = (input.row + 1 - tap_row) / stride;
                let line = (input.plane * planes.out_h + row) * planes.out_w;
                let rows = covered(row, planes.height, stride);
                for tap_column in 0..3usize {
                    if reaches(input.column + 1, tap_column, planes.out_w, stride) {
                        let column = (input.column + 1 - tap_column) / stride;
                        let columns = covered(column, planes.width, stride);
                        let upstream = f32::cast_from(dy[line + column]);
                        total += upstream / f32::cast_from(rows * columns);
                    }
                }
            }
        }
        dx[position] = F::cast_from(total);
    }
}

/// `dx` of the max pool: `dy` of each window in which an input is the first of the largest.
#[cube(launch_unchecked)]
pub(super) fn maximum_gradient_kernel<F: Float>(
    x: &Array<F>,
    dy: &Array<F>,
    dx: &mut Array<F>,
    planes: &Planes,
    #[comptime] stride: usize,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.height * planes.width {
        let input = entry(position, planes.height, planes.width);
        let mut total = 0.0f32;
        for tap_row in 0..3usize {
            if reaches(input.row + 1, tap_row, planes.out_h, stride) {
                let row = (input.row + 1 - tap_row) / stride;
                let line = (input.plane * planes.out_h + row) * planes.out_w;
                for tap_column in 0..3usize {
                    if reaches(input.column + 1, tap_column, planes.out_w, stride) {
                        let column = (input.column + 1 - tap_column) / stride;
                        if wins(x, planes, position, row, column, stride) {
                            total += f32::cast_from(dy[line + column]);
                        }
                    }
                }
            }
        }
        dx[position] = F::cast_from(total);
    }
}

/// Whether the input at `position` is the first of the largest that the window at `row` and
/// `column` covers: later ones may equal it, earlier ones must be smaller.
#[cube]
fn wins<F: Float>(
    x: &Array<F>,
    planes: &Planes,
    position: usize,
    row: usize,
    column: usize,
    #[comptime] stride: usize,
) -> bool {
    let plane = position / (planes.height * planes.width);
    let own = f32::cast_from(x[position]);
    let mut wins = true;
    for tap_row in 0..3usize {
        let other_row = row * stride + tap_row;
        if other_row >= 1 && other_row <= planes.height {
            let line = (plane * planes.height + other_row - 1) * planes.width;
            for tap_column in 0..3usize {
                let other_column = column * stride + tap_column;
                if other_column >= 1 && other_column <= planes.width {
                    let at = line + other_column - 1;
                    let other = f32::cast_from(x[at]);
                    if other > own || (other == own && at < position) {
                        wins = false;
                    }
                }
            }
        }
    }
    wins
}
