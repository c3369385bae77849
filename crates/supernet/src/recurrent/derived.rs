use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::unroll::{UnrollBackend, Unrolled};
use super::{CellCode, CellMasks, RecurrentCell, RecurrentOperation, StepNormalization};
use crate::SupernetError;
use crate::architecture::{Codes, ForwardMode, Genotype, OperationSet, SearchSpace};
use crate::graph::{GraphBuilder, Value};
use crate::layers::Statistics;

/// Where a searched cell and a retrained one differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellForm {
    /// States are normalised over the batch, as those of a supernet are.
    Searched,
    /// States are not normalised, as the papers retrain.
    #[default]
    Retrained,
}

/// A cell that runs as its genotype says.
#[derive(Module, Debug)]
pub(super) struct DerivedCell<B: Backend> {
    pub(super) weights: RecurrentCell<B>,
    #[module(skip)]
    pub(super) genotype: Genotype<RecurrentOperation>,
    #[module(skip)]
    pub(super) normalization: StepNormalization,
}

impl<B: Backend> DerivedCell<B> {
    /// The hidden state after one moment, of its input and of the state before.
    pub(super) fn describe(&self, graph: &mut GraphBuilder, read: [Value; 2]) -> Value {
        let space = space_of(&self.genotype);
        let device = self.weights.first.val().device();
        let codes = Codes::of_genotype(&self.genotype, &space, &device);
        let code = CellCode {
            table: &codes.tables[0],
            space: &space,
            normalization: self.normalization,
        };
        self.weights.describe(graph, read, code)
    }
}

impl<B: UnrollBackend> DerivedCell<B> {
    /// Runs the cell; shapes are those of [`RecurrentCell::forward`].
    pub(super) fn forward(
        &self,
        inputs: Tensor<B, 3>,
        hidden: Tensor<B, 2>,
        masks: &CellMasks<B>,
        statistics: Statistics,
    ) -> Unrolled<B> {
        let (space, device) = (space_of(&self.genotype), inputs.device());
        let codes = Codes::of_genotype(&self.genotype, &space, &device);
        let code = CellCode {
            table: &codes.tables[0],
            space: &space,
            normalization: self.normalization,
        };
        let mode = ForwardMode {
            statistics,
            ..ForwardMode::SCORE
        };
        self.weights.forward(inputs, hidden, code, masks, mode)
    }
}

/// Checks a genotype of recurrent cells.
///
/// # Errors
///
/// When it is not valid in itself or makes the output of chosen steps.
pub(super) fn validate(genotype: &Genotype<RecurrentOperation>) -> Result<(), SupernetError> {
    genotype.validate()?;
    match genotype.cells.iter().all(|cell| cell.concat.is_none()) {
        true => Ok(()),
        false => Err(SupernetError::config(
            "genotype",
            "a cell with an output of chosen steps",
            "one without: the output of a recurrent cell is the mean of all its steps",
        )),
    }
}

/// The space of all operations that a genotype is one point of.
pub(super) fn space_of(genotype: &Genotype<RecurrentOperation>) -> SearchSpace<RecurrentOperation> {
    SearchSpace {
        nodes: genotype.nodes(),
        operations: RecurrentOperation::ALL.to_vec(),
    }
}
