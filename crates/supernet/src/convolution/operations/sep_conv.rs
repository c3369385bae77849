use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::blocks::{SeparableConfig, SeparableStage, separable_stage_name};
use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::layer::OperationLayer;
use crate::convolution::node::Node;
use crate::kernels::{self, KernelBackend};
use crate::layers::{Statistics, TensorName, WeightInit};

/// `sep_conv_3x3`.
pub(crate) const SEP_CONV_3X3: Separable = Separable {
    name: "sep_conv_3x3",
    kernel: 3,
};

/// `sep_conv_5x5`.
pub(crate) const SEP_CONV_5X5: Separable = Separable {
    name: "sep_conv_5x5",
    kernel: 5,
};

/// Depthwise separable convolution with a square kernel of this side, applied twice.
pub(crate) struct Separable {
    name: &'static str,
    kernel: usize,
}

/// Two separable stages; only the first one strides.
#[derive(Module, Debug)]
pub struct SepConv<B: Backend> {
    stages: [SeparableStage<B>; 2],
}

impl Candidate for Separable {
    type Module<B: Backend> = SepConv<B>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> SepConv<B> {
        let stage = |stride| {
            let separable = SeparableConfig {
                kernel: self.kernel,
                dilation: 1,
            };
            let config = OperationConfig { stride, ..config };
            SeparableStage::new(separable, config, init, device)
        };
        SepConv {
            stages: [config.stride, 1].map(stage),
        }
    }

    fn forward<B: KernelBackend>(
        &self,
        module: &SepConv<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Tensor<B, 4> {
        let [first, second] = &module.stages;
        let x = first.forward(node.rectified(), statistics);
        second.forward(kernels::rectify(x), statistics)
    }

    fn layers(&self, channels: usize, _stride: usize) -> Vec<OperationLayer> {
        let stage = [
            OperationLayer::depthwise(channels, self.kernel),
            OperationLayer::pointwise(channels),
        ];
        [stage; 2].concat()
    }

    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["stages", "0", rest @ ..] => separable_stage_name(place, 0, rest),
            ["stages", "1", rest @ ..] => separable_stage_name(place, 1, rest),
            _ => None,
        }
    }
}
