use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::cell::{edge_stride, empty_node};
use crate::convolution::operation::{NodeState, OperationForm};
use crate::convolution::stem::Preprocess;
use crate::kernels::{self, KernelBackend};
use crate::{
    CellGenotype, CellPlan, DropPath, GenotypeOp, Operation, OperationModule, SearchCell,
    SearchSpace, Statistics, SupernetError, WeightInit,
};

/// A cell that holds just the operations its genotype keeps.
#[derive(Module, Debug)]
pub struct DerivedCell<B: Backend> {
    preprocess: [Preprocess<B>; 2],
    operations: Vec<OperationModule<B>>,
    #[module(skip)]
    genotype: CellGenotype,
    reduction: bool,
}

impl<B: Backend> DerivedCell<B> {
    pub(crate) fn new(
        plan: &CellPlan,
        genotype: &CellGenotype,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let preprocess = Preprocess::pair(plan, form.affine, init, device);
        let build = |entry: &GenotypeOp| {
            let stride = edge_stride(plan.reduction, entry.input);
            OperationModule::new(entry.op, plan.channels, stride, form, init, device)
        };
        Self {
            preprocess,
            operations: genotype.nodes.iter().flatten().filter_map(build).collect(),
            genotype: genotype.clone(),
            reduction: plan.reduction,
        }
    }

    /// The cell that `genotype` leaves of a searched one, with copies of its weights and statistics.
    pub(crate) fn inherit(
        cell: &SearchCell<B>,
        genotype: &CellGenotype,
        space: &SearchSpace,
    ) -> Result<Self, SupernetError> {
        let mut operations = Vec::new();
        for (node, entries) in genotype.nodes.iter().enumerate() {
            for entry in entries {
                let edge = space.first_edge(node) + entry.input;
                let module = space
                    .operations
                    .iter()
                    .position(|op| *op == entry.op)
                    .and_then(|op| cell.edges[edge].operations[op].clone())
                    .ok_or_else(|| SupernetError::Mismatch {
                        problem: format!("the search space has no `{}`", entry.op),
                    })?;
                operations.push(module);
            }
        }
        Ok(Self {
            preprocess: cell.preprocess.clone(),
            operations,
            genotype: genotype.clone(),
            reduction: cell.reduction,
        })
    }

    /// Whether drop-path leaves an operation alone: a skip that changes nothing.
    fn exempt(&self, entry: &GenotypeOp) -> bool {
        entry.op == Operation::SkipConnect && edge_stride(self.reduction, entry.input) == 1
    }
}

impl<B: KernelBackend> DerivedCell<B> {
    /// # Shapes
    ///
    /// - inputs: outputs of the cell before the previous one and of the previous one,
    ///   `[batch, channels, height, width]`
    /// - output: `[batch, nodes * channels, height_out, width_out]`
    pub(crate) fn forward(
        &self,
        inputs: [Tensor<B, 4>; 2],
        statistics: Statistics,
        drop_path: Option<(&DropPath, usize)>,
    ) -> Tensor<B, 4> {
        let mut states: Vec<NodeState<B>> = inputs
            .into_iter()
            .zip(&self.preprocess)
            .map(|(input, preprocess)| NodeState::new(preprocess.forward(input, statistics)))
            .collect();
        let mut operations = self.operations.iter().enumerate();
        for entries in &self.genotype.nodes {
            let sum = entries
                .iter()
                .zip(operations.by_ref())
                .map(|(entry, (index, operation))| {
                    let mut output = operation.forward(&states[entry.input], statistics);
                    if let Some((drop_path, cell)) = drop_path.filter(|_| !self.exempt(entry)) {
                        output = drop_path.apply(output, cell, index);
                    }
                    if entry.weight == 1.0 {
                        output
                    } else {
                        output * entry.weight
                    }
                })
                .reduce(kernels::add_term);
            let value = sum.unwrap_or_else(|| empty_node(&states[0].raw(), self.reduction));
            states.push(NodeState::new(value));
        }
        let nodes = states[SearchSpace::INPUTS..].iter().map(NodeState::raw);
        kernels::concat_channels(nodes.collect())
    }
}
