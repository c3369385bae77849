//! What stands around a recurrent cell: words become vectors, and hidden states words.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::CellMasks;
use super::cell::BOUND;
use crate::SupernetError;
use crate::kernels::{self, KernelBackend};
use crate::layers::WeightInit;

/// How large a language network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageSize {
    /// Words of the vocabulary.
    pub words: usize,
    /// Units of a hidden state, and of a word's vector.
    pub hidden: usize,
}

impl LanguageSize {
    /// Most words of a vocabulary.
    pub const MAX_WORDS: usize = 10_000_000;
    /// Most units of a state. With the other bound, every count of weights fits 64 bits.
    pub const MAX_HIDDEN: usize = 16_384;

    /// Checks that there can be such a network.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] naming the field.
    pub fn validate(&self) -> Result<(), SupernetError> {
        for (field, found, [least, most]) in [
            ("network.words", self.words, [2, Self::MAX_WORDS]),
            ("network.hidden", self.hidden, [1, Self::MAX_HIDDEN]),
        ] {
            if !(least..=most).contains(&found) {
                let valid = format!("{least} to {most}");
                return Err(SupernetError::config(field, found, valid));
            }
        }
        Ok(())
    }
}

/// What goes from one segment of a stream to the next, without a graph.
#[derive(Debug, Clone)]
pub struct HiddenState<B: Backend> {
    /// `[batch, hidden]`
    pub hidden: Tensor<B, 2>,
    /// What an LSTM remembers beside it, `[batch, hidden]`.
    pub memory: Option<Tensor<B, 2>>,
}

/// Masks of a pass: factors of 0, or of 1 divided by the share that stays; none where nothing is dropped.
/// Each is the same at all moments (Gal and Ghahramani 2016).
#[derive(Debug, Clone)]
pub struct LanguageMasks<B: Backend> {
    /// Of whole words where they are looked up, `[words, 1]`; not where they are predicted.
    pub embedding: Option<Tensor<B, 2>>,
    /// Of the vectors looked up, `[batch, hidden]`.
    pub input: Option<Tensor<B, 2>>,
    /// Of the products in the cell.
    pub cell: CellMasks<B>,
    /// Of the hidden states that are decoded, `[batch, hidden]`; the state that is carried is whole.
    pub output: Option<Tensor<B, 2>>,
}

impl<B: Backend> Default for LanguageMasks<B> {
    fn default() -> Self {
        Self {
            embedding: None,
            input: None,
            cell: CellMasks::default(),
            output: None,
        }
    }
}

/// What a language network makes of a segment.
#[derive(Debug, Clone)]
pub struct LanguageOutput<B: Backend> {
    /// Scores of the next word, `[time, batch, words]`.
    pub logits: Tensor<B, 3>,
    /// The hidden states, `[time, batch, hidden]`.
    pub hidden: Tensor<B, 3>,
    /// The same under the mask of the outputs, as they were decoded.
    pub dropped: Tensor<B, 3>,
    /// The last of them, for the next segment.
    pub state: HiddenState<B>,
}

/// The vectors of words, which are also what hidden states are compared with (tied weights).
#[derive(Module, Debug)]
pub struct TiedWords<B: Backend> {
    /// `[words, hidden]`
    pub vectors: Param<Tensor<B, 2>>,
    /// `[words]`
    pub bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> TiedWords<B> {
    /// Vectors uniform within 0.04 and biases of 0 (DARTS).
    pub fn new(size: LanguageSize, init: &mut WeightInit, device: &B::Device) -> Self {
        Self {
            vectors: init.uniform_within([size.words, size.hidden], BOUND, device),
            bias: Param::from_tensor(Tensor::zeros([size.words], device)),
        }
    }

    /// Words and units.
    pub fn size(&self) -> LanguageSize {
        let [words, hidden] = self.vectors.val().dims();
        LanguageSize { words, hidden }
    }

    /// Vectors `[time, batch, hidden]` of words `[time, batch]`, under the masks of both.
    pub fn look_up(&self, words: Tensor<B, 2, Int>, masks: &LanguageMasks<B>) -> Tensor<B, 3> {
        let [time, batch] = words.dims();
        let LanguageSize { hidden, .. } = self.size();
        let words = words.reshape([time * batch]);
        let vectors = self.vectors.val().select(0, words.clone());
        let vectors = match &masks.embedding {
            // Looked up too, rather than laid on all vectors.
            Some(mask) => vectors * mask.clone().select(0, words),
            None => vectors,
        };
        masked(vectors.reshape([time, batch, hidden]), &masks.input)
    }
}

impl<B: KernelBackend> TiedWords<B> {
    /// What hidden states `[time, batch, hidden]` say, under the mask of outputs; the memory `[batch, hidden]`
    /// of an LSTM is carried along.
    ///
    /// # Panics
    ///
    /// If there is no moment.
    pub fn decode(
        &self,
        hidden: Tensor<B, 3>,
        memory: Option<Tensor<B, 2>>,
        masks: &LanguageMasks<B>,
    ) -> LanguageOutput<B> {
        let [time, batch, units] = hidden.dims();
        let dropped = masked(hidden.clone(), &masks.output);
        let words = self.size().words;
        let decoded = dropped.clone().reshape([time * batch, units]);
        let vectors = self.vectors.val().transpose();
        let logits = kernels::matrix_product(decoded, vectors, Some(self.bias.val()));
        let last = hidden.clone().narrow(0, time - 1, 1);
        LanguageOutput {
            logits: logits.reshape([time, batch, words]),
            hidden,
            dropped,
            state: HiddenState {
                hidden: last.reshape([batch, units]).detach(),
                memory: memory.map(Tensor::detach),
            },
        }
    }
}

fn masked<B: Backend>(tensor: Tensor<B, 3>, mask: &Option<Tensor<B, 2>>) -> Tensor<B, 3> {
    match mask {
        Some(mask) => tensor * mask.clone().unsqueeze(),
        None => tensor,
    }
}

/// The state that a segment of `batch` rows begins with; zeros where none is given.
pub(super) fn begin<B: Backend>(
    state: Option<HiddenState<B>>,
    [batch, hidden]: [usize; 2],
    device: &B::Device,
) -> HiddenState<B> {
    state.unwrap_or_else(|| HiddenState {
        hidden: Tensor::zeros([batch, hidden], device),
        memory: None,
    })
}
