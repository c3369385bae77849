//! What is learned: examples in batches, the loss, and what a network is judged by.

use std::fmt;

use burn::tensor::{Int, Tensor, backend::Backend};
use serde_json::Value;

pub use crate::record::{Confusion, Direction, Metric, Score};
use crate::report::Sample;
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

/// Something that a person should know, and what it is called.
pub type Fact = (&'static str, String);

/// The classes of the examples of a batch, and those that an answer takes them for: `[examples]` each.
#[derive(Debug, Clone)]
pub struct Classified<B: Backend> {
    /// The true classes; below 0 for an example that does not count.
    pub truth: Tensor<B, 1, Int>,
    /// The classes answered.
    pub answered: Tensor<B, 1, Int>,
}

/// What a page shows of examples that a network answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Showing {
    /// At most so many of the first examples, and as many of the first mistakes.
    pub most: usize,
    /// What they are, in a sentence or two.
    pub text: &'static str,
}

impl Showing {
    /// Nothing is shown.
    pub const NOTHING: Self = Self { most: 0, text: "" };
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

    /// What [`classified`](Self::classified) tells apart, as a plural noun, where it is not the examples.
    const CLASSIFIED: &'static str = Self::EXAMPLES;

    /// What a page shows of the answers to test examples; by default nothing.
    const SHOWING: Showing = Showing::NOTHING;

    /// The name of the data set.
    fn name(&self) -> String {
        Self::EXAMPLES.into()
    }

    /// What a network is judged by.
    fn metric(&self) -> Metric;

    /// The parts of the examples by what they serve, and how many there are of each: by default those of
    /// all splits. A problem of which two splits are the same examples names them together.
    fn parts(&self) -> Vec<(String, usize)> {
        let splits = [
            Split::Weights,
            Split::Logits,
            Split::Validation,
            Split::Test,
        ];
        let there = splits.into_iter().filter(|split| self.has(*split));
        there
            .map(|split| (split.to_string(), self.size(split)))
            .collect()
    }

    /// What else a person should know of the data, such as the size of images.
    fn facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    /// Names of the classes that examples are told apart by, in the order of their numbers; none where
    /// an answer is no class.
    fn classes(&self) -> Option<Vec<String>> {
        None
    }

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

    /// What published code makes of a score of [`evaluation`](Self::evaluation) with the same arguments, in
    /// the unit of the metric, where it computes something else.
    fn published_value(&self, _split: Split, _batch_size: usize, _score: &Score) -> Option<f64> {
        None
    }

    /// The classes of a batch and those answered; none where there are no [`classes`](Self::classes).
    fn classified<B: Backend>(
        &self,
        _answer: &Self::Answer<B>,
        _batch: &Self::Batch<B>,
    ) -> Option<Classified<B>> {
        None
    }

    /// What a page shows of an example, or stream, at a place in a batch; asked for only where
    /// [`SHOWING`](Self::SHOWING) wants some.
    fn shown<B: Backend>(
        &self,
        _answer: &Self::Answer<B>,
        _batch: &Self::Batch<B>,
        _at: usize,
    ) -> Option<Sample> {
        None
    }

    /// The score of one class in the unit of the metric, by default its error; none where nothing can
    /// be said of it.
    fn class_score(&self, confusion: &Confusion, class: usize) -> Option<f64> {
        confusion.error(class)
    }

    /// What a person should know of a confusion beside the scores of its classes.
    fn class_facts(&self, _confusion: &Confusion) -> Vec<Fact> {
        Vec::new()
    }
}

/// At most this many names of classes are listed.
const LISTED: usize = 10;

/// What a person should know of a problem before something is learned of it: its parts, its classes and
/// what it says itself.
pub fn facts_of<P: Problem>(problem: &P) -> Vec<Fact> {
    let parts = problem.parts();
    let counted = |(at, (part, size)): (usize, &(String, usize))| match at {
        0 => format!("{size} {} for {part}", P::EXAMPLES),
        _ => format!("{size} for {part}"),
    };
    let parts: Vec<String> = parts.iter().enumerate().map(counted).collect();
    let data = format!("{}: {}", problem.name(), parts.join(", "));
    let mut facts = vec![("data", data)];
    facts.extend(problem.classes().map(|names| ("classes", listed(&names))));
    facts.extend(problem.facts());
    facts
}

/// The number of classes, and the names of the first of them where they are more than numbers.
fn listed(names: &[String]) -> String {
    let numbered = |(at, name): (usize, &String)| name.parse() == Ok(at);
    let count = names.len();
    if names.iter().enumerate().all(numbered) {
        return count.to_string();
    }
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>();
    let more = match count - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{count}: {}{more}", shown.join(", "))
}

/// How many steps there are, from the first step of each epoch and, at the end, the number of all.
pub fn steps_fact(first_steps: &[usize]) -> Fact {
    let epochs = first_steps.windows(2).map(|pair| pair[1] - pair[0]);
    let (least, most) = epochs.fold((usize::MAX, 0), |(least, most), steps| {
        (least.min(steps), most.max(steps))
    });
    let each = match least >= most {
        true => most.to_string(),
        false => format!("{least} to {most}"),
    };
    let count = first_steps.len().saturating_sub(1);
    let all = first_steps.last().copied().unwrap_or(0);
    ("steps", format!("{each} an epoch, {all} in {count} epochs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_listed_by_name_where_they_have_names() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(&names(&["0", "1", "2"])), "3");
        assert_eq!(listed(&names(&["cat", "dog"])), "2: cat, dog");
        let many: Vec<String> = (0..12).map(|class| format!("n{class}")).collect();
        let text = listed(&many);
        assert!(
            text.starts_with("12: n0, n1") && text.ends_with("n9 and 2 more"),
            "{text}"
        );
    }

    #[test]
    fn steps_are_told_of_epochs_of_equal_and_of_unequal_length() {
        assert_eq!(steps_fact(&[0, 5, 10]).1, "5 an epoch, 10 in 2 epochs");
        assert_eq!(steps_fact(&[0, 4, 10]).1, "4 to 6 an epoch, 10 in 2 epochs");
        assert_eq!(steps_fact(&[0]).1, "0 an epoch, 0 in 0 epochs");
    }
}
