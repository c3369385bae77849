//! Records of a search.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fields::{FieldWriter, Fields};
use super::second::{SecondScore, put_second, take_second};
use super::{EpochRecord, Metric, Score};
use crate::optim::Schedule;
use crate::{Result, files};

/// What is known at the end of an epoch of a search: one line of `metrics.jsonl`. Scores and gaps are in
/// the unit of the metric, losses and entropies in nats. Where a field's name depends on the metric or a
/// cell, it is as for the metric `error` and the cell `normal`.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchEpoch {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Temperature of the last step.
    pub temperature: f64,
    /// Learning rate of the weights at the last step.
    pub learning_rate: f64,
    /// What networks are judged by.
    pub metric: Metric,
    /// Mean over the weight steps: `train_loss`, `train_error`.
    pub train: Score,
    /// Mean loss of the logit steps, penalties included; none while warming up.
    pub architecture_loss: Option<f64>,
    /// The supernet's validation, run as the method runs it: `supernet_loss`, `supernet_error`.
    pub supernet: Score,
    /// Validation of the derived network with inherited weights: `child_loss`, `child_error`.
    pub child: Score,
    /// The child's score less the supernet's.
    pub gap: f64,
    /// Score of the derived network normalised in another way than the supernet, where all others are
    /// normalised with the statistics of the batch; none where it has no finite one.
    pub second: Option<SecondScore>,
    /// What became of each kind of cell: `entropy_normal`, `normal`.
    pub cells: Vec<CellRecord>,
    /// The derived architecture in its text form.
    pub genotype: String,
    /// How long it took; the only part that differs between two runs of one seed.
    pub timing: SearchTiming,
}

/// The logits of one kind of cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellRecord {
    /// The kind.
    pub name: String,
    /// Mean entropy of the rows of the probabilities.
    pub entropy: f64,
    /// Probabilities `[edges][operations]`.
    pub probabilities: Vec<Vec<f64>>,
}

/// How long an epoch took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SearchTiming {
    /// Seconds of the alternating steps.
    pub search_seconds: f64,
    /// Seconds of all validations.
    pub validation_seconds: f64,
    /// Examples of both kinds per second of the alternating steps.
    #[serde(rename = "images_per_second")]
    pub examples_per_second: f64,
}

/// What a child costs, beside its budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildCost {
    /// What is counted, as a plural noun.
    pub of: String,
    /// Of all its layers, in the size of the search.
    pub child: f64,
    /// The most that it may cost.
    pub budget: f64,
}

/// The end of a search: `result.json`. Scores and gaps are in the unit of the metric.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOutcome {
    /// Name of the run.
    pub name: String,
    /// Name of the task.
    pub task: String,
    /// How the architecture was searched.
    pub method: String,
    /// Data set.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// Backend and device the last part ran on.
    pub backend: String,
    /// Processor of the machine the last part ran on; none in a result of an earlier version.
    pub processor: Option<String>,
    /// Epochs searched.
    pub epochs: usize,
    /// Temperature of the relaxation over the run; none in a result of an earlier version.
    pub temperature: Option<Schedule>,
    /// What networks are judged by.
    pub metric: Metric,
    /// Weights of the supernet.
    pub supernet_weights: usize,
    /// Weights of the derived network in the supernet's size.
    pub child_weights: usize,
    /// What the derived network costs, where it has a budget.
    pub child_cost: Option<ChildCost>,
    /// Validation score of the supernet, run as the method runs it: `supernet_error`.
    pub supernet: f64,
    /// Validation score of the derived network with inherited weights: `child_error`.
    pub child: f64,
    /// The child's score less the supernet's.
    pub gap: f64,
    /// Validation score of the derived network with inherited weights and another normalisation; none
    /// where it has no finite one.
    pub second: Option<SecondScore>,
    /// Test score of the derived network with inherited weights: `child_test_error`.
    pub child_test: f64,
    /// The derived architecture in its text form.
    pub genotype: String,
    /// Seconds of all epochs.
    pub seconds: f64,
}

/// Cells of the records of an earlier version, which does not name them.
const EARLIER_CELLS: [&str; 2] = ["normal", "reduce"];
/// Task of the results of an earlier version.
pub(super) const EARLIER_TASK: &str = "image";

impl EpochRecord for SearchEpoch {
    fn epoch(&self) -> usize {
        self.epoch
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        let mut figures = vec![
            ("temperature", self.temperature),
            ("learning rate", self.learning_rate),
            ("training loss", self.train.loss),
            ("training score", self.train.value),
            ("supernet's validation loss", self.supernet.loss),
            ("supernet's validation score", self.supernet.value),
            ("child's validation loss", self.child.loss),
            ("child's validation score", self.child.value),
            ("gap", self.gap),
        ];
        let architecture = self.architecture_loss;
        figures.extend(architecture.map(|loss| ("loss of the architecture step", loss)));
        if let Some(second) = &self.second {
            figures.push(("child's second score", second.child));
            figures.push(("gap of the child's second score", second.gap));
        }
        for cell in &self.cells {
            figures.push(("entropy of a cell", cell.entropy));
            let probabilities = cell.probabilities.iter().flatten();
            figures.extend(probabilities.map(|&value| ("probability of an operation", value)));
        }
        figures
    }
}

impl Serialize for SearchEpoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = &self.metric.name;
        let cells: Vec<&str> = self.cells.iter().map(|cell| cell.name.as_str()).collect();
        let mut to = FieldWriter::new(serializer)?;
        to.put("epoch", self.epoch)?;
        to.put("temperature", self.temperature)?;
        to.put("learning_rate", self.learning_rate)?;
        to.put("train_loss", self.train.loss)?;
        to.put(format!("train_{name}"), self.train.value)?;
        to.put("architecture_loss", self.architecture_loss)?;
        to.put("supernet_loss", self.supernet.loss)?;
        to.put(format!("supernet_{name}"), self.supernet.value)?;
        to.put("child_loss", self.child.loss)?;
        to.put(format!("child_{name}"), self.child.value)?;
        to.put("gap", self.gap)?;
        put_second(&mut to, name, self.second)?;
        for cell in &self.cells {
            to.put(format!("entropy_{}", cell.name), cell.entropy)?;
        }
        to.put("genotype", &self.genotype)?;
        for cell in &self.cells {
            to.put(&cell.name, &cell.probabilities)?;
        }
        to.put("metric", &self.metric)?;
        to.put("cells", cells)?;
        to.put("timing", self.timing)?;
        to.end()
    }
}

impl<'de> Deserialize<'de> for SearchEpoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let metric = from.take_optional("metric")?.unwrap_or(Metric::ERROR);
        let name = metric.name.clone();
        let names: Option<Vec<String>> = from.take_optional("cells")?;
        let names = names.unwrap_or_else(|| EARLIER_CELLS.map(String::from).to_vec());
        let mut cells = Vec::new();
        for name in names {
            cells.push(CellRecord {
                entropy: from.take(&format!("entropy_{name}"))?,
                probabilities: from.take(&name)?,
                name,
            });
        }
        let mut score = |loss: &str, value: &str| -> Result<Score, D::Error> {
            Ok(Score {
                loss: from.take(loss)?,
                value: from.take(value)?,
            })
        };
        let train = score("train_loss", &format!("train_{name}"))?;
        let supernet = score("supernet_loss", &format!("supernet_{name}"))?;
        let child = score("child_loss", &format!("child_{name}"))?;
        Ok(Self {
            epoch: from.take("epoch")?,
            temperature: from.take("temperature")?,
            learning_rate: from.take("learning_rate")?,
            train,
            architecture_loss: from.take_optional("architecture_loss")?,
            supernet,
            child,
            gap: from.take("gap")?,
            second: take_second(&mut from, &name)?,
            genotype: from.take("genotype")?,
            timing: from.take("timing")?,
            metric,
            cells,
        })
    }
}

impl SearchOutcome {
    /// Reads a `result.json`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not the end of a search.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        files::read_json(path)
    }
}

impl Serialize for SearchOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = &self.metric.name;
        let mut to = FieldWriter::new(serializer)?;
        to.put("name", &self.name)?;
        to.put("task", &self.task)?;
        to.put("method", &self.method)?;
        to.put("data", &self.data)?;
        to.put("seed", self.seed)?;
        to.put("backend", &self.backend)?;
        if let Some(processor) = &self.processor {
            to.put("processor", processor)?;
        }
        to.put("epochs", self.epochs)?;
        to.put("temperature", self.temperature)?;
        to.put("metric", &self.metric)?;
        to.put("supernet_weights", self.supernet_weights)?;
        to.put("child_weights", self.child_weights)?;
        if let Some(cost) = &self.child_cost {
            to.put("child_cost", cost)?;
        }
        to.put(format!("supernet_{name}"), self.supernet)?;
        to.put(format!("child_{name}"), self.child)?;
        to.put("gap", self.gap)?;
        put_second(&mut to, name, self.second)?;
        to.put(format!("child_test_{name}"), self.child_test)?;
        to.put("genotype", &self.genotype)?;
        to.put("seconds", self.seconds)?;
        to.end()
    }
}

impl<'de> Deserialize<'de> for SearchOutcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let metric = from.take_optional("metric")?.unwrap_or(Metric::ERROR);
        let name = metric.name.clone();
        let task: Option<String> = from.take_optional("task")?;
        Ok(Self {
            name: from.take("name")?,
            task: task.unwrap_or_else(|| EARLIER_TASK.into()),
            method: from.take("method")?,
            data: from.take("data")?,
            seed: from.take("seed")?,
            backend: from.take("backend")?,
            processor: from.take_optional("processor")?,
            epochs: from.take("epochs")?,
            temperature: from.take_optional("temperature")?,
            supernet_weights: from.take("supernet_weights")?,
            child_weights: from.take("child_weights")?,
            child_cost: from.take_optional("child_cost")?,
            supernet: from.take(&format!("supernet_{name}"))?,
            child: from.take(&format!("child_{name}"))?,
            gap: from.take("gap")?,
            second: take_second(&mut from, &name)?,
            child_test: from.take(&format!("child_test_{name}"))?,
            genotype: from.take("genotype")?,
            seconds: from.take("seconds")?,
            metric,
        })
    }
}

#[cfg(test)]
mod tests;
