//! Launches of pointwise convolution.

use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, cubes, empty, partials, rows, units};
use crate::kernels::cube::{
    depthwise::fold_kernel,
    geometry::Slices,
    pointwise::{ProductLaunch, SIDE, TILE, matrix_gradient_kernel, product_kernel},
};

/// Entries of a matrix up to which memory bounds a product, not arithmetic.
const LARGEST: usize = 128 * 128;

/// Whether the kernels are worth it for a weight `[channels_out, channels_in, 1, 1]`.
pub(in crate::kernels::cube) fn is_small<R: CubeRuntime>(weight: &CubeTensor<R>) -> bool {
    weight.meta.num_elements() <= LARGEST
}

/// `y` `[batch, channels_out, height, width]`.
pub(in crate::kernels::cube) fn pointwise<R: CubeRuntime>(
    x: CubeTensor<R>,
    weight: CubeTensor<R>,
) -> CubeTensor<R> {
    let [outputs, inputs, ..] = weight.meta.shape().dims::<4>();
    multiply(x, weight, [outputs, inputs], [inputs, 1])
}

/// `dx` `[batch, channels_in, height, width]`.
pub(in crate::kernels::cube) fn pointwise_input_gradient<R: CubeRuntime>(
    weight: CubeTensor<R>,
    dy: CubeTensor<R>,
) -> CubeTensor<R> {
    let [outputs, inputs, ..] = weight.meta.shape().dims::<4>();
    multiply(dy, weight, [inputs, outputs], [1, inputs])
}

/// A product of the matrix `[outputs, inputs]`, which lies in memory with these strides, with every position.
fn multiply<R: CubeRuntime>(
    x: CubeTensor<R>,
    matrix: CubeTensor<R>,
    [outputs, inputs]: [usize; 2],
    [output_stride, input_stride]: [usize; 2],
) -> CubeTensor<R> {
    let [batch, _, height, width] = x.meta.shape().dims::<4>();
    let area = height * width;
    let x = rows(x, [batch, inputs, height, width]);
    let shape = matrix.meta.shape().clone();
    let matrix = rows(matrix, shape);
    let y = empty(&x, [batch, outputs, height, width]);
    // SAFETY: see `launch`; the matrix has `outputs * inputs` entries, which its strides reach.
    unsafe {
        product_kernel::launch_unchecked::<R>(
            &y.client,
            units(batch * outputs.div_ceil(TILE) * area),
            cube_dim(),
            x.into_array_arg(),
            matrix.into_array_arg(),
            y.clone().into_array_arg(),
            ProductLaunch::new(batch, inputs, outputs, area, output_stride, input_stride),
            y.dtype.into(),
        );
    }
    y
}

/// `dw` `[channels_out, channels_in, 1, 1]`: sums in slices, and a kernel that adds these up.
pub(in crate::kernels::cube) fn pointwise_weight_gradient<R: CubeRuntime>(
    x: CubeTensor<R>,
    dy: CubeTensor<R>,
) -> CubeTensor<R> {
    let [batch, inputs, height, width] = x.meta.shape().dims::<4>();
    let [_, outputs, ..] = dy.meta.shape().dims::<4>();
    let area = height * width;
    let x = rows(x, [batch, inputs, height, width]);
    let dy = rows(dy, [batch, outputs, height, width]);
    let squares = Slices::new(outputs.div_ceil(SIDE) * inputs.div_ceil(SIDE), batch * area);
    let entries = Slices {
        sums: outputs * inputs,
        ..squares
    };
    let dw = empty(&x, [outputs, inputs, 1, 1]);
    let sums = match squares.count {
        1 => dw.clone(),
        _ => partials(&x, entries.cubes()),
    };
    // SAFETY: see `launch`.
    unsafe {
        matrix_gradient_kernel::launch_unchecked::<R>(
            &dw.client,
            cubes(squares.cubes()),
            cube_dim(),
            x.into_array_arg(),
            dy.into_array_arg(),
            sums.clone().into_array_arg(),
            ProductLaunch::new(batch, inputs, outputs, area, inputs, 1),
            squares.arg(),
            [dw.dtype.into(), sums.dtype.into()],
        );
    }
    if squares.count > 1 {
        // SAFETY: see `launch`.
        unsafe {
            fold_kernel::launch_unchecked::<R>(
                &dw.client,
                units(entries.sums),
                cube_dim(),
                sums.into_array_arg(),
                dw.clone().into_array_arg(),
                entries.arg(),
                dw.dtype.into(),
            );
        }
    }
    dw
}
