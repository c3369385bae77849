use burn::module::Module;
use burn::tensor::backend::Backend;

use crate::convolution::Stride;
use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::layer::OperationLayer;
use crate::convolution::node::Node;
use crate::graph::{GraphBuilder, Value};
use crate::kernels::KernelBackend;
use crate::layers::{
    BatchNorm, Conv2d, Scaled, Statistics, TensorName, WeightInit, conv_name, norm_name,
};

/// `conv_1x1`.
pub(crate) const CONV_1X1: Plain = Plain {
    name: "conv_1x1",
    kernel: 1,
};

/// `conv_3x3`.
pub(crate) const CONV_3X3: Plain = Plain {
    name: "conv_3x3",
    kernel: 3,
};

/// A convolution between all channels with a square kernel of this side.
pub(crate) struct Plain {
    name: &'static str,
    kernel: usize,
}

/// A convolution between all channels, and its normalisation.
#[derive(Module, Debug)]
pub struct PlainConv<B: Backend> {
    conv: Conv2d<B>,
    norm: BatchNorm<B>,
}

impl Candidate for Plain {
    type Module<B: Backend> = PlainConv<B>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> PlainConv<B> {
        let OperationConfig {
            channels,
            spacing,
            form,
        } = config;
        let (stride, dilation) = (spacing.stride.factor(), spacing.dilation);
        PlainConv {
            conv: Conv2d::same([channels; 2], self.kernel, stride, dilation, init, device),
            norm: form.norm(channels, device),
        }
    }

    fn forward<'a, B: KernelBackend>(
        &self,
        module: &'a PlainConv<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Scaled<'a, B> {
        let x = module.conv.forward(node.rectified());
        module.norm.scaled(x, statistics)
    }

    fn describe<B: Backend>(
        &self,
        module: &PlainConv<B>,
        graph: &mut GraphBuilder,
        node: Value,
    ) -> Value {
        let rectified = graph.rectified(node);
        let x = module.conv.describe(graph, rectified);
        module.norm.describe(graph, x)
    }

    fn layers(&self, channels: usize, _stride: Stride) -> Vec<OperationLayer> {
        vec![OperationLayer::convolution(channels, self.kernel)]
    }

    /// In published codes the ReLU is number 0.
    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["conv", rest @ ..] => conv_name(&format!("{place}.1"), rest),
            ["norm", rest @ ..] => norm_name(&format!("{place}.2"), rest),
            _ => None,
        }
    }
}
