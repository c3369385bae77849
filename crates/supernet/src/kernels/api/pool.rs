//! Pools with square windows.

use burn::tensor::Tensor;

use super::{primitive, tensor};
use crate::kernels::{KernelBackend, PoolWindow};

/// Average pool; padding is not counted in the mean.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, channels, ceil(height / stride), ceil(width / stride)]`
///
/// # Panics
///
/// If the kernel is even, the stride neither 1 nor 2 or the dilation 0.
pub fn avg_pool<B: KernelBackend>(x: Tensor<B, 4>, window: PoolWindow) -> Tensor<B, 4> {
    check(window);
    tensor(B::avg_pool(primitive(x), window))
}

/// Max pool; padding is never the largest.
///
/// Among equal inputs the first in row order receives the gradient. Shapes and panics are those
/// of [`avg_pool`].
pub fn max_pool<B: KernelBackend>(x: Tensor<B, 4>, window: PoolWindow) -> Tensor<B, 4> {
    check(window);
    tensor(B::max_pool(primitive(x), window))
}

fn check(window: PoolWindow) {
    let PoolWindow {
        kernel,
        stride,
        dilation,
    } = window;
    assert!(
        kernel % 2 == 1 && dilation > 0,
        "a pool needs an odd kernel and a positive dilation, got {window:?}"
    );
    assert!(
        stride == 1 || stride == 2,
        "a {kernel}x{kernel} pool has stride 1 or 2, got {stride}"
    );
}

/// The mean of each plane.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, channels]`
///
/// # Panics
///
/// If a plane has no value.
pub fn plane_means<B: KernelBackend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    let [_, _, height, width] = x.dims();
    assert!(
        height * width > 0,
        "the mean of a plane needs values, got {:?}",
        x.dims()
    );
    tensor(B::plane_means(primitive(x)))
}
