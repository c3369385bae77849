//! Sequences of some streams on a device.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData, backend::Backend};

use super::sequences::Segment;

/// Sequences side by side, one of every stream.
#[derive(Debug, Clone)]
pub struct SequenceBatch<B: Backend> {
    /// `[time, streams]`: numbers of words.
    pub tokens: Tensor<B, 2, Int>,
    /// `[time, streams]`: the words that follow them.
    pub targets: Tensor<B, 2, Int>,
    /// Whether nothing comes before the sequences, so that a hidden state starts from zero.
    pub starts: bool,
    /// The factor that a step's learning rate takes from their length.
    pub learning_rate_factor: f64,
}

impl<B: Backend> SequenceBatch<B> {
    /// Number of tokens of a stream.
    pub fn time(&self) -> usize {
        self.tokens.dims()[0]
    }

    /// Number of streams.
    pub fn streams(&self) -> usize {
        self.tokens.dims()[1]
    }
}

/// Tokens cut into contiguous streams of equal length side by side; what is left over at the end is left
/// out.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    tokens: Arc<[u32]>,
    /// Tokens of a stream.
    rows: usize,
}

impl Streams {
    pub(super) fn new(tokens: Arc<[u32]>, streams: usize) -> Self {
        let rows = tokens.len() / streams;
        Self { tokens, rows }
    }

    /// Tokens of a stream.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The sequences of some of the streams at a segment.
    pub(super) fn batch<B: Backend>(
        &self,
        segment: Segment,
        streams: Range<usize>,
        device: &B::Device,
    ) -> SequenceBatch<B> {
        let from = |first: usize| -> Tensor<B, 2, Int> {
            let mut numbers = Vec::with_capacity(segment.length * streams.len());
            for time in first..first + segment.length {
                let at = |stream: usize| self.tokens[stream * self.rows + time] as i32;
                numbers.extend(streams.clone().map(at));
            }
            let shape = [segment.length, streams.len()];
            Tensor::from_data(TensorData::new(numbers, shape), device)
        };
        SequenceBatch {
            tokens: from(segment.start),
            targets: from(segment.start + 1),
            starts: false,
            learning_rate_factor: 1.0,
        }
    }
}
