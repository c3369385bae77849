use burn::module::Module;
use burn::tensor::backend::Backend;

use crate::convolution::Stride;
use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::layer::{OperationLayer, Shrunk};
use crate::convolution::node::Node;
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{KernelBackend, WindowOptions};
use crate::layers::{
    BatchNorm, Scaled, Statistics, StripConv2d, TensorName, WeightInit, conv_name, norm_name,
};

/// `conv_7x1_1x7`.
pub(crate) const CONV_7X1_1X7: Strips = Strips {
    name: "conv_7x1_1x7",
    length: 7,
};

/// `conv_3x1_1x3`.
pub(crate) const CONV_3X1_1X3: Strips = Strips {
    name: "conv_3x1_1x3",
    length: 3,
};

/// Two convolutions between all channels whose kernels are strips of this length, first along the rows
/// of the image and then along its columns.
pub(crate) struct Strips {
    name: &'static str,
    length: usize,
}

/// A convolution along rows, one along columns, and a normalisation. Each strides along its strip.
#[derive(Module, Debug)]
pub struct StripConvs<B: Backend> {
    along_rows: StripConv2d<B>,
    along_columns: StripConv2d<B>,
    norm: BatchNorm<B>,
}

impl Candidate for Strips {
    type Module<B: Backend> = StripConvs<B>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> StripConvs<B> {
        let OperationConfig {
            channels,
            spacing,
            form,
        } = config;
        let (stride, dilation) = (spacing.stride.factor(), spacing.dilation);
        let mut strip = |kernel: [usize; 2], stride| {
            let window = WindowOptions {
                stride,
                padding: kernel.map(|side| dilation * (side / 2)),
                dilation: [dilation; 2],
            };
            StripConv2d::new([channels; 2], kernel, window, init, device)
        };
        StripConvs {
            along_rows: strip([1, self.length], [1, stride]),
            along_columns: strip([self.length, 1], [stride, 1]),
            norm: form.norm(channels, device),
        }
    }

    fn forward<'a, B: KernelBackend>(
        &self,
        module: &'a StripConvs<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Scaled<'a, B> {
        let x = module.along_rows.forward(node.rectified());
        let x = module.along_columns.forward(x);
        module.norm.scaled(x, statistics)
    }

    fn describe<B: Backend>(
        &self,
        module: &StripConvs<B>,
        graph: &mut GraphBuilder,
        node: Value,
    ) -> Value {
        let rectified = graph.rectified(node);
        let x = module.along_rows.describe(graph, rectified);
        let x = module.along_columns.describe(graph, x);
        module.norm.describe(graph, x)
    }

    fn layers(&self, channels: usize, _stride: Stride) -> Vec<OperationLayer> {
        vec![
            OperationLayer {
                normalized: 0,
                shrunk: Shrunk::Width,
                ..OperationLayer::strip(channels, self.length)
            },
            OperationLayer::strip(channels, self.length),
        ]
    }

    /// In published codes the ReLU is number 0.
    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["along_rows", rest @ ..] => conv_name(&format!("{place}.1"), rest),
            ["along_columns", rest @ ..] => conv_name(&format!("{place}.2"), rest),
            ["norm", rest @ ..] => norm_name(&format!("{place}.3"), rest),
            _ => None,
        }
    }
}
