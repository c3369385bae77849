use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::blocks::{SeparableConfig, SeparableStage, separable_stage_name};
use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::layer::OperationLayer;
use crate::convolution::node::Node;
use crate::kernels::KernelBackend;
use crate::layers::{Statistics, TensorName, WeightInit};

/// `dil_conv_3x3`.
pub(crate) const DIL_CONV_3X3: Dilated = Dilated {
    name: "dil_conv_3x3",
    kernel: 3,
};

/// `dil_conv_5x5`.
pub(crate) const DIL_CONV_5X5: Dilated = Dilated {
    name: "dil_conv_5x5",
    kernel: 5,
};

/// Depthwise separable convolution with dilation 2 and a square kernel of this side.
pub(crate) struct Dilated {
    name: &'static str,
    kernel: usize,
}

/// One separable stage with dilation 2.
#[derive(Module, Debug)]
pub struct DilConv<B: Backend> {
    stage: SeparableStage<B>,
}

impl Candidate for Dilated {
    type Module<B: Backend> = DilConv<B>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> DilConv<B> {
        let separable = SeparableConfig {
            kernel: self.kernel,
            dilation: 2,
        };
        DilConv {
            stage: SeparableStage::new(separable, config, init, device),
        }
    }

    fn forward<B: KernelBackend>(
        &self,
        module: &DilConv<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Tensor<B, 4> {
        module.stage.forward(node.rectified(), statistics)
    }

    fn layers(&self, channels: usize, _stride: usize) -> Vec<OperationLayer> {
        vec![
            OperationLayer::depthwise(channels, self.kernel),
            OperationLayer::pointwise(channels),
        ]
    }

    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["stage", rest @ ..] => separable_stage_name(place, 0, rest),
            _ => None,
        }
    }
}
