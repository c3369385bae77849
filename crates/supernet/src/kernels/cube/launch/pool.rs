//! Launches of the pools.

use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, empty, planes, rows, units};
use crate::kernels::{
    PoolWindow,
    cube::pool::{Pool, average_gradient_kernel, maximum_gradient_kernel, pool_kernel},
};

fn output([batch, channels, height, width]: [usize; 4], window: PoolWindow) -> [usize; 4] {
    let [out_h, out_w] = window.output_size([height, width]);
    [batch, channels, out_h, out_w]
}

/// A pool, `[batch, channels, out_h, out_w]`.
pub(in crate::kernels::cube) fn pool<R: CubeRuntime>(
    x: CubeTensor<R>,
    window: PoolWindow,
    pool: Pool,
) -> CubeTensor<R> {
    let input = x.meta.shape().dims::<4>();
    let output = output(input, window);
    let x = rows(x, input);
    let y = empty(&x, output);
    // SAFETY: see `launch`.
    unsafe {
        pool_kernel::launch_unchecked::<R>(
            &y.client,
            units(y.meta.num_elements()),
            cube_dim(),
            x.into_array_arg(),
            y.clone().into_array_arg(),
            planes(input, [output[2], output[3]]),
            window,
            pool,
            y.dtype.into(),
        );
    }
    y
}

/// `dx` of the average pool for an input `[height, width]`.
pub(in crate::kernels::cube) fn average_pool_gradient<R: CubeRuntime>(
    dy: CubeTensor<R>,
    [height, width]: [usize; 2],
    window: PoolWindow,
) -> CubeTensor<R> {
    let [batch, channels, ..] = dy.meta.shape().dims::<4>();
    let input = [batch, channels, height, width];
    let output = output(input, window);
    let dy = rows(dy, output);
    let dx = empty(&dy, input);
    // SAFETY: see `launch`.
    unsafe {
        average_gradient_kernel::launch_unchecked::<R>(
            &dx.client,
            units(dx.meta.num_elements()),
            cube_dim(),
            dy.into_array_arg(),
            dx.clone().into_array_arg(),
            planes(input, [output[2], output[3]]),
            window,
            dx.dtype.into(),
        );
    }
    dx
}

/// `dx` of the max pool.
pub(in crate::kernels::cube) fn maximum_pool_gradient<R: CubeRuntime>(
    x: CubeTensor<R>,
    dy: CubeTensor<R>,
    window: PoolWindow,
) -> CubeTensor<R> {
    let input = x.meta.shape().dims::<4>();
    let output = output(input, window);
    let x = rows(x, input);
    let dy = rows(dy, output);
    let dx = empty(&x, input);
    // SAFETY: see `launch`.
    unsafe {
        maximum_gradient_kernel::launch_unchecked::<R>(
            &dx.client,
            units(dx.meta.num_elements()),
            cube_dim(),
            x.into_array_arg(),
            dy.into_array_arg(),
            dx.clone().into_array_arg(),
            planes(input, [output[2], output[3]]),
            window,
            dx.dtype.into(),
        );
    }
    dx
}
