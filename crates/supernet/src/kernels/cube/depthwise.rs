//! Depthwise convolution and its gradients.
//!
//! The output and `dx` have one unit for each entry, which gathers what belongs to it. `dw` has one
//! sum for each channel and tap.

use cubecl::prelude::*;

use crate::kernels::InputActivation;

use super::{
    geometry::{Planes, Slices, Window, entry, position_in_channel, reaches},
    team::{board, slice, sum},
};

#[cube]
fn activate(x: f32, #[comptime] activation: InputActivation) -> f32 {
    match comptime!(activation) {
        InputActivation::Identity => x,
        InputActivation::Relu => max(x, 0.0f32),
    }
}

/// `y` of `x` `[batch, channels, height, width]` and `weight` `[channels, kernel_h, kernel_w]`.
#[cube(launch_unchecked)]
pub(super) fn forward_kernel<F: Float>(
    x: &Array<F>,
    weight: &Array<F>,
    y: &mut Array<F>,
    planes: &Planes,
    #[comptime] window: Window,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.out_h * planes.out_w {
        let out = entry(position, planes.out_h, planes.out_w);
        let filter = out.plane % planes.channels * comptime!(window.taps());
        let mut total = 0.0f32;
        for tap_row in 0..comptime!(window.kernel[0]) {
            // Rows and columns count the padding in front, so that none is negative.
            let row =
                out.row * comptime!(window.stride[0]) + tap_row * comptime!(window.dilation[0]);
            let pad_h = comptime!(window.padding[0]);
            if row >= pad_h && row < pad_h + planes.height {
                let line = (out.plane * planes.height + row - pad_h) * planes.width;
                for tap_column in 0..comptime!(window.kernel[1]) {
                    let column = out.column * comptime!(window.stride[1])
                        + tap_column * comptime!(window.dilation[1]);
                    let pad_w = comptime!(window.padding[1]);
                    if column >= pad_w && column < pad_w + planes.width {
                        let tap = filter + tap_row * comptime!(window.kernel[1]) + tap_column;
                        let value = f32::cast_from(x[line + column - pad_w]);
                        total += f32::cast_from(weight[tap]) * activate(value, window.activation);
                    }
                }
            }
        }
        y[position] = F::cast_from(total);
    }
}

/// `dx`, from the outputs whose windows cover each input. `x` is read under a ReLU only.
#[cube(launch_unchecked)]
pub(super) fn input_gradient_kernel<F: Float>(
    x: &Array<F>,
    weight: &Array<F>,
    dy: &Array<F>,
    dx: &mut Array<F>,
    planes: &Planes,
    #[comptime] window: Window,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < planes.batch * planes.channels * planes.height * planes.width {
        let input = entry(position, planes.height, planes.width);
        let filter = input.plane % planes.channels * comptime!(window.taps());
        let row = input.row + comptime!(window.padding[0]);
        let column = input.column + comptime!(window.padding[1]);
        let mut total = 0.0f32;
        for tap_row in 0..comptime!(window.kernel[0]) {
            let rows_before = tap_row * comptime!(window.dilation[0]);
            if reaches(row, rows_before, planes.out_h, comptime!(window.stride[0])) {
                let out_row = (row - rows_before) / comptime!(window.stride[0]);
                let line = (input.plane * planes.out_h + out_row) * planes.out_w;
                for tap_column in 0..comptime!(window.kernel[1]) {
                    let columns_before = tap_column * comptime!(window.dilation[1]);
                    let stride = comptime!(window.stride[1]);
                    if reaches(column, columns_before, planes.out_w, stride) {
                        let tap = filter + tap_row * comptime!(window.kernel[1]) + tap_column;
                        let from = line + (column - columns_before) / stride;
                        total += f32::cast_from(weight[tap]) * f32::cast_from(dy[from]);
                    }
                }
            }
        }
        match comptime!(window.activation) {
            InputActivation::Identity => {}
            InputActivation::Relu => {
                if f32::cast_from(x[position]) <= 0.0f32 {
                    total = 0.0f32;
                }
            }
        }
        dx[position] = F::cast_from(total);
    }
}

/// Slices of the sums of `dw` `[channels, kernel_h, kernel_w]`: `partials` is
/// `[channels * kernel_h * kernel_w, slices]`, which is `dw` itself for one slice.
#[cube(launch_unchecked)]
pub(super) fn weight_gradient_kernel<F: Float, P: Float>(
    x: &Array<F>,
    dy: &Array<F>,
    partials: &mut Array<P>,
    planes: &Planes,
    slices: &Slices,
    #[comptime] window: Window,
    #[define(F, P)] _dtypes: [StorageType; 2],
) {
    let mut board = board();
    let slice = slice(slices);
    let channel = slice.sum / comptime!(window.taps());
    let tap = slice.sum % comptime!(window.taps());
    let rows_before = tap / comptime!(window.kernel[1]) * comptime!(window.dilation[0]);
    let columns_before = tap % comptime!(window.kernel[1]) * comptime!(window.dilation[1]);
    let area = planes.out_h * planes.out_w;
    let mut own = 0.0f32;
    let mut index = slice.first;
    while index < slice.end {
        let out = position_in_channel(index, channel, planes.channels, area);
        let at = entry(out, planes.out_h, planes.out_w);
        let row = at.row * comptime!(window.stride[0]) + rows_before;
        let column = at.column * comptime!(window.stride[1]) + columns_before;
        let pad_h = comptime!(window.padding[0]);
        let pad_w = comptime!(window.padding[1]);
        if row >= pad_h
            && row < pad_h + planes.height
            && column >= pad_w
            && column < pad_w + planes.width
        {
            let line = (at.plane * planes.height + row - pad_h) * planes.width;
            let value = f32::cast_from(x[line + column - pad_w]);
            own += f32::cast_from(dy[out]) * activate(value, window.activation);
        }
        index += CUBE_DIM as usize;
    }
    let total = sum(&mut board, own);
    if UNIT_POS == 0 && slice.sum < slices.sums {
        partials[CUBE_POS] = P::cast_from(total);
    }
}

/// Adds up the slices of each sum, one unit for each.
#[cube(launch_unchecked)]
pub(super) fn fold_kernel<F: Float>(
    partials: &Array<f32>,
    sums: &mut Array<F>,
    slices: &Slices,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < slices.sums {
        let mut total = 0.0f32;
        for index in 0..slices.count {
            total += partials[position * slices.count + index];
        }
        sums[position] = F::cast_from(total);
    }
}
