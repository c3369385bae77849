use burn::module::Module;
use burn::tensor::backend::Backend;

use crate::convolution::Stride;
use crate::convolution::blocks::{FactorizedReduce, factorized_reduce_name};
use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::layer::OperationLayer;
use crate::convolution::node::Node;
use crate::graph::{GraphBuilder, Value};
use crate::kernels::KernelBackend;
use crate::layers::{Scaled, Statistics, TensorName, WeightInit};

/// `skip_connect`.
pub(crate) const SKIP_CONNECT: Skip = Skip;

/// Identity, or a factorised reduction at stride 2.
pub(crate) struct Skip;

/// Identity, or a factorised reduction at stride 2.
#[derive(Module, Debug)]
pub struct SkipConnect<B: Backend> {
    reduce: Option<FactorizedReduce<B>>,
}

impl Candidate for Skip {
    type Module<B: Backend> = SkipConnect<B>;

    fn name(&self) -> &'static str {
        "skip_connect"
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> SkipConnect<B> {
        let channels = [config.channels; 2];
        let reduce = || FactorizedReduce::new(channels, config.spacing, config.form, init, device);
        SkipConnect {
            reduce: (!self.is_identity(config.spacing.stride)).then(reduce),
        }
    }

    fn forward<'a, B: KernelBackend>(
        &self,
        module: &'a SkipConnect<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Scaled<'a, B> {
        match &module.reduce {
            Some(reduce) => reduce.scaled(node.rectified(), statistics),
            None => Scaled::plain(node.raw()),
        }
    }

    fn describe<B: Backend>(
        &self,
        module: &SkipConnect<B>,
        graph: &mut GraphBuilder,
        node: Value,
    ) -> Value {
        match &module.reduce {
            Some(reduce) => {
                let rectified = graph.rectified(node);
                reduce.describe(graph, rectified)
            }
            None => node,
        }
    }

    fn layers(&self, channels: usize, stride: Stride) -> Vec<OperationLayer> {
        if self.is_identity(stride) {
            return Vec::new();
        }
        // Two 1x1 convolutions of stride 2, each to half of the channels, cost what one to all does.
        vec![OperationLayer::pointwise(channels)]
    }

    fn is_identity(&self, stride: Stride) -> bool {
        !stride.reduces()
    }

    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["reduce", rest @ ..] => factorized_reduce_name(place, rest),
            _ => None,
        }
    }
}
