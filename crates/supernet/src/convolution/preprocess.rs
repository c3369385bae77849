use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::CellPlan;
use super::blocks::{ConvNorm, FactorizedReduce, conv_norm_name, factorized_reduce_name};
use super::candidate::OperationForm;
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{self, KernelBackend};
use crate::layers::{Statistics, TensorName, WeightInit};

/// Brings one input of a cell to the cell's channels and size.
#[derive(Module, Debug)]
pub(crate) enum Preprocess<B: Backend> {
    Same(ConvNorm<B>),
    Reduce(FactorizedReduce<B>),
}

impl<B: Backend> Preprocess<B> {
    /// The two preprocessing layers of a cell.
    pub(crate) fn pair(
        plan: &CellPlan,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> [Self; 2] {
        let first = [plan.channels_prev_prev, plan.channels];
        let first = if !plan.prev_spacing.stride.reduces() {
            Preprocess::Same(ConvNorm::new(first, form, init, device))
        } else {
            Preprocess::Reduce(FactorizedReduce::new(
                first,
                plan.prev_spacing,
                form,
                init,
                device,
            ))
        };
        let second = [plan.channels_prev, plan.channels];
        let second = Preprocess::Same(ConvNorm::new(second, form, init, device));
        [first, second]
    }

    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        let rectified = graph.rectified(x);
        match self {
            Preprocess::Same(conv) => conv.describe(graph, rectified),
            Preprocess::Reduce(reduce) => reduce.describe(graph, rectified),
        }
    }
}

impl<B: KernelBackend> Preprocess<B> {
    pub(crate) fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        match self {
            Preprocess::Same(conv) => conv.forward_rectified(x, statistics),
            Preprocess::Reduce(reduce) => reduce.forward(kernels::rectify(x), statistics),
        }
    }
}

/// The tensors of a preprocessing layer.
pub(crate) fn preprocess_name(place: &str, path: &[&str]) -> Option<TensorName> {
    match path {
        ["Same", rest @ ..] => conv_norm_name(place, rest),
        ["Reduce", rest @ ..] => factorized_reduce_name(place, rest),
        _ => None,
    }
}
