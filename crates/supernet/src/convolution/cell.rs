use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::candidate::{OperationConfig, OperationForm};
use super::node::Node;
use super::preprocess::Preprocess;
use super::{CellPlan, Operation, OperationModule, SearchSpace};
use crate::architecture::{CodeTable, ForwardMode, OperationSet, Role};
use crate::kernels::{self, DeferredTerm, KernelBackend};
use crate::layers::WeightInit;

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
    #[module(skip)]
    pub(crate) plan: CellPlan,
}

impl<B: Backend> SearchCell<B> {
    pub(crate) fn new(
        plan: &CellPlan,
        space: &SearchSpace,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let form = OperationForm::Searched;
        let preprocess = Preprocess::pair(plan, form, init, device);
        let edges = (0..space.nodes)
            .flat_map(|node| 0..space.incoming(node))
            .map(|input| {
                let config = OperationConfig {
                    channels: plan.channels,
                    spacing: plan.edge_spacing(input),
                    form,
                };
                let build = |&op| OperationModule::new(op, config, init, device);
                MixedEdge {
                    operations: space.operations.iter().map(build).collect(),
                }
            })
            .collect();
        Self {
            preprocess,
            edges,
            nodes: space.nodes,
            plan: *plan,
        }
    }
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
        mode: ForwardMode,
    ) -> Tensor<B, 4> {
        let mut nodes: Vec<Node<B>> = inputs
            .into_iter()
            .zip(&self.preprocess)
            .map(|(input, preprocess)| Node::new(preprocess.forward(input, mode.statistics)))
            .collect();
        // Operations that run on constants see the nodes without their graph.
        let mut constants: Vec<Option<Node<B>>> = vec![None, None];
        let mut edges = self.edges.iter().enumerate();
        for node in 0..self.nodes {
            let mut sum = None;
            let mut deferred = Vec::new();
            for (input, (edge, mixed)) in edges.by_ref().take(node + Operation::INPUTS).enumerate()
            {
                let source = &nodes[input];
                let constant = &mut constants[input];
                sum = codes.mix_roles(sum, edge, mode, |op, role| {
                    let module = mixed.operations[op].as_ref()?;
                    let statistics = role.statistics(mode.statistics);
                    if role != Role::Constant {
                        return Some(module.forward(source, statistics).applied());
                    }
                    let source = constant.get_or_insert_with(|| source.detached()).clone();
                    let module = module.clone().no_grad();
                    deferred.push(DeferredTerm {
                        entry: [edge, op],
                        compute: Box::new(move || module.forward(&source, statistics).applied()),
                    });
                    None
                });
            }
            let sum = match sum {
                Some(sum) => Node::new(sum),
                None => Node::empty(&nodes[0], self.plan.spacing.stride),
            };
            nodes.push(match &codes.weights {
                Some(weights) if !deferred.is_empty() => {
                    let sum = kernels::add_deferred(sum.raw(), weights.clone(), deferred);
                    Node::new(sum)
                }
                _ => sum,
            });
            constants.push(None);
        }
        let outputs = nodes[Operation::INPUTS..].iter().map(Node::raw);
        kernels::concat_channels(outputs.collect())
    }
}
