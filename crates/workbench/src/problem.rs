//! What is learned: examples in batches, the loss, and what a network is judged by.

use std::fmt;

use burn::tensor::{Tensor, backend::Backend};
use serde_json::Value;

pub use crate::record::{Direction, Metric, Score};
pub use crate::stream::RngKey;
use crate::stream::{evaluation_lists, training_lists};
use crate::{Result, WorkbenchError};

/// A set of examples with a purpose. A problem need not have all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// What the weights of a network are learned from.
    Weights,
    /// What the logits of an architecture are learned from.
    Logits,
    /// What judges while a run goes on.
    Validation,
    /// What judges at the end.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weights => "weights",
            Self::Logits => "logits",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// What a loss is computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// To be differentiated.
    Training,
    /// To be reported.
    Evaluation,
}

/// One epoch's way through a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Which examples.
    pub split: Split,
    /// What random changes depend on.
    pub key: RngKey,
    /// Tells the permutations of one seed apart.
    pub order: u64,
    /// Examples of a step, or streams side by side.
    pub batch_size: usize,
    /// Batches that a step's examples are cut into, 1 or more; each is a pass of the network.
    pub passes: usize,
    /// Where it is given, the examples are gone around again, or left, so that there are so many steps.
    pub steps: Option<usize>,
}

/// Something to be learned from examples: data, loss and score, apart from any network. A network
/// answers a batch; the problem says how good the answer is.
///
/// All that is random about the data is a function of the seeds and numbers in [`Visit`], so that a run
/// that is interrupted goes on as if it had not been.
pub trait Problem: Send + Sync + 'static {
    /// Some examples on a device, with what is to be said of them.
    type Batch<B: Backend>: Clone + Send;
    /// What a network says of a batch, such as logits.
    type Answer<B: Backend>;

    /// What is counted, as a plural noun: `"images"`.
    const EXAMPLES: &'static str;
    /// What [`unreadable`](Self::unreadable) counts: of one, and of several.
    const UNREADABLE: [&'static str; 2] = ["file", "files"];

    /// The name of the data set.
    fn name(&self) -> String {
        Self::EXAMPLES.into()
    }

    /// What a network is judged by.
    fn metric(&self) -> Metric;

    /// What a person should know about how the data were read, a sentence each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Files that were met so far and could not be read, a sentence each.
    fn unreadable(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a checkpoint remembers of the data.
    fn description(&self) -> Value {
        Value::Null
    }

    /// Checks that a run that began with data of the description `before` can go on with these.
    ///
    /// # Errors
    ///
    /// Naming what differs.
    fn check(&self, _before: &Value) -> Result<()> {
        Ok(())
    }

    /// Number of examples of a split; 0 where the problem lacks it.
    fn size(&self, split: Split) -> usize;

    /// Steps of an epoch; those of two epochs may differ. By default as many as there are whole batches,
    /// or as the visit wants.
    fn steps(&self, visit: &Visit) -> usize {
        let whole = self.size(visit.split) / visit.batch_size;
        match visit.steps {
            Some(steps) if whole > 0 => steps,
            _ => whole,
        }
    }

    /// The examples of these indices; changed at random where `changed` is given, and then as it and
    /// their indices alone say. A problem without examples of their own, such as a stream, has
    /// [`batches`](Self::batches) and [`evaluation`](Self::evaluation) of its own in place of this.
    ///
    /// # Errors
    ///
    /// When the problem lacks the split or an example cannot be read.
    fn read<B: Backend>(
        &self,
        split: Split,
        _indices: &[usize],
        _changed: Option<RngKey>,
        _device: &B::Device,
    ) -> Result<Self::Batch<B>> {
        Err(WorkbenchError::MissingSplit {
            name: self.name(),
            split,
            examples: Self::EXAMPLES,
        })
    }

    /// The batches of an epoch, `visit.passes` for each of its [`steps`](Self::steps); after an error
    /// there is no further one.
    ///
    /// # Errors
    ///
    /// A batch is an error where its examples cannot be read.
    fn batches<B: Backend>(
        &self,
        visit: &Visit,
        device: &B::Device,
    ) -> impl Iterator<Item = Result<Self::Batch<B>>> {
        let (split, changed, device) = (visit.split, Some(visit.key), device.clone());
        let lists = training_lists(self.size(split), visit).into_iter();
        lists.map(move |list| self.read(split, &list, changed, &device))
    }

    /// All examples of a split once, in an order that depends on the seed alone, without random changes;
    /// at most `batch_size` in a batch. By default batches are of nearly equal size.
    ///
    /// # Errors
    ///
    /// When the problem lacks the split; a batch is an error where its examples cannot be read.
    fn evaluation<B: Backend>(
        &self,
        split: Split,
        batch_size: usize,
        seed: u64,
        device: &B::Device,
    ) -> Result<impl Iterator<Item = Result<Self::Batch<B>>>> {
        let device = device.clone();
        let lists = evaluation_lists(self.size(split), batch_size, seed).into_iter();
        Ok(lists.map(move |list| self.read(split, &list, None, &device)))
    }

    /// Whether there are examples for this purpose.
    fn has(&self, split: Split) -> bool {
        self.size(split) > 0
    }

    /// Number of examples of a batch.
    fn examples<B: Backend>(&self, batch: &Self::Batch<B>) -> usize;

    /// How much of a visit's [`batch_size`](Visit::batch_size) a batch has: its examples, or the streams of
    /// a sequence, whose examples are tokens.
    fn batch_size<B: Backend>(&self, batch: &Self::Batch<B>) -> usize {
        self.examples(batch)
    }

    /// Mean loss of a batch, `[1]`.
    fn loss<B: Backend>(
        &self,
        answer: &Self::Answer<B>,
        batch: &Self::Batch<B>,
        phase: Phase,
    ) -> Tensor<B, 1>;

    /// What is added up over batches to make a [`score`](Self::score), `[sums]`: always as many, and
    /// each small enough for an f32 to hold it exactly where it is a count. `loss` is what
    /// [`loss`](Self::loss) gave, `[1]`.
    fn sums<B: Backend>(
        &self,
        answer: &Self::Answer<B>,
        batch: &Self::Batch<B>,
        loss: Tensor<B, 1>,
    ) -> Tensor<B, 1>;

    /// The score that sums over batches, `[sums]`, amount to.
    fn score(&self, sums: &[f64]) -> Score;
}
