//! Predicting the next word.

use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::batch::{SequenceBatch, Streams};
use super::corpus::Corpus;
use super::loss::{perplexity, token_loss, token_score, token_sums};
use super::sequences::{Segment, Sequences, evaluation_segments, logit_segment, training_segments};
use super::vocabulary::{END, VocabularyMark};
use crate::problem::{Metric, Phase, Problem, Score, Showing, Split, Visit};
use crate::report::Sample;
use crate::stream::cut;
use crate::{Result, WorkbenchError};

/// A corpus in streams, the loss of predicting the next word, and perplexity.
///
/// A batch is a sequence of every stream, and the sequences of one batch go on where those of the batch
/// before ended, so that hidden states can be carried.
#[derive(Debug, Clone)]
pub struct LanguageProblem {
    corpus: Corpus,
    sequences: Sequences,
    evaluation: EvaluationStreams,
    /// Whether logits learn too.
    has_logits: bool,
    mark: VocabularyMark,
}

/// Streams that a corpus is scored in. In a single one every word but the first is predicted with all that
/// comes before; several are faster, begin anew as often, and leave out what does not fill all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationStreams {
    /// Of the text for validation.
    pub validation: usize,
    /// Of the text for test.
    pub test: usize,
}

impl Default for EvaluationStreams {
    fn default() -> Self {
        Self {
            validation: 1,
            test: 1,
        }
    }
}

impl EvaluationStreams {
    fn of(&self, split: Split) -> usize {
        match split {
            Split::Test => self.test,
            Split::Weights | Split::Logits | Split::Validation => self.validation,
        }
    }
}

impl LanguageProblem {
    /// The data of a search: weights learn from the text for training, logits from the text for
    /// validation, which judges too.
    ///
    /// # Errors
    ///
    /// Naming the field that does not fit the corpus; see also [`check_streams`](Self::check_streams).
    pub fn for_search(
        corpus: Corpus,
        sequences: Sequences,
        evaluation: EvaluationStreams,
    ) -> Result<Self> {
        Ok(Self {
            has_logits: true,
            ..Self::for_training(corpus, sequences, evaluation)?
        })
    }

    /// The data of a training.
    ///
    /// # Errors
    ///
    /// As for [`for_search`](Self::for_search).
    pub fn for_training(
        corpus: Corpus,
        sequences: Sequences,
        evaluation: EvaluationStreams,
    ) -> Result<Self> {
        sequences.validate()?;
        for (field, split) in [
            ("data.evaluation.validation", Split::Validation),
            ("data.evaluation.test", Split::Test),
        ] {
            let (streams, tokens) = (evaluation.of(split), corpus.tokens(split).len());
            if streams == 0 || tokens / streams < 2 {
                let valid = format!(
                    "1 to {}, as a stream takes 2 of the {tokens} tokens for {split} of `{}`",
                    tokens / 2,
                    corpus.name(),
                );
                return Err(WorkbenchError::field(field, streams, &valid));
            }
        }
        Ok(Self {
            mark: corpus.vocabulary().mark()?,
            corpus,
            sequences,
            evaluation,
            has_logits: false,
        })
    }

    /// Checks that the corpus makes so many streams for training, long enough for a sequence; `field` is
    /// what the configuration calls their number.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn check_streams(&self, field: &'static str, streams: usize) -> Result<()> {
        let name = self.corpus.name();
        for split in [Split::Weights, Split::Logits] {
            if !self.has(split) {
                continue;
            }
            let tokens = self.size(split);
            // The first token has no target, and a sequence of one is left out.
            if streams == 0 || tokens / streams < 3 {
                let valid = format!(
                    "1 to {}, as a stream takes 3 of the {tokens} tokens for {split} of `{name}`",
                    tokens / 3,
                );
                return Err(WorkbenchError::field(field, streams, &valid));
            }
            let longest = tokens / streams - 1;
            if self.sequences.length > longest {
                let valid = format!(
                    "1 to {longest}, what a stream has where the {tokens} tokens for {split} of \
                     `{name}` make {streams} (`{field}`)",
                );
                let found = self.sequences.length;
                return Err(WorkbenchError::field(
                    "data.sequences.length",
                    found,
                    &valid,
                ));
            }
        }
        Ok(())
    }

    /// The corpus.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The score that published code gives for one of [`evaluation`](Problem::evaluation) with the same
    /// arguments: it divides the loss by the tokens of a stream, although the first is not predicted, and
    /// so is slightly lower.
    pub fn published_score(&self, split: Split, batch_size: usize, score: &Score) -> Score {
        let rows = self.evaluation_streams(split, batch_size).rows() as f64;
        perplexity(score.loss * (rows - 1.0) / rows)
    }

    fn evaluation_streams(&self, split: Split, batch_size: usize) -> Streams {
        let streams = self.evaluation.of(split).min(batch_size);
        Streams::new(self.corpus.tokens(split).clone(), streams)
    }

    /// The sequences of an epoch, one for each step.
    fn segments(&self, visit: &Visit) -> Vec<Segment> {
        if !self.has(visit.split) {
            return Vec::new();
        }
        let rows = |split| self.size(split) / visit.batch_size;
        let lengths = self.sequences.lengths(visit.key);
        let segments = match visit.split {
            // Those of the logits go along with those of the weights.
            Split::Logits => training_segments(rows(Split::Weights), lengths)
                .into_iter()
                .filter_map(|Segment { start, .. }| {
                    logit_segment(rows(Split::Logits), start, self.sequences.length)
                })
                .collect(),
            split => training_segments(rows(split), lengths),
        };
        match visit.steps {
            Some(steps) => segments.iter().copied().cycle().take(steps).collect(),
            None => segments,
        }
    }

    /// The factor of the learning rate; only weights learn by one.
    fn factor(&self, split: Split, segment: Segment) -> f64 {
        match split {
            Split::Weights => self.sequences.learning_rate_factor(segment.drawn),
            Split::Logits | Split::Validation | Split::Test => 1.0,
        }
    }
}

impl Problem for LanguageProblem {
    type Batch<B: Backend> = SequenceBatch<B>;
    /// Log-likelihoods of the words that follow `[time, streams]`: a network that is told them need not
    /// keep those of all words.
    type Answer<B: Backend> = Tensor<B, 2>;

    const EXAMPLES: &'static str = "tokens";
    const SHOWING: Showing = Showing {
        most: 4,
        text: "Passages of the test text, each word with how probable the network thought it: the stronger the \
               colour, the less it was expected.",
    };

    fn name(&self) -> String {
        self.corpus.name().into()
    }

    fn metric(&self) -> Metric {
        Metric::PERPLEXITY
    }

    fn notes(&self) -> Vec<String> {
        self.corpus.notes().to_vec()
    }

    fn description(&self) -> Value {
        json!({ "vocabulary": self.mark, "tokens": self.size(Split::Weights) })
    }

    fn check(&self, before: &Value) -> Result<()> {
        let name = self.corpus.name();
        let differs = |found, expected| WorkbenchError::OtherData {
            name: name.into(),
            found,
            expected,
        };
        let vocabulary = VocabularyMark::deserialize(&before["vocabulary"]).map_err(|_| {
            let expected = "which its checkpoint does not say";
            differs("a vocabulary".into(), expected.into())
        })?;
        vocabulary.check(&self.mark, name)?;
        let (tokens, expected) = (self.size(Split::Weights), &before["tokens"]);
        match expected.as_u64() == Some(tokens as u64) {
            true => Ok(()),
            false => {
                let expected = format!("{expected} training tokens");
                Err(differs(format!("{tokens} training tokens"), expected))
            }
        }
    }

    /// Number of tokens of a split.
    fn size(&self, split: Split) -> usize {
        match split {
            Split::Logits if !self.has_logits => 0,
            _ => self.corpus.tokens(split).len(),
        }
    }

    fn steps(&self, visit: &Visit) -> usize {
        self.segments(visit).len()
    }

    fn batches<B: Backend>(
        &self,
        visit: &Visit,
        device: &B::Device,
    ) -> impl Iterator<Item = Result<SequenceBatch<B>>> {
        let tokens = self.corpus.tokens(visit.split).clone();
        let streams = Streams::new(tokens, visit.batch_size);
        let all: Vec<usize> = (0..visit.batch_size).collect();
        let passes: Vec<_> = cut(&all, visit.passes)
            .filter_map(|pass| Some(*pass.first()?..pass.last()? + 1))
            .collect();
        let (split, device) = (visit.split, device.clone());
        let steps = self.segments(visit).into_iter().enumerate();
        steps.flat_map(move |(step, segment)| {
            let batch = |pass: &std::ops::Range<usize>| {
                Ok(SequenceBatch {
                    starts: step == 0,
                    learning_rate_factor: self.factor(split, segment),
                    ..streams.batch(segment, pass.clone(), &device)
                })
            };
            passes.iter().map(batch).collect::<Vec<_>>()
        })
    }

    /// The text in its order, in as many streams as it is scored in, or `batch_size` where that is less.
    fn evaluation<B: Backend>(
        &self,
        split: Split,
        batch_size: usize,
        _seed: u64,
        device: &B::Device,
    ) -> Result<impl Iterator<Item = Result<SequenceBatch<B>>>> {
        if !self.has(split) {
            return Err(WorkbenchError::MissingSplit {
                name: self.name(),
                split,
                examples: Self::EXAMPLES,
            });
        }
        let count = self.evaluation.of(split).min(batch_size);
        let streams = self.evaluation_streams(split, batch_size);
        let segments = evaluation_segments(streams.rows(), self.sequences.length);
        let device = device.clone();
        Ok(segments.map(move |segment| {
            Ok(SequenceBatch {
                starts: segment.start == 0,
                ..streams.batch(segment, 0..count, &device)
            })
        }))
    }

    fn examples<B: Backend>(&self, batch: &SequenceBatch<B>) -> usize {
        batch.time() * batch.streams()
    }

    fn batch_size<B: Backend>(&self, batch: &SequenceBatch<B>) -> usize {
        batch.streams()
    }

    /// The words of a stream and how probable they were.
    fn shown<B: Backend>(
        &self,
        likelihoods: &Tensor<B, 2>,
        batch: &SequenceBatch<B>,
        at: usize,
    ) -> Option<Sample> {
        let words = batch.targets.clone().narrow(1, at, 1).into_data();
        let likelihoods = likelihoods.clone().narrow(1, at, 1).into_data();
        let word = |number: i64| {
            let word = self.corpus.vocabulary().word(u32::try_from(number).ok()?)?;
            // A sign that a reader knows for the end of a paragraph.
            Some(if word == END {
                "\u{b6}".into()
            } else {
                word.to_string()
            })
        };
        let words = words.iter::<i64>().zip(likelihoods.iter::<f64>());
        let words = words.map(|(number, likelihood)| Some((word(number)?, likelihood.exp())));
        Some(Sample::Words {
            words: words.collect::<Option<_>>()?,
        })
    }

    fn loss<B: Backend>(
        &self,
        likelihoods: &Tensor<B, 2>,
        _batch: &SequenceBatch<B>,
        _phase: Phase,
    ) -> Tensor<B, 1> {
        token_loss(likelihoods.clone())
    }

    /// Loss times tokens, tokens.
    fn sums<B: Backend>(
        &self,
        _likelihoods: &Tensor<B, 2>,
        batch: &SequenceBatch<B>,
        loss: Tensor<B, 1>,
    ) -> Tensor<B, 1> {
        token_sums(loss, self.examples(batch))
    }

    fn score(&self, sums: &[f64]) -> Score {
        token_score(sums)
    }

    fn published_value(&self, split: Split, batch_size: usize, score: &Score) -> Option<f64> {
        Some(self.published_score(split, batch_size, score).value)
    }
}

#[cfg(test)]
mod tests;
