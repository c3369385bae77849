use burn::module::Module;
use burn::tensor::{Int, Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::derived::{DerivedCell, validate};
use super::language::{TiedWords, begin};
use super::network::CellModule;
use super::unroll::UnrollBackend;
use super::{
    CellCode, CellForm, HiddenState, LanguageMasks, LanguageNetwork, LanguageOutput, LanguageSize,
    RecurrentCell, RecurrentOperation, StepNormalization,
};
use crate::SupernetError;
use crate::architecture::{CodeTable, ForwardMode, Genotype, SearchSpace};
use crate::layers::WeightInit;

/// A supernet for language modelling as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LanguageSupernetConfig {
    /// Words and units.
    pub size: LanguageSize,
    /// Search space of the cell.
    pub space: SearchSpace<RecurrentOperation>,
    /// What the weights of a step are divided by.
    #[serde(default)]
    pub normalization: StepNormalization,
    /// Whether states are normalised over the batch, as published.
    pub form: CellForm,
}

impl LanguageSupernetConfig {
    /// Number of weights, without logits.
    pub fn weights(&self) -> usize {
        let LanguageSize { words, hidden } = self.size;
        words * hidden + words + (2 + self.space.nodes) * 2 * hidden * hidden
    }

    /// Builds the supernet with weights drawn from `init`.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when the size or the space is impossible.
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<LanguageSupernet<B>, SupernetError> {
        self.size.validate()?;
        self.space.validate()?;
        let words = TiedWords::new(self.size, init, device);
        let sizes = [self.size.hidden; 2];
        let cell = RecurrentCell::new(sizes, self.space.nodes, init, device);
        Ok(LanguageSupernet {
            words,
            cell: cell.in_form(self.form),
            space: self.space.clone(),
            normalization: self.normalization,
        })
    }
}

/// The network that contains every recurrent cell of the search space. It holds weights only: a code is an argument of the forward pass.
#[derive(Module, Debug)]
pub struct LanguageSupernet<B: Backend> {
    words: TiedWords<B>,
    cell: RecurrentCell<B>,
    #[module(skip)]
    space: SearchSpace<RecurrentOperation>,
    #[module(skip)]
    normalization: StepNormalization,
}

impl<B: UnrollBackend> LanguageSupernet<B> {
    /// What the network that `code` describes makes of a segment.
    ///
    /// # Shapes
    ///
    /// - words: `[time, batch]`
    /// - code: a row for each edge
    /// - state: of as many rows; zeros where there is none
    ///
    /// # Panics
    ///
    /// If the state has another number of rows, or there is no moment.
    pub fn forward(
        &self,
        words: Tensor<B, 2, Int>,
        code: &CodeTable<B>,
        state: Option<HiddenState<B>>,
        masks: &LanguageMasks<B>,
        mode: ForwardMode,
    ) -> LanguageOutput<B> {
        let [_, batch] = words.dims();
        let device = words.device();
        let inputs = self.words.look_up(words, masks);
        let state = begin(state, [batch, self.cell.hidden()], &device);
        let code = CellCode {
            table: code,
            space: &self.space,
            normalization: self.normalization,
        };
        let unrolled = self
            .cell
            .forward(inputs, state.hidden, code, &masks.cell, mode);
        self.words.decode(unrolled.hidden, None, masks)
    }
}

impl<B: Backend> LanguageSupernet<B> {
    /// The cell's weights.
    pub fn cell(&self) -> &RecurrentCell<B> {
        &self.cell
    }

    /// The network that `genotype` leaves of this supernet, with copies of its weights and, where states
    /// are normalised, running statistics.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Mismatch`] when the genotype has another number of steps or an operation that
    /// was not searched; [`SupernetError::Genotype`] when it is not valid in itself.
    pub fn inherit(
        &self,
        genotype: &Genotype<RecurrentOperation>,
        form: CellForm,
    ) -> Result<LanguageNetwork<B>, SupernetError> {
        validate(genotype)?;
        let (steps, searched) = (genotype.nodes(), self.space.nodes);
        let mismatch = |problem| Err(SupernetError::Mismatch { problem });
        if steps != searched {
            return mismatch(format!(
                "{steps} nodes in a cell, the supernet has {searched}"
            ));
        }
        let entries = genotype.cells.iter().flat_map(|cell| cell.nodes.concat());
        for entry in entries {
            if !self.space.operations.contains(&entry.op) {
                return mismatch(format!("the search space has no `{}`", entry.op));
            }
        }
        Ok(LanguageNetwork {
            words: self.words.clone(),
            cell: CellModule::Derived(DerivedCell {
                weights: self.cell.clone().in_form(form),
                genotype: genotype.clone(),
                normalization: self.normalization,
            }),
        })
    }
}
