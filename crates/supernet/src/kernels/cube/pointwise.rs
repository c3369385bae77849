//! Pointwise convolution, a product of a small matrix with every position, and its gradients.
//!
//! Burn's products of matrices are tuned for each size when it is met, which compiles a dozen kernels each time; a
//! search meets many sizes, all of them bounded by memory. These are compiled once.

use cubecl::prelude::*;

use super::{
    geometry::{Slices, position_in_channel},
    team::{board, slice, sum},
};

/// Channels of the output that a unit computes at its position: each value that it reads serves as many.
pub(super) const TILE: usize = 8;

/// Rows and columns of `dw` that a cube computes.
pub(super) const SIDE: usize = 4;

/// Sizes of a product of `[outputs, inputs]` with `[batch, inputs, area]`.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Product {
    pub(super) batch: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) area: usize,
    /// From one output to the next in the memory of the matrix.
    pub(super) output_stride: usize,
    /// From one input to the next.
    pub(super) input_stride: usize,
}

/// `y` `[batch, outputs, area]` of `x` `[batch, inputs, area]`: a unit for each position of an image and each tile
/// of outputs, neighbours at neighbouring positions.
#[cube(launch_unchecked)]
pub(super) fn product_kernel<F: Float>(
    x: &Array<F>,
    matrix: &Array<F>,
    y: &mut Array<F>,
    product: &Product,
    #[define(F)] _dtype: StorageType,
) {
    let tiles = product.outputs.div_ceil(comptime!(TILE));
    let position = ABSOLUTE_POS;
    if position < product.batch * tiles * product.area {
        let place = position % product.area;
        let tile = position / product.area % tiles;
        let image = position / product.area / tiles;
        let first = tile * comptime!(TILE);
        let mut totals = Array::<f32>::new(comptime!(TILE));
        #[unroll]
        for index in 0..comptime!(TILE) {
            totals[index] = 0.0f32;
        }
        let mut from = image * product.inputs * product.area + place;
        for input in 0..product.inputs {
            let value = f32::cast_from(x[from]);
            #[unroll]
            for index in 0..comptime!(TILE) {
                // Surplus outputs of the last tile repeat the last one, and are not written.
                let output = min(first + index, product.outputs - 1);
                let weight = matrix[output * product.output_stride + input * product.input_stride];
                totals[index] += f32::cast_from(weight) * value;
            }
            from += product.area;
        }
        #[unroll]
        for index in 0..comptime!(TILE) {
            if first + index < product.outputs {
                let to = (image * product.outputs + first + index) * product.area + place;
                y[to] = F::cast_from(totals[index]);
            }
        }
    }
}

/// Slices of the sums of `dw` `[outputs, inputs]` over all positions: a cube for a slice of each square of `SIDE`
/// outputs and inputs. `partials` is `[outputs, inputs, slices]`.
#[cube(launch_unchecked)]
pub(super) fn matrix_gradient_kernel<F: Float, P: Float>(
    x: &Array<F>,
    dy: &Array<F>,
    partials: &mut Array<P>,
    product: &Product,
    slices: &Slices,
    #[define(F, P)] _dtypes: [StorageType; 2],
) {
    let mut board = board();
    let slice = slice(slices);
    let across = product.inputs.div_ceil(comptime!(SIDE));
    let first_output = slice.sum / across * comptime!(SIDE);
    let first_input = slice.sum % across * comptime!(SIDE);
    let mut totals = Array::<f32>::new(comptime!(SIDE * SIDE));
    #[unroll]
    for index in 0..comptime!(SIDE * SIDE) {
        totals[index] = 0.0f32;
    }
    let mut index = slice.first;
    while index < slice.end {
        let mut values = Array::<f32>::new(comptime!(SIDE));
        #[unroll]
        for column in 0..comptime!(SIDE) {
            let input = min(first_input + column, product.inputs - 1);
            let at = position_in_channel(index, input, product.inputs, product.area);
            values[column] = f32::cast_from(x[at]);
        }
        #[unroll]
        for row in 0..comptime!(SIDE) {
            let output = min(first_output + row, product.outputs - 1);
            let at = position_in_channel(index, output, product.outputs, product.area);
            let gradient = f32::cast_from(dy[at]);
            #[unroll]
            for column in 0..comptime!(SIDE) {
                totals[comptime!(row * SIDE + column)] += gradient * values[column];
            }
        }
        index += CUBE_DIM as usize;
    }
    let part = CUBE_POS % slices.count;
    #[unroll]
    for row in 0..comptime!(SIDE) {
        #[unroll]
        for column in 0..comptime!(SIDE) {
            let total = sum(&mut board, totals[comptime!(row * SIDE + column)]);
            let output = first_output + row;
            let input = first_input + column;
            if UNIT_POS == 0
                && slice.sum < slices.sums
                && output < product.outputs
                && input < product.inputs
            {
                let to = (output * product.inputs + input) * slices.count + part;
                partials[to] = P::cast_from(total);
            }
        }
    }
}
