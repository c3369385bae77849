//! Launches of bilinear resampling.

use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, empty, rows, units};
use crate::kernels::{
    bilinear::Scale,
    cube::bilinear::{PlacesLaunch, forward_kernel, gradient_kernel},
};

/// Whether places, counted in the fractions of both axes, fit 32 bits.
pub(in crate::kernels::cube) fn accepts_scales(scales: [Scale; 2]) -> bool {
    scales
        .iter()
        .all(|scale| (scale.inputs + 2).saturating_mul(2 * scale.outputs) <= i32::MAX as usize)
}

fn places<R: CubeRuntime>(scale: Scale) -> PlacesLaunch<R> {
    PlacesLaunch::new(
        scale.inputs,
        scale.outputs,
        scale.step,
        scale.ahead,
        scale.behind,
        scale.unit,
    )
}

/// The outputs, `[batch, channels, out_h, out_w]`.
pub(in crate::kernels::cube) fn bilinear<R: CubeRuntime>(
    x: CubeTensor<R>,
    scales: [Scale; 2],
) -> CubeTensor<R> {
    let [batch, channels, ..] = x.meta.shape().dims::<4>();
    let [height, width] = scales.map(|scale| scale.inputs);
    let [out_h, out_w] = scales.map(|scale| scale.outputs);
    let x = rows(x, [batch, channels, height, width]);
    let y = empty(&x, [batch, channels, out_h, out_w]);
    // SAFETY: see `launch`.
    unsafe {
        forward_kernel::launch_unchecked::<R>(
            &y.client,
            units(y.meta.num_elements()),
            cube_dim(),
            x.into_array_arg(),
            y.clone().into_array_arg(),
            batch * channels,
            places(scales[0]),
            places(scales[1]),
            y.dtype.into(),
        );
    }
    y
}

/// `dx`, `[batch, channels, height, width]`.
pub(in crate::kernels::cube) fn bilinear_gradient<R: CubeRuntime>(
    dy: CubeTensor<R>,
    scales: [Scale; 2],
) -> CubeTensor<R> {
    let [batch, channels, ..] = dy.meta.shape().dims::<4>();
    let [height, width] = scales.map(|scale| scale.inputs);
    let [out_h, out_w] = scales.map(|scale| scale.outputs);
    let dy = rows(dy, [batch, channels, out_h, out_w]);
    let dx = empty(&dy, [batch, channels, height, width]);
    // SAFETY: see `launch`.
    unsafe {
        gradient_kernel::launch_unchecked::<R>(
            &dx.client,
            units(dx.meta.num_elements()),
            cube_dim(),
            dy.into_array_arg(),
            dx.clone().into_array_arg(),
            batch * channels,
            places(scales[0]),
            places(scales[1]),
            dx.dtype.into(),
        );
    }
    dx
}
