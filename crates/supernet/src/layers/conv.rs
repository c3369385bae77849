use burn::module::{Module, Param, ParamId};
use burn::tensor::{Tensor, backend::Backend};

use super::{TensorName, WeightInit};
use crate::graph::{Convolution, GraphBuilder, Rows, Value};
use crate::kernels::{self, InputActivation, KernelBackend, WindowOptions};

/// A convolution without bias, between all channels.
#[derive(Module, Debug)]
pub struct Conv2d<B: Backend> {
    /// `[channels_out, channels_in, kernel, kernel]`
    pub weight: Param<Tensor<B, 4>>,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl<B: Backend> Conv2d<B> {
    /// A square kernel; `padding` on all four sides.
    pub fn new(
        [channels_in, channels_out]: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let shape = [channels_out, channels_in, kernel, kernel];
        Self {
            weight: init.uniform(shape, channels_in * kernel * kernel, device),
            stride,
            padding,
            dilation: 1,
        }
    }

    /// A square kernel of an odd side, padded so that at stride 1 the image keeps its size.
    pub(crate) fn same(
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        dilation: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let padding = dilation * (kernel / 2);
        Self {
            dilation,
            ..Self::new(channels, kernel, stride, padding, init, device)
        }
    }

    fn window(&self) -> WindowOptions {
        WindowOptions {
            stride: [self.stride; 2],
            padding: [self.padding; 2],
            dilation: [self.dilation; 2],
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        graph.convolution(x, dense(self.weight.id, self.window()))
    }
}

impl<B: KernelBackend> Conv2d<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height_out, width_out]`
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let weight = self.weight.val();
        let ([batch, channels, height, width], [outputs, _, kernel_h, kernel_w]) =
            (x.dims(), weight.dims());
        if self.padding == 0 && self.dilation == 1 && [kernel_h, kernel_w] == [height, width] {
            // One window is the whole image, so all of them are a product of matrices.
            let values = channels * height * width;
            let (x, weight) = (
                x.reshape([batch, values]),
                weight.reshape([outputs, values]),
            );
            return x.matmul(weight.transpose()).reshape([batch, outputs, 1, 1]);
        }
        kernels::dense_conv2d(x, weight, self.window())
    }
}

/// A convolution without bias between all channels.
fn dense(weight: ParamId, window: WindowOptions) -> Convolution {
    Convolution {
        weight,
        bias: None,
        window,
        groups: 1,
    }
}

/// A convolution without bias, between all channels, whose kernel need not be square.
#[derive(Module, Debug)]
pub(crate) struct StripConv2d<B: Backend> {
    /// `[channels_out, channels_in, kernel_h, kernel_w]`
    weight: Param<Tensor<B, 4>>,
    #[module(skip)]
    window: WindowOptions,
}

impl<B: Backend> StripConv2d<B> {
    /// A kernel of `[height, width]`.
    pub(crate) fn new(
        [channels_in, channels_out]: [usize; 2],
        [height, width]: [usize; 2],
        window: WindowOptions,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let shape = [channels_out, channels_in, height, width];
        Self {
            weight: init.uniform(shape, channels_in * height * width, device),
            window,
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        graph.convolution(x, dense(self.weight.id, self.window))
    }
}

impl<B: KernelBackend> StripConv2d<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height_out, width_out]`
    pub(crate) fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        kernels::dense_conv2d(x, self.weight.val(), self.window)
    }
}

/// A 1x1 convolution: a linear map of the channels of each pixel.
#[derive(Module, Debug)]
pub(crate) struct PointwiseConv2d<B: Backend> {
    /// `[channels_out, channels_in, 1, 1]`
    pub(crate) weight: Param<Tensor<B, 4>>,
}

impl<B: Backend> PointwiseConv2d<B> {
    pub(crate) fn new(
        [channels_in, channels_out]: [usize; 2],
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            weight: init.uniform([channels_out, channels_in, 1, 1], channels_in, device),
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        self.describe_strided(graph, x, 1)
    }

    /// Of every pixel whose row and column the stride divides.
    pub(crate) fn describe_strided(
        &self,
        graph: &mut GraphBuilder,
        x: Value,
        stride: usize,
    ) -> Value {
        let window = WindowOptions {
            stride: [stride; 2],
            ..WindowOptions::default()
        };
        graph.convolution(x, dense(self.weight.id, window))
    }
}

impl<B: KernelBackend> PointwiseConv2d<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    pub(crate) fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        kernels::pointwise_conv2d(x, self.weight.val())
    }
}

/// A depthwise convolution: each channel has its own square kernel.
#[derive(Module, Debug)]
pub struct DepthwiseConv2d<B: Backend> {
    /// `[channels, 1, kernel, kernel]`
    pub weight: Param<Tensor<B, 4>>,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl<B: Backend> DepthwiseConv2d<B> {
    /// Padded so that at stride 1 the image keeps its size.
    pub fn same(
        channels: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            weight: init.uniform([channels, 1, kernel, kernel], kernel * kernel, device),
            stride,
            padding: dilation * (kernel - 1) / 2,
            dilation,
        }
    }

    fn window(&self) -> WindowOptions {
        WindowOptions {
            stride: [self.stride; 2],
            padding: [self.padding; 2],
            dilation: [self.dilation; 2],
        }
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        let [channels, ..] = self.weight.shape().dims::<4>();
        let convolution = Convolution {
            groups: channels,
            ..dense(self.weight.id, self.window())
        };
        graph.convolution(x, convolution)
    }
}

impl<B: KernelBackend> DepthwiseConv2d<B> {
    /// The weight and how it slides.
    pub(crate) fn filters(&self) -> (Tensor<B, 4>, WindowOptions) {
        (self.weight.val(), self.window())
    }

    /// [`forward`](Self::forward) of what the activation leaves.
    pub(crate) fn forward_activated(
        &self,
        x: Tensor<B, 4>,
        activation: InputActivation,
    ) -> Tensor<B, 4> {
        let (weight, window) = self.filters();
        match activation {
            InputActivation::Identity => kernels::depthwise_conv2d(x, weight, window),
            InputActivation::Relu => kernels::relu_depthwise_conv2d(x, weight, window),
        }
    }

    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, height_out, width_out]`
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        kernels::depthwise_conv2d(x, self.weight.val(), self.window())
    }
}

/// The classifier: an affine map of features to class logits.
#[derive(Module, Debug)]
pub struct Linear<B: Backend> {
    /// `[features, classes]`
    pub weight: Param<Tensor<B, 2>>,
    /// `[classes]`
    pub bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> Linear<B> {
    /// Uniform weights and biases within `1/sqrt(features)`.
    pub fn new(features: usize, classes: usize, init: &mut WeightInit, device: &B::Device) -> Self {
        Self {
            weight: init.uniform([features, classes], features, device),
            bias: init.uniform([classes], features, device),
        }
    }

    /// In files its rows are classes.
    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        graph.linear(x, self.weight.id, Some(self.bias.id), Rows::Outputs)
    }

    /// # Shapes
    ///
    /// - input: `[batch, features]`
    /// - output: `[batch, classes]`
    pub fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        x.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}

/// The one tensor of a convolution, in PyTorch's layer of that kind at `place`.
pub(crate) fn conv_name(place: &str, path: &[&str]) -> Option<TensorName> {
    match path {
        ["weight"] => Some(TensorName::new(format!("{place}.weight"))),
        _ => None,
    }
}

/// The tensors of a linear layer, in PyTorch's at `place`: its weight is `[classes, features]` there.
pub(crate) fn linear_name(place: &str, path: &[&str]) -> Option<TensorName> {
    match path {
        ["weight"] => Some(TensorName::transposed(format!("{place}.weight"))),
        ["bias"] => Some(TensorName::new(format!("{place}.bias"))),
        _ => None,
    }
}
