//! Bilinear resampling.

use burn::tensor::Tensor;

use super::{primitive, tensor};
use crate::kernels::{Corners, KernelBackend};

/// The image at another size `[height, width]`, larger or smaller: each output is a mean of the four
/// inputs around its place, weighted by how near they are. Shrinking does not average over the
/// inputs in between.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, channels, size[0], size[1]]`
///
/// # Panics
///
/// If an axis of the image or of `size` is empty.
pub fn upsample_bilinear<B: KernelBackend>(
    x: Tensor<B, 4>,
    size: [usize; 2],
    corners: Corners,
) -> Tensor<B, 4> {
    let [_, _, height, width] = x.dims();
    assert!(
        [height, width].iter().chain(&size).all(|axis| *axis > 0),
        "an image of {:?} cannot be resampled to {size:?}",
        [height, width]
    );
    tensor(B::upsample_bilinear(primitive(x), size, corners))
}
