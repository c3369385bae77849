use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::cell::{edge_stride, empty_node};
use crate::conv::Linear;
use crate::kernels::{self, KernelBackend};
use crate::operation::{NodeState, OperationForm};
use crate::stem::{Preprocess, Stem, global_average};
use crate::{
    CellGenotype, CellPlan, Genotype, NetworkConfig, OperationModule, SearchCell, SearchSpace,
    Statistics, Supernet, SupernetConfig, SupernetError, WeightInit,
};

/// How a derived network builds its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As the supernet: no affine parameters, pools normalised. The form that inherits weights.
    Searched,
    /// As the papers retrain: affine batch normalisation, bare pools.
    Retrained,
}

impl Form {
    fn operations(self) -> OperationForm {
        match self {
            Form::Searched => OperationForm::SEARCHED,
            Form::Retrained => OperationForm::RETRAINED,
        }
    }
}

/// A derived network as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DerivedConfig {
    /// Outer shape.
    pub network: NetworkConfig,
    /// The cells.
    pub genotype: Genotype,
    /// How operations are built.
    pub form: Form,
}

impl DerivedConfig {
    /// Builds the network with fresh weights.
    ///
    /// # Errors
    ///
    /// [`SupernetError`] when the genotype or the outer shape is impossible.
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<DerivedNetwork<B>, SupernetError> {
        self.network.validate()?;
        self.genotype.validate()?;
        let form = self.form.operations();
        let (plan, features) = self.network.plan(self.genotype.normal.nodes.len());
        let stem = Stem::new(&self.network, init, device);
        let cells = plan
            .iter()
            .map(|cell| {
                let genotype = self.genotype.of(cell.reduction);
                DerivedCell::new(cell, genotype, form, init, device)
            })
            .collect();
        Ok(DerivedNetwork {
            stem,
            cells,
            classifier: Linear::new(features, self.network.classes, init, device),
        })
    }
}

impl Genotype {
    fn of(&self, reduction: bool) -> &CellGenotype {
        if reduction {
            &self.reduce
        } else {
            &self.normal
        }
    }
}

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
    fn new(
        plan: &CellPlan,
        genotype: &CellGenotype,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let preprocess = Preprocess::pair(plan, form.affine, init, device);
        let build = |entry: &crate::GenotypeOp| {
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
    fn inherit(
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
}

impl<B: KernelBackend> DerivedCell<B> {
    fn forward(&self, inputs: [Tensor<B, 4>; 2], statistics: Statistics) -> Tensor<B, 4> {
        let mut states: Vec<NodeState<B>> = inputs
            .into_iter()
            .zip(&self.preprocess)
            .map(|(input, preprocess)| NodeState::new(preprocess.forward(input, statistics)))
            .collect();
        let mut operations = self.operations.iter();
        for entries in &self.genotype.nodes {
            let sum = entries
                .iter()
                .zip(operations.by_ref())
                .map(|(entry, operation)| {
                    let output = operation.forward(&states[entry.input], statistics);
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

/// The network a genotype describes, built from the same operations as the supernet.
#[derive(Module, Debug)]
pub struct DerivedNetwork<B: Backend> {
    stem: Stem<B>,
    cells: Vec<DerivedCell<B>>,
    classifier: Linear<B>,
}

impl<B: KernelBackend> DerivedNetwork<B> {
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`, height and width 8 or more
    /// - output: class logits `[batch, classes]`
    pub fn forward(&self, images: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 2> {
        let stem = self.stem.forward(images, statistics);
        let (mut prev_prev, mut prev) = (stem.clone(), stem);
        for cell in &self.cells {
            let output = cell.forward([prev_prev, prev.clone()], statistics);
            (prev_prev, prev) = (prev, output);
        }
        self.classifier.forward(global_average(prev))
    }
}

impl<B: Backend> Supernet<B> {
    /// The network that `genotype` leaves of this supernet, with copies of its weights and running
    /// statistics: what it does to itself afterwards does not touch the supernet.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Mismatch`] when the genotype has another number of nodes or an operation
    /// that was not searched; [`SupernetError::Genotype`] when it is not valid in itself.
    pub fn inherit(
        &self,
        config: &SupernetConfig,
        genotype: &Genotype,
    ) -> Result<DerivedNetwork<B>, SupernetError> {
        genotype.validate()?;
        let nodes = genotype.normal.nodes.len();
        if nodes != config.space.nodes {
            return Err(SupernetError::Mismatch {
                problem: format!(
                    "{nodes} nodes in a cell, the supernet has {}",
                    config.space.nodes
                ),
            });
        }
        let cells = self
            .cells
            .iter()
            .map(|cell| DerivedCell::inherit(cell, genotype.of(cell.reduction), &config.space))
            .collect::<Result<_, _>>()?;
        Ok(DerivedNetwork {
            stem: self.stem.clone(),
            cells,
            classifier: self.classifier.clone(),
        })
    }
}
