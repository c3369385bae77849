//! The pools and their gradients, with one unit for each entry of what they write.
//!
//! Windows are padded on all sides alike, so the middle of a window always lies on the input.

use cubecl::prelude::*;

use super::geometry::{Planes, entry, reaches};
use crate::kernels::PoolWindow;

/// Places between the middle of a window and its first tap, which is the padding too.
fn reach(window: PoolWindow) -> usize {
    window.options().padding[0]
}

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
    #[comptime] window: PoolWindow,
    #[comptime] pool: Pool,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.out_h * planes.out_w {
        let out = entry(position, planes.out_h, planes.out_w);
        let stride = comptime!(window.stride);
        let padding = comptime!(reach(window));
        let middle = (out.plane * planes.height + out.row * stride) * planes.width;
        let mut result = start(f32::cast_from(x[middle + out.column * stride]), pool);
        for tap_row in 0..comptime!(window.kernel) {
            // Rows and columns count the padding in front, so that none is negative.
            let row = out.row * stride + tap_row * comptime!(window.dilation);
            if row >= padding && row < padding + planes.height {
                let line = (out.plane * planes.height + row - padding) * planes.width;
                for tap_column in 0..comptime!(window.kernel) {
                    let column = out.column * stride + tap_column * comptime!(window.dilation);
                    if column >= padding && column < padding + planes.width {
                        let value = f32::cast_from(x[line + column - padding]);
                        result = join(result, value, pool);
                    }
                }
            }
        }
        let rows = covered(out.row, planes.height, window);
        let columns = covered(out.column, planes.width, window);
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
fn covered(number: usize, places: usize, #[comptime] window: PoolWindow) -> usize {
    let middle = number * comptime!(window.stride);
    let mut count = 1usize;
    for tap in 1..comptime!(window.kernel / 2 + 1) {
        let away = tap * comptime!(window.dilation);
        if middle >= away {
            count += 1;
        }
        if middle + away < places {
            count += 1;
        }
    }
    count
}

/// `dx` of the average pool: a share of `dy` from each window that covers an input.
#[cube(launch_unchecked)]
pub(super) fn average_gradient_kernel<F: Float>(
    dy: &Array<F>,
    dx: &mut Array<F>,
    planes: &Planes,
    #[comptime] window: PoolWindow,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.height * planes.width {
        let input = entry(position, planes.height, planes.width);
        let mut total = 0.0f32;
        let stride = comptime!(window.stride);
        let padded_row = input.row + comptime!(reach(window));
        let padded_column = input.column + comptime!(reach(window));
        for tap_row in 0..comptime!(window.kernel) {
            let rows_before = tap_row * comptime!(window.dilation);
            if reaches(padded_row, rows_before, planes.out_h, stride) {
                let row = (padded_row - rows_before) / stride;
                let line = (input.plane * planes.out_h + row) * planes.out_w;
                let rows = covered(row, planes.height, window);
                for tap_column in 0..comptime!(window.kernel) {
                    let columns_before = tap_column * comptime!(window.dilation);
                    if reaches(padded_column, columns_before, planes.out_w, stride) {
                        let column = (padded_column - columns_before) / stride;
                        let columns = covered(column, planes.width, window);
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
    #[comptime] window: PoolWindow,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.height * planes.width {
        let input = entry(position, planes.height, planes.width);
        let mut total = 0.0f32;
        let stride = comptime!(window.stride);
        let padded_row = input.row + comptime!(reach(window));
        let padded_column = input.column + comptime!(reach(window));
        for tap_row in 0..comptime!(window.kernel) {
            let rows_before = tap_row * comptime!(window.dilation);
            if reaches(padded_row, rows_before, planes.out_h, stride) {
                let row = (padded_row - rows_before) / stride;
                let line = (input.plane * planes.out_h + row) * planes.out_w;
                for tap_column in 0..comptime!(window.kernel) {
                    let columns_before = tap_column * comptime!(window.dilation);
                    if reaches(padded_column, columns_before, planes.out_w, stride) {
                        let column = (padded_column - columns_before) / stride;
                        if wins(x, planes, position, row, column, window) {
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
    #[comptime] window: PoolWindow,
) -> bool {
    let plane = position / (planes.height * planes.width);
    let own = f32::cast_from(x[position]);
    let mut wins = true;
    let stride = comptime!(window.stride);
    let padding = comptime!(reach(window));
    for tap_row in 0..comptime!(window.kernel) {
        let other_row = row * stride + tap_row * comptime!(window.dilation);
        if other_row >= padding && other_row < padding + planes.height {
            let line = (plane * planes.height + other_row - padding) * planes.width;
            for tap_column in 0..comptime!(window.kernel) {
                let other_column = column * stride + tap_column * comptime!(window.dilation);
                if other_column >= padding && other_column < padding + planes.width {
                    let at = line + other_column - padding;
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
