//! The convolutional blocks of a cell. Each begins with a ReLU, which a factorised reduction is given
//! already done, so that the operations on one node share it, and the others do where they read.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::candidate::{OperationConfig, OperationForm};
use super::{Spacing, Stride};
use crate::graph::{Function, GraphBuilder, Value};
use crate::kernels::{self, InputActivation, KernelBackend};
use crate::layers::{
    BatchNorm, DepthwiseConv2d, PointwiseConv2d, Scaled, Statistics, TensorName, WeightInit,
    conv_name, norm_name,
};

/// 1x1 convolution and batch normalisation, of a rectified input in a cell.
#[derive(Module, Debug)]
pub struct ConvNorm<B: Backend> {
    conv: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> ConvNorm<B> {
    pub(crate) fn new(
        channels: [usize; 2],
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            conv: PointwiseConv2d::new(channels, init, device),
            norm: form.norm(channels[1], device),
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, rectified: Value) -> Value {
        let x = self.conv.describe(graph, rectified);
        self.norm.describe(graph, x)
    }
}

impl<B: KernelBackend> ConvNorm<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    pub fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        self.forward_activated(x, InputActivation::Identity, statistics)
    }

    /// [`forward`](Self::forward) of `max(x, 0)`.
    pub(crate) fn forward_rectified(
        &self,
        x: Tensor<B, 4>,
        statistics: Statistics,
    ) -> Tensor<B, 4> {
        self.forward_activated(x, InputActivation::Relu, statistics)
    }

    fn forward_activated(
        &self,
        x: Tensor<B, 4>,
        activation: InputActivation,
        statistics: Statistics,
    ) -> Tensor<B, 4> {
        let x = Scaled::plain(x);
        let output = self.norm.block(x, activation, None, &self.conv, statistics);
        output.applied()
    }
}

/// The tensors of a [`ConvNorm`]; in DARTS' code its ReLU is number 0.
pub(crate) fn conv_norm_name(place: &str, path: &[&str]) -> Option<TensorName> {
    match path {
        ["conv", rest @ ..] => conv_name(&format!("{place}.op.1"), rest),
        ["norm", rest @ ..] => norm_name(&format!("{place}.op.2"), rest),
        _ => None,
    }
}

/// Halves the image with two 1x1 convolutions of stride 2, the second shifted by one pixel, each
/// giving half of the channels (DARTS). An odd image is treated as if it had one more row and column
/// of zeros. Where the stride is taken away, both look at every pixel, the second at the one that lies
/// the dilation below and to the right, zero outside of the image.
#[derive(Module, Debug)]
pub struct FactorizedReduce<B: Backend> {
    even: PointwiseConv2d<B>,
    odd: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
    #[module(skip)]
    spacing: Spacing,
}

impl<B: Backend> FactorizedReduce<B> {
    pub(crate) fn new(
        [channels_in, channels_out]: [usize; 2],
        spacing: Spacing,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let half = channels_out / 2;
        let mut conv = |out| PointwiseConv2d::new([channels_in, out], init, device);
        Self {
            even: conv(half),
            odd: conv(channels_out - half),
            norm: form.norm(channels_out, device),
            spacing,
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, rectified: Value) -> Value {
        let (stride, shift) = match self.spacing.stride {
            Stride::Dilated => (1, self.spacing.dilation),
            Stride::One | Stride::Two => (2, 1),
        };
        let shifted = graph.apply(Function::Shifted(shift), &[rectified]);
        let even = self.even.describe_strided(graph, rectified, stride);
        let odd = self.odd.describe_strided(graph, shifted, stride);
        let halves = graph.joined(&[even, odd]);
        self.norm.describe(graph, halves)
    }
}

impl<B: KernelBackend> FactorizedReduce<B> {
    /// # Shapes
    ///
    /// - rectified: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, ceil(height / 2), ceil(width / 2)]`, or as large as the input
    pub fn forward(&self, rectified: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        self.scaled(rectified, statistics).applied()
    }

    /// [`forward`](Self::forward), scale and shift being left to what reads it.
    pub(crate) fn scaled(&self, rectified: Tensor<B, 4>, statistics: Statistics) -> Scaled<'_, B> {
        let [even, odd] = match self.spacing.stride {
            Stride::Dilated => {
                let odd = shifted(rectified.clone(), self.spacing.dilation);
                [rectified, odd]
            }
            // A 1x1 convolution of stride 2 looks at every second pixel.
            Stride::One | Stride::Two => {
                let even = kernels::every_second(rectified.clone(), 0);
                [even, kernels::every_second(rectified, 1)]
            }
        };
        let halves = vec![self.even.forward(even), self.odd.forward(odd)];
        self.norm
            .scaled(kernels::concat_channels(halves), statistics)
    }
}

/// The pixels that lie so many rows below and columns to the right, zero outside of the image.
fn shifted<B: Backend>(x: Tensor<B, 4>, by: usize) -> Tensor<B, 4> {
    let [batch, channels, height, width] = x.dims();
    let zeros = Tensor::zeros([batch, channels, height, width], (&x.device(), x.dtype()));
    if by >= height.min(width) {
        return zeros;
    }
    let kept = x.slice([0..batch, 0..channels, by..height, by..width]);
    zeros.slice_assign([0..batch, 0..channels, 0..height - by, 0..width - by], kept)
}

/// The tensors of a [`FactorizedReduce`].
pub(crate) fn factorized_reduce_name(place: &str, path: &[&str]) -> Option<TensorName> {
    match path {
        ["even", rest @ ..] => conv_name(&format!("{place}.conv_1"), rest),
        ["odd", rest @ ..] => conv_name(&format!("{place}.conv_2"), rest),
        ["norm", rest @ ..] => norm_name(&format!("{place}.bn"), rest),
        _ => None,
    }
}

/// The depthwise convolution of a separable stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeparableConfig {
    /// Side of the kernel.
    pub(crate) kernel: usize,
    pub(crate) dilation: usize,
}

/// ReLU, depthwise convolution, 1x1 convolution and batch normalisation.
#[derive(Module, Debug)]
pub struct SeparableStage<B: Backend> {
    depthwise: DepthwiseConv2d<B>,
    pointwise: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> SeparableStage<B> {
    pub(crate) fn new(
        SeparableConfig { kernel, dilation }: SeparableConfig,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let OperationConfig {
            channels,
            spacing,
            form,
        } = config;
        let (stride, dilation) = (spacing.stride.factor(), dilation * spacing.dilation);
        Self {
            depthwise: DepthwiseConv2d::same(channels, kernel, stride, dilation, init, device),
            pointwise: PointwiseConv2d::new([channels; 2], init, device),
            norm: form.norm(channels, device),
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, rectified: Value) -> Value {
        let x = self.depthwise.describe(graph, rectified);
        let x = self.pointwise.describe(graph, x);
        self.norm.describe(graph, x)
    }
}

impl<B: KernelBackend> SeparableStage<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, ceil(height / stride), ceil(width / stride)]`
    pub(crate) fn forward(&self, input: Scaled<'_, B>, statistics: Statistics) -> Scaled<'_, B> {
        let depthwise = Some(&self.depthwise);
        let activation = InputActivation::Relu;
        self.norm
            .block(input, activation, depthwise, &self.pointwise, statistics)
    }
}

/// The tensors of stage number `stage` of an operation; in DARTS' code a stage is ReLU, depthwise,
/// pointwise, normalisation.
pub(crate) fn separable_stage_name(place: &str, stage: usize, path: &[&str]) -> Option<TensorName> {
    let layer = |index: usize| format!("{place}.op.{}", 4 * stage + index);
    match path {
        ["depthwise", rest @ ..] => conv_name(&layer(1), rest),
        ["pointwise", rest @ ..] => conv_name(&layer(2), rest),
        ["norm", rest @ ..] => norm_name(&layer(3), rest),
        _ => None,
    }
}
