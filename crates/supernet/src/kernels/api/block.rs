use burn::tensor::Tensor;

use super::{BatchNormOutput, check_batch, check_depthwise, check_pointwise, primitive, tensor};
use crate::kernels::{BlockParts, InputActivation, KernelBackend, WindowOptions};

/// A convolution block as one operation: an affine map if there is one, an activation, a depthwise convolution if
/// there is one, a pointwise convolution, and batch normalisation as in [`batch_norm`](super::batch_norm).
///
/// For the backward pass it keeps what it reads and what it returns, and computes the rest again.
///
/// # Shapes
///
/// - x: `[batch, channels_in, height, width]`
/// - affine: scale and shift of what is read, each `[channels_in]`
/// - depthwise: filters `[channels_in, 1, kernel_h, kernel_w]` and how they slide
/// - pointwise: `[channels_out, channels_in, 1, 1]`
/// - output: `[batch, channels_out, out_h, out_w]`; mean and variance `[channels_out]`
///
/// # Panics
///
/// If the shapes do not agree, the window does not fit the input, or a channel has no value.
pub fn conv_block<B: KernelBackend>(
    x: Tensor<B, 4>,
    affine: Option<[Tensor<B, 1>; 2]>,
    activation: InputActivation,
    depthwise: Option<(Tensor<B, 4>, WindowOptions)>,
    pointwise: Tensor<B, 4>,
    eps: f64,
) -> BatchNormOutput<B> {
    let channels = x.dims()[1];
    if let Some((weight, options)) = &depthwise {
        check_depthwise(&x, weight, *options);
    }
    if let Some(pair) = &affine {
        assert!(
            pair.iter().all(|values| values.dims() == [channels]),
            "{channels} channels need as many scales and shifts, got {:?}",
            pair.each_ref().map(Tensor::dims)
        );
    }
    check_pointwise(&x, &pointwise);
    check_batch(&x);
    let parts = BlockParts {
        x: primitive(x),
        affine: affine.map(|pair| pair.map(primitive)),
        activation,
        depthwise: depthwise.map(|(weight, options)| (primitive(weight), options)),
        pointwise: primitive(pointwise),
    };
    let (output, mean, variance) = B::conv_block(parts, eps);
    BatchNormOutput {
        output: tensor(output),
        mean: tensor(mean),
        variance: tensor(variance),
    }
}
