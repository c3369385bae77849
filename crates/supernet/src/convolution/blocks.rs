//! The convolutional blocks of a cell. Each begins with a ReLU in the papers' terms; here its input
//! is given already rectified, so that the operations on one node share that ReLU.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::kernels::{self, KernelBackend};
use crate::layers::conv::{DepthwiseConv2d, PointwiseConv2d};
use crate::{BatchNorm, Statistics, WeightInit};

/// 1x1 convolution and batch normalisation of a rectified input.
#[derive(Module, Debug)]
pub struct ReluConvNorm<B: Backend> {
    conv: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> ReluConvNorm<B> {
    pub(crate) fn new(
        channels: [usize; 2],
        affine: bool,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            conv: PointwiseConv2d::new(channels, init, device),
            norm: BatchNorm::new(channels[1], affine, device),
        }
    }
}

impl<B: KernelBackend> ReluConvNorm<B> {
    /// # Shapes
    ///
    /// - rectified: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    pub fn forward(&self, rectified: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        self.norm.forward(self.conv.forward(rectified), statistics)
    }
}

/// Halves the image with two 1x1 convolutions of stride 2, the second shifted by one pixel, each
/// giving half of the channels (DARTS). An odd image is treated as if it had one more row and column
/// of zeros.
#[derive(Module, Debug)]
pub struct FactorizedReduce<B: Backend> {
    even: PointwiseConv2d<B>,
    odd: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> FactorizedReduce<B> {
    pub(crate) fn new(
        [channels_in, channels_out]: [usize; 2],
        affine: bool,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let half = channels_out / 2;
        let mut conv = |out| PointwiseConv2d::new([channels_in, out], init, device);
        Self {
            even: conv(half),
            odd: conv(channels_out - half),
            norm: BatchNorm::new(channels_out, affine, device),
        }
    }
}

impl<B: KernelBackend> FactorizedReduce<B> {
    /// # Shapes
    ///
    /// - rectified: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, ceil(height / 2), ceil(width / 2)]`
    pub fn forward(&self, rectified: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        // A 1x1 convolution of stride 2 looks at every second pixel.
        let even = kernels::every_second(rectified.clone(), 0);
        let odd = kernels::every_second(rectified, 1);
        let halves = vec![self.even.forward(even), self.odd.forward(odd)];
        self.norm
            .forward(kernels::concat_channels(halves), statistics)
    }
}

/// Depthwise convolution, 1x1 convolution and batch normalisation of a rectified input.
#[derive(Module, Debug)]
pub struct SeparableStage<B: Backend> {
    depthwise: DepthwiseConv2d<B>,
    pointwise: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> SeparableStage<B> {
    fn new(
        channels: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        affine: bool,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            depthwise: DepthwiseConv2d::same(channels, kernel, stride, dilation, init, device),
            pointwise: PointwiseConv2d::new([channels; 2], init, device),
            norm: BatchNorm::new(channels, affine, device),
        }
    }
}

impl<B: KernelBackend> SeparableStage<B> {
    fn forward(&self, rectified: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        let mixed = self.pointwise.forward(self.depthwise.forward(rectified));
        self.norm.forward(mixed, statistics)
    }
}

/// One (`dil_conv`) or two (`sep_conv`) separable stages; only the first one strides.
#[derive(Module, Debug)]
pub struct SeparableConv<B: Backend> {
    stages: Vec<SeparableStage<B>>,
}

impl<B: Backend> SeparableConv<B> {
    pub(crate) fn twice(
        channels: usize,
        kernel: usize,
        stride: usize,
        affine: bool,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let mut stage =
            |stride| SeparableStage::new(channels, kernel, stride, 1, affine, init, device);
        Self {
            stages: vec![stage(stride), stage(1)],
        }
    }

    pub(crate) fn dilated(
        channels: usize,
        kernel: usize,
        stride: usize,
        affine: bool,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            stages: vec![SeparableStage::new(
                channels, kernel, stride, 2, affine, init, device,
            )],
        }
    }
}

impl<B: KernelBackend> SeparableConv<B> {
    /// # Shapes
    ///
    /// - rectified: `[batch, channels, height, width]`
    /// - output: `[batch, channels, ceil(height / stride), ceil(width / stride)]`
    pub fn forward(&self, rectified: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        let mut x = rectified;
        for (index, stage) in self.stages.iter().enumerate() {
            let input = if index == 0 { x } else { kernels::rectify(x) };
            x = stage.forward(input, statistics);
        }
        x
    }
}
