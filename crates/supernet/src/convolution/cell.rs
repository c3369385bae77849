use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::operation::{NodeState, OperationForm};
use crate::convolution::stem::Preprocess;
use crate::kernels::{self, KernelBackend};
use crate::{
    CellPlan, CodeTable, Execution, OperationModule, Run, SearchSpace, Statistics, Step, WeightInit,
};

/// All candidate operations of one edge, in the order of the search space; `none` has no module.
#[derive(Module, Debug)]
pub(crate) struct MixedEdge<B: Backend> {
    pub(crate) operations: Vec<Option<OperationModule<B>>>,
}

/// A cell of the supernet: every edge holds every candidate operation, and a code says which of them
/// contribute. The output is the concatenation of the intermediate nodes.
#[derive(Module, Debug)]
pub struct SearchCell<B: Backend> {
    pub(crate) preprocess: [Preprocess<B>; 2],
    pub(crate) edges: Vec<MixedEdge<B>>,
    nodes: usize,
    pub(crate) reduction: bool,
}

impl<B: Backend> SearchCell<B> {
    pub(crate) fn new(
        plan: &CellPlan,
        space: &SearchSpace,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let preprocess = Preprocess::pair(plan, OperationForm::SEARCHED.affine, init, device);
        let edges = (0..space.nodes)
            .flat_map(|node| 0..space.incoming(node))
            .map(|input| {
                let stride = edge_stride(plan.reduction, input);
                let build = |&op| {
                    OperationModule::new(
                        op,
                        plan.channels,
                        stride,
                        OperationForm::SEARCHED,
                        init,
                        device,
                    )
                };
                MixedEdge {
                    operations: space.operations.iter().map(build).collect(),
                }
            })
            .collect();
        Self {
            preprocess,
            edges,
            nodes: space.nodes,
            reduction: plan.reduction,
        }
    }
}

/// Operations on the inputs of a reduction cell have stride 2.
pub(crate) fn edge_stride(reduction: bool, input: usize) -> usize {
    if reduction && input < SearchSpace::INPUTS {
        2
    } else {
        1
    }
}

/// The value of a node that no operation feeds: zeros of a node's shape.
pub(crate) fn empty_node<B: Backend>(input: &Tensor<B, 4>, reduction: bool) -> Tensor<B, 4> {
    let [batch, channels, height, width] = input.dims();
    let stride = edge_stride(reduction, 0);
    let shape = [
        batch,
        channels,
        height.div_ceil(stride),
        width.div_ceil(stride),
    ];
    Tensor::zeros(shape, (&input.device(), input.dtype()))
}

impl<B: KernelBackend> SearchCell<B> {
    /// # Shapes
    ///
    /// - inputs: outputs of the cell before the previous one and of the previous one,
    ///   `[batch, channels, height, width]`
    /// - `codes`: one row per edge
    /// - output: `[batch, nodes * channels, height_out, width_out]`
    pub(crate) fn forward(
        &self,
        inputs: [Tensor<B, 4>; 2],
        codes: &CodeTable<B>,
        run: Run,
    ) -> Tensor<B, 4> {
        let mut states: Vec<NodeState<B>> = inputs
            .into_iter()
            .zip(&self.preprocess)
            .map(|(input, preprocess)| NodeState::new(preprocess.forward(input, run.statistics)))
            .collect();
        // The unselected operations of an architecture step see the node without its graph.
        let mut detached: Vec<Option<NodeState<B>>> = vec![None, None];
        let mut edge = 0;
        for node in 0..self.nodes {
            let mut sum = None;
            for input in 0..node + SearchSpace::INPUTS {
                for (op, module) in self.edges[edge].operations.iter().enumerate() {
                    let Some(module) = module else { continue };
                    let active = codes.active[edge][op];
                    let output = if active {
                        module.forward(&states[input], run.statistics)
                    } else if run.execution == Execution::Dense {
                        module.forward(&states[input], run.statistics.without_update())
                    } else if run.execution == Execution::ExactSparse
                        && run.step == Step::Architecture
                    {
                        let state = detached[input].get_or_insert_with(|| states[input].detached());
                        let frozen = module.clone().no_grad();
                        frozen.forward(state, run.statistics.without_update())
                    } else {
                        continue;
                    };
                    sum = Some(codes.add(sum, edge, op, output));
                }
                edge += 1;
            }
            let value = sum.unwrap_or_else(|| empty_node(&states[0].raw(), self.reduction));
            states.push(NodeState::new(value));
            detached.push(None);
        }
        let nodes = states[SearchSpace::INPUTS..].iter().map(NodeState::raw);
        kernels::concat_channels(nodes.collect())
    }
}

impl Statistics {
    /// An operation that is not switched on leaves its running statistics alone.
    fn without_update(self) -> Self {
        match self {
            Statistics::Update { .. } => Statistics::Batch,
            other => other,
        }
    }
}
