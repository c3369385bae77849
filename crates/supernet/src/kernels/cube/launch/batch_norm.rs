//! Launches of batch normalisation.

use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, cubes, empty, partials, planes, rows};
use crate::kernels::cube::{
    batch_norm::{gradient_kernel, gradient_sums_kernel, normalise_kernel, statistics_kernel},
    geometry::Slices,
};

fn slices([batch, channels, height, width]: [usize; 4]) -> Slices {
    Slices::new(channels, batch * height * width)
}

/// The normalised input, then mean and biased variance `[channels]`.
pub(in crate::kernels::cube) fn batch_norm<R: CubeRuntime>(
    x: CubeTensor<R>,
    eps: f64,
) -> (CubeTensor<R>, CubeTensor<R>, CubeTensor<R>) {
    let shape @ [_, channels, height, width] = x.meta.shape().dims::<4>();
    let slices = slices(shape);
    let x = rows(x, shape);
    let partials = partials(&x, slices.cubes() * 2);
    let y = empty(&x, shape);
    let mean = empty(&x, [channels]);
    let variance = empty(&x, [channels]);
    // SAFETY: see `launch`.
    unsafe {
        statistics_kernel::launch_unchecked::<R>(
            &y.client,
            cubes(slices.cubes()),
            cube_dim(),
            x.clone().into_array_arg(),
            partials.clone().into_array_arg(),
            planes(shape, [height, width]),
            slices.arg(),
            y.dtype.into(),
        );
        normalise_kernel::launch_unchecked::<R>(
            &y.client,
            cubes(slices.cubes()),
            cube_dim(),
            x.into_array_arg(),
            partials.into_array_arg(),
            y.clone().into_array_arg(),
            mean.clone().into_array_arg(),
            variance.clone().into_array_arg(),
            planes(shape, [height, width]),
            slices.arg(),
            eps as f32,
            y.dtype.into(),
        );
    }
    (y, mean, variance)
}

/// `dx` from the normalised input `y`, the variance `[channels]` and `dy`.
pub(in crate::kernels::cube) fn batch_norm_gradient<R: CubeRuntime>(
    y: CubeTensor<R>,
    variance: CubeTensor<R>,
    dy: CubeTensor<R>,
    eps: f64,
) -> CubeTensor<R> {
    let shape @ [_, channels, height, width] = y.meta.shape().dims::<4>();
    let slices = slices(shape);
    let y = rows(y, shape);
    let dy = rows(dy, shape);
    let variance = rows(variance, [channels]);
    let partials = partials(&y, slices.cubes() * 2);
    let dx = empty(&y, shape);
    // SAFETY: see `launch`.
    unsafe {
        gradient_sums_kernel::launch_unchecked::<R>(
            &dx.client,
            cubes(slices.cubes()),
            cube_dim(),
            y.clone().into_array_arg(),
            dy.clone().into_array_arg(),
            partials.clone().into_array_arg(),
            planes(shape, [height, width]),
            slices.arg(),
            dx.dtype.into(),
        );
        gradient_kernel::launch_unchecked::<R>(
            &dx.client,
            cubes(slices.cubes()),
            cube_dim(),
            y.into_array_arg(),
            dy.into_array_arg(),
            variance.into_array_arg(),
            partials.into_array_arg(),
            dx.clone().into_array_arg(),
            planes(shape, [height, width]),
            slices.arg(),
            eps as f32,
            dx.dtype.into(),
        );
    }
    dx
}
