use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::candidate::{OperationConfig, OperationForm};
use super::node::Node;
use super::preprocess::Preprocess;
use super::{
    CellGenotype, CellPlan, GenotypeOp, Operation, OperationModule, SearchCell, SearchSpace,
};
use crate::SupernetError;
use crate::architecture::OperationSet;
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{self, KernelBackend};
use crate::layers::{DropPath, Statistics, WeightInit};

/// A cell that holds just the operations its genotype keeps.
#[derive(Module, Debug)]
pub struct DerivedCell<B: Backend> {
    preprocess: [Preprocess<B>; 2],
    operations: Vec<OperationModule<B>>,
    #[module(skip)]
    genotype: CellGenotype,
    #[module(skip)]
    plan: CellPlan,
}

impl<B: Backend> DerivedCell<B> {
    pub(crate) fn new(
        plan: &CellPlan,
        genotype: &CellGenotype,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let preprocess = Preprocess::pair(plan, form, init, device);
        let build = |entry: &GenotypeOp| {
            let config = OperationConfig {
                channels: plan.channels,
                spacing: plan.edge_spacing(entry.input),
                form,
            };
            OperationModule::new(entry.op, config, init, device)
        };
        Self {
            preprocess,
            operations: genotype.operations().filter_map(build).collect(),
            genotype: genotype.clone(),
            plan: *plan,
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
            plan: cell.plan,
        })
    }

    /// Whether drop-path leaves an operation alone: a skip that changes nothing.
    fn exempt(&self, entry: &GenotypeOp) -> bool {
        entry
            .op
            .is_identity(self.plan.edge_spacing(entry.input).stride)
    }
}

impl<B: Backend> DerivedCell<B> {
    /// Of the outputs of the cell before the previous one and of the previous one.
    fn describe(&self, graph: &mut GraphBuilder, inputs: [Value; 2]) -> Value {
        let inputs = inputs.into_iter().zip(&self.preprocess);
        let mut nodes: Vec<Value> = inputs
            .map(|(input, preprocess)| preprocess.describe(graph, input))
            .collect();
        let mut operations = self.operations.iter();
        for entries in &self.genotype.nodes {
            let terms = entries.iter().zip(operations.by_ref());
            let terms = terms.map(|(entry, operation)| {
                let output = operation.describe(graph, nodes[entry.input]);
                graph.scaled(output, entry.weight)
            });
            let terms: Vec<Value> = terms.collect();
            nodes.push(graph.sum(&terms));
        }
        let outputs = self.genotype.outputs().into_iter();
        let outputs: Vec<Value> = outputs
            .map(|node| nodes[Operation::INPUTS + node])
            .collect();
        graph.joined(&outputs)
    }
}

/// The output of the last cell, the first one reading what the stem leaves.
pub(crate) fn describe_cells<B: Backend>(
    cells: &[DerivedCell<B>],
    graph: &mut GraphBuilder,
    [mut prev_prev, mut prev]: [Value; 2],
) -> Value {
    for cell in cells {
        let output = cell.describe(graph, [prev_prev, prev]);
        (prev_prev, prev) = (prev, output);
    }
    prev
}

impl<B: KernelBackend> DerivedCell<B> {
    /// # Shapes
    ///
    /// - inputs: outputs of the cell before the previous one and of the previous one,
    ///   `[batch, channels, height, width]`
    /// - output: `[batch, outputs * channels, height_out, width_out]`, of the nodes that the genotype
    ///   concatenates
    pub(crate) fn forward(
        &self,
        inputs: [Tensor<B, 4>; 2],
        statistics: Statistics,
        drop_path: Option<(&DropPath, usize)>,
    ) -> Tensor<B, 4> {
        let mut nodes: Vec<Node<B>> = inputs
            .into_iter()
            .zip(&self.preprocess)
            .map(|(input, preprocess)| Node::new(preprocess.forward(input, statistics)))
            .collect();
        let mut operations = self.operations.iter().enumerate();
        for entries in &self.genotype.nodes {
            let mut sum = None;
            for (entry, (index, operation)) in entries.iter().zip(operations.by_ref()) {
                let node = &nodes[entry.input];
                let output = operation.forward(node, statistics);
                let drop_path = drop_path.filter(|_| !self.exempt(entry));
                let factors = factors(drop_path, index, entry.weight, output.values.dims()[0]);
                sum = Some(output.added_to(sum, factors.as_deref()));
            }
            nodes.push(match sum {
                Some(sum) => Node::new(sum),
                None => Node::empty(&nodes[0], self.plan.spacing.stride),
            });
        }
        let outputs = self.genotype.outputs().into_iter();
        let outputs = outputs.map(|node| nodes[Operation::INPUTS + node].raw());
        kernels::concat_channels(outputs.collect())
    }
}

/// What the output of operation `index` is multiplied by, for each image; nothing where that is 1.
fn factors(
    drop_path: Option<(&DropPath, usize)>,
    index: usize,
    weight: f64,
    batch: usize,
) -> Option<Vec<f32>> {
    let mut factors = match drop_path {
        Some((drop_path, cell)) => drop_path.mask(batch, cell, index),
        None if weight == 1.0 => return None,
        None => vec![1.0; batch],
    };
    for factor in &mut factors {
        *factor *= weight as f32;
    }
    Some(factors)
}
