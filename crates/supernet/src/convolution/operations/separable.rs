use burn::module::Module;
use burn::tensor::backend::Backend;

use crate::convolution::Stride;
use crate::convolution::blocks::{SeparableConfig, SeparableStage, separable_stage_name};
use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::layer::OperationLayer;
use crate::convolution::node::Node;
use crate::graph::{GraphBuilder, Value};
use crate::kernels::KernelBackend;
use crate::layers::{Scaled, Statistics, TensorName, WeightInit};

/// `sep_conv_3x3`.
pub(crate) const SEP_CONV_3X3: Separable = Separable::new("sep_conv_3x3", 3, 1, 2);

/// `sep_conv_5x5`.
pub(crate) const SEP_CONV_5X5: Separable = Separable::new("sep_conv_5x5", 5, 1, 2);

/// `sep_conv_7x7`.
pub(crate) const SEP_CONV_7X7: Separable = Separable::new("sep_conv_7x7", 7, 1, 2);

/// `dil_conv_3x3`.
pub(crate) const DIL_CONV_3X3: Separable = Separable::new("dil_conv_3x3", 3, 2, 1);

/// `dil_conv_5x5`.
pub(crate) const DIL_CONV_5X5: Separable = Separable::new("dil_conv_5x5", 5, 2, 1);

/// `dil_sep_conv_3x3`.
pub(crate) const DIL_SEP_CONV_3X3: Separable = Separable::new("dil_sep_conv_3x3", 3, 2, 2);

/// Depthwise separable convolution with a square kernel, once or several times.
pub(crate) struct Separable {
    name: &'static str,
    /// Side of the kernel.
    kernel: usize,
    dilation: usize,
    stages: usize,
}

impl Separable {
    const fn new(name: &'static str, kernel: usize, dilation: usize, stages: usize) -> Self {
        Self {
            name,
            kernel,
            dilation,
            stages,
        }
    }
}

/// Separable stages behind each other; only the first one strides.
#[derive(Module, Debug)]
pub struct SeparableConv<B: Backend> {
    stages: Vec<SeparableStage<B>>,
}

impl Candidate for Separable {
    type Module<B: Backend> = SeparableConv<B>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> SeparableConv<B> {
        let separable = SeparableConfig {
            kernel: self.kernel,
            dilation: self.dilation,
        };
        let stage = |index: usize| {
            let spacing = match index {
                0 => config.spacing,
                _ => config.spacing.next(),
            };
            let config = OperationConfig { spacing, ..config };
            SeparableStage::new(separable, config, init, device)
        };
        SeparableConv {
            stages: (0..self.stages).map(stage).collect(),
        }
    }

    fn forward<'a, B: KernelBackend>(
        &self,
        module: &'a SeparableConv<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Scaled<'a, B> {
        let node = Scaled::plain(node.raw());
        let stages = module.stages.iter();
        stages.fold(node, |x, stage| stage.forward(x, statistics))
    }

    fn describe<B: Backend>(
        &self,
        module: &SeparableConv<B>,
        graph: &mut GraphBuilder,
        node: Value,
    ) -> Value {
        module.stages.iter().fold(node, |x, stage| {
            let rectified = graph.rectified(x);
            stage.describe(graph, rectified)
        })
    }

    fn layers(&self, channels: usize, _stride: Stride) -> Vec<OperationLayer> {
        let stage = [
            OperationLayer::depthwise(channels, self.kernel),
            OperationLayer::pointwise(channels),
        ];
        stage.repeat(self.stages)
    }

    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["stages", stage, rest @ ..] => separable_stage_name(place, stage.parse().ok()?, rest),
            _ => None,
        }
    }
}
