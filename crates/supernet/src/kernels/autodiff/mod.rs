//! The `Autodiff` decorator: each operation is one node of the graph, and its gradient is the
//! inner backend's `*_backward` method.

mod convolution;
mod normalisation;
mod pool;

use burn::tensor::{backend::AutodiffBackend, ops::FloatTensor};
use burn_autodiff::{Autodiff, checkpoint::strategy::CheckpointStrategy};

use super::{KernelBackend, WindowOptions};

impl<B: KernelBackend, C: CheckpointStrategy> KernelBackend for Autodiff<B, C> {
    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        convolution::record::<B, C, _>(convolution::Depthwise(options), x, weight)
    }

    fn relu_depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        convolution::record::<B, C, _>(convolution::ReluDepthwise(options), x, weight)
    }

    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        convolution::record::<B, C, _>(convolution::Pointwise, x, weight)
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (output, mean, variance) = normalisation::record::<B, C>(x, eps);
        (
            output,
            <Self as AutodiffBackend>::from_inner(mean),
            <Self as AutodiffBackend>::from_inner(variance),
        )
    }

    fn avg_pool3x3(x: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        pool::average::<B, C>(x, stride)
    }

    fn max_pool3x3(x: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        pool::maximum::<B, C>(x, stride)
    }
}
