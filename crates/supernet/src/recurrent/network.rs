use burn::module::Module;
use burn::tensor::{Int, Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::derived::{DerivedCell, space_of, validate};
use super::language::{TiedWords, begin};
use super::lstm::lstm_weights;
use super::plan::plan;
use super::unroll::UnrollBackend;
use super::{
    CellForm, HiddenState, LanguageMasks, LanguageOutput, LanguageSize, LstmCell, RecurrentCell,
    RecurrentOperation, StepNormalization,
};
use crate::SupernetError;
use crate::architecture::{ForwardMode, Genotype};
use crate::graph::{Axis, Element, Function, GraphBuilder, Rows};
use crate::layers::{Statistics, WeightInit};

/// The cell of a language network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum CellChoice {
    /// What a genotype describes.
    Derived {
        /// The cell.
        genotype: Genotype<RecurrentOperation>,
        /// What the weights of a step are divided by.
        normalization: StepNormalization,
        /// Whether its states are normalised.
        form: CellForm,
    },
    /// A long short-term memory (Hochreiter and Schmidhuber 1997), the baseline.
    Lstm,
}

/// A language network as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageConfig {
    /// Words and units.
    pub size: LanguageSize,
    /// The cell.
    pub cell: CellChoice,
}

impl LanguageConfig {
    /// A derived cell as it is retrained: steps are divided by their sums, and states not normalised.
    pub fn derived(size: LanguageSize, genotype: Genotype<RecurrentOperation>) -> Self {
        let cell = CellChoice::Derived {
            genotype,
            normalization: StepNormalization::StepSum,
            form: CellForm::Retrained,
        };
        Self { size, cell }
    }

    /// The LSTM of as many words whose number of weights is nearest to `weights`.
    pub fn lstm_of_weights(words: usize, weights: usize) -> Self {
        let of = |hidden| Self {
            size: LanguageSize { words, hidden },
            cell: CellChoice::Lstm,
        };
        // The count rises with the units.
        let (mut least, mut most) = (1, LanguageSize::MAX_HIDDEN);
        while least < most {
            let middle = least.midpoint(most);
            if of(middle).weights() < weights {
                least = middle + 1;
            } else {
                most = middle;
            }
        }
        let (above, below) = (of(least), of((least - 1).max(1)));
        let distance = |config: &Self| config.weights().abs_diff(weights);
        if distance(&below) < distance(&above) {
            below
        } else {
            above
        }
    }

    /// Number of weights, from the sizes alone: nothing is allocated.
    pub fn weights(&self) -> usize {
        let LanguageSize { words, hidden } = self.size;
        let cell = match &self.cell {
            CellChoice::Derived { genotype, .. } => (2 + genotype.nodes()) * 2 * hidden * hidden,
            CellChoice::Lstm => lstm_weights(hidden),
        };
        words * hidden + words + cell
    }

    /// Multiplications of a weight for one word: products in the cell, and decoding. A derived cell
    /// multiplies a state by a step's matrix once, however many activations it is passed through.
    pub fn multiply_adds(&self) -> u64 {
        let LanguageSize { words, hidden } = self.size;
        let product = 2 * hidden * hidden;
        let cell = match &self.cell {
            CellChoice::Derived { genotype, .. } => {
                let read: usize = states_read(genotype).iter().sum();
                (2 + read) * product
            }
            CellChoice::Lstm => 4 * product,
        };
        (words * hidden + cell) as u64
    }

    /// Checks that there can be such a network.
    ///
    /// # Errors
    ///
    /// [`SupernetError`] naming the field or the genotype's cell.
    pub fn validate(&self) -> Result<(), SupernetError> {
        self.size.validate()?;
        match &self.cell {
            CellChoice::Derived { genotype, .. } => {
                validate(genotype)?;
                space_of(genotype).validate()
            }
            CellChoice::Lstm => Ok(()),
        }
    }

    /// Builds the network with fresh weights.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<LanguageNetwork<B>, SupernetError> {
        self.validate()?;
        let words = TiedWords::new(self.size, init, device);
        let hidden = self.size.hidden;
        let cell = match &self.cell {
            CellChoice::Lstm => CellModule::Lstm(LstmCell::new(hidden, init, device)),
            CellChoice::Derived {
                genotype,
                normalization,
                form,
            } => {
                let weights = RecurrentCell::new([hidden; 2], genotype.nodes(), init, device);
                CellModule::Derived(DerivedCell {
                    weights: weights.in_form(*form),
                    genotype: genotype.clone(),
                    normalization: *normalization,
                })
            }
        };
        Ok(LanguageNetwork { words, cell })
    }
}

/// How many states each step of a cell multiplies by its matrix: those of which it has a pair.
pub fn states_read(genotype: &Genotype<RecurrentOperation>) -> Vec<usize> {
    let space = space_of(genotype);
    let tables = genotype.active(&space);
    let steps = tables
        .iter()
        .flat_map(|active| plan(active, &space, ForwardMode::SCORE));
    steps.map(|step| step.read.len()).collect()
}

#[derive(Module, Debug)]
pub(super) enum CellModule<B: Backend> {
    Derived(DerivedCell<B>),
    Lstm(LstmCell<B>),
}

/// A language network that is trained and used: of a derived cell, or of its baseline.
#[derive(Module, Debug)]
pub struct LanguageNetwork<B: Backend> {
    pub(super) words: TiedWords<B>,
    pub(super) cell: CellModule<B>,
}

impl<B: Backend> LanguageNetwork<B> {
    /// The same network with states normalised as a form has them; an LSTM has one form.
    pub fn in_form(mut self, form: CellForm) -> Self {
        self.cell = match self.cell {
            CellModule::Derived(cell) => CellModule::Derived(DerivedCell {
                weights: cell.weights.in_form(form),
                ..cell
            }),
            lstm => lstm,
        };
        self
    }

    /// What [`forward`](Self::forward) computes in one moment with running statistics, as a whole graph:
    /// of `words` `[batch]` and the state before, `hidden` and for an LSTM `memory`, each `[batch, hidden]`, the
    /// logarithms of the next word's probabilities, `log_probabilities` `[batch, words]`, and the state after,
    /// `next_hidden` and `next_memory`. The graph is one of [this network](Self::graph).
    pub fn describe(&self, graph: &mut GraphBuilder) {
        let LanguageSize { words, hidden } = self.words.size();
        let batch = Axis::Any("batch");
        let state = || vec![batch, Axis::Fixed(hidden)];
        let numbers = graph.input("words", Element::Whole, vec![batch]);
        let before = graph.input("hidden", Element::Float, state());
        let input = graph.look_up(self.words.vectors.id, numbers);
        let (after, memory) = match &self.cell {
            CellModule::Derived(cell) => (cell.describe(graph, [input, before]), None),
            CellModule::Lstm(cell) => {
                let memory = graph.input("memory", Element::Float, state());
                let [after, memory] = cell.describe(graph, input, [before, memory]);
                (after, Some(memory))
            }
        };
        let (vectors, bias) = (self.words.vectors.id, self.words.bias.id);
        let logits = graph.linear(after, vectors, Some(bias), Rows::Outputs);
        let said = graph.apply(Function::LogSoftmax, &[logits]);
        graph.output("log_probabilities", said, vec![batch, Axis::Fixed(words)]);
        graph.output("next_hidden", after, state());
        if let Some(memory) = memory {
            graph.output("next_memory", memory, state());
        }
    }
}

impl<B: UnrollBackend> LanguageNetwork<B> {
    /// What the network makes of a segment.
    ///
    /// # Shapes
    ///
    /// - words: `[time, batch]`
    /// - state: of as many rows; zeros where there is none
    ///
    /// # Panics
    ///
    /// If the state has another number of rows, or there is no moment.
    pub fn forward(
        &self,
        words: Tensor<B, 2, Int>,
        state: Option<HiddenState<B>>,
        masks: &LanguageMasks<B>,
        statistics: Statistics,
    ) -> LanguageOutput<B> {
        let [_, batch] = words.dims();
        let device = words.device();
        let inputs = self.words.look_up(words, masks);
        let state = begin(state, [batch, self.words.size().hidden], &device);
        let (hidden, memory) = match &self.cell {
            CellModule::Lstm(cell) => {
                let (hidden, memory) = cell.forward(inputs, state, &masks.cell);
                (hidden, Some(memory))
            }
            CellModule::Derived(cell) => {
                let out = cell.forward(inputs, state.hidden, &masks.cell, statistics);
                (out.hidden, None)
            }
        };
        self.words.decode(hidden, memory, masks)
    }
}
