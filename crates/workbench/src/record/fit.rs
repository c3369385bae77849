//! Records of a training.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::fields::{FieldWriter, Fields};
use super::search::EARLIER_TASK;
use super::{ByClass, EpochRecord, Metric, Score};
use crate::{Result, files};

/// What is known at the end of an epoch of a training: one line of `metrics.jsonl`. Losses are in nats,
/// scores in the unit of the metric. Where a field's name depends on the metric, it is as for the metric
/// `error`.
#[derive(Debug, Clone, PartialEq)]
pub struct FitEpoch {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// What the network is judged by.
    pub metric: Metric,
    /// Mean over the training steps, without what only a head for training adds: `train_loss`,
    /// `train_error`.
    pub train: Score,
    /// The score on the examples held out, if any: `validation_loss`, `validation_error`.
    pub validation: Option<Score>,
    /// Seconds it took; the only part that differs between two runs of one seed.
    pub seconds: f64,
    /// Further figures of the task, each a field of its own.
    pub extra: BTreeMap<String, f64>,
}

/// The end of a training: `result.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOutcome {
    /// Name of the run.
    pub name: String,
    /// Name of the task.
    pub task: String,
    /// Data set.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// Backend and device the last part ran on.
    pub backend: String,
    /// Processor of the machine the last part ran on; none in a result of an earlier version.
    pub processor: Option<String>,
    /// Epochs trained.
    pub epochs: usize,
    /// The epoch whose weights are the result, counted from 1: the last, or, with patience, the one of
    /// the best validation score.
    pub result_epoch: usize,
    /// What the network is judged by.
    pub metric: Metric,
    /// Weights of the network, without what only training needs.
    pub weights: usize,
    /// Multiply-adds of the network for one example, where they are counted.
    pub multiply_adds: Option<u64>,
    /// The test score, with running statistics; of the averaged weights where there are some:
    /// `test_loss`, `test_error`.
    pub test: Score,
    /// What published code makes of the test score, where it computes something else: for perplexity
    /// `published_test_perplexity`.
    pub published: Option<f64>,
    /// The test score class by class, where classes are told apart: `test_error_by_class`, `confusion`.
    pub by_class: Option<ByClass>,
    /// The cells in their text form.
    pub genotype: String,
    /// Seconds of all epochs.
    pub seconds: f64,
}

impl EpochRecord for FitEpoch {
    fn epoch(&self) -> usize {
        self.epoch
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        let mut figures = vec![
            ("learning rate", self.learning_rate),
            ("training loss", self.train.loss),
            ("training score", self.train.value),
        ];
        if let Some(validation) = self.validation {
            figures.push(("validation loss", validation.loss));
            figures.push(("validation score", validation.value));
        }
        figures.extend(
            self.extra
                .values()
                .map(|&value| ("figure of the task", value)),
        );
        figures
    }
}

impl Serialize for FitEpoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = &self.metric.name;
        let mut to = FieldWriter::new(serializer)?;
        to.put("epoch", self.epoch)?;
        to.put("learning_rate", self.learning_rate)?;
        for (name, value) in &self.extra {
            to.put(name, value)?;
        }
        to.put("train_loss", self.train.loss)?;
        to.put(format!("train_{name}"), self.train.value)?;
        let validation = self.validation;
        to.put("validation_loss", validation.map(|score| score.loss))?;
        to.put(
            format!("validation_{name}"),
            validation.map(|score| score.value),
        )?;
        to.put("metric", &self.metric)?;
        to.put("seconds", self.seconds)?;
        to.end()
    }
}

impl<'de> Deserialize<'de> for FitEpoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let metric = from.take_optional("metric")?.unwrap_or(Metric::ERROR);
        let name = metric.name.clone();
        let validation_loss: Option<f64> = from.take_optional("validation_loss")?;
        let validation: Option<f64> = from.take_optional(&format!("validation_{name}"))?;
        let validation = validation_loss.zip(validation);
        Ok(Self {
            epoch: from.take("epoch")?,
            learning_rate: from.take("learning_rate")?,
            metric,
            train: Score {
                loss: from.take("train_loss")?,
                value: from.take(&format!("train_{name}"))?,
            },
            validation: validation.map(|(loss, value)| Score { loss, value }),
            seconds: from.take("seconds")?,
            extra: from
                .rest()
                .into_iter()
                .map(|(name, value)| match value.as_f64() {
                    Some(value) => Ok((name, value)),
                    None => Err(de::Error::custom(format!(
                        "`{name}` is {value}, not a number"
                    ))),
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

impl FitOutcome {
    /// Reads a `result.json`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not the end of a training.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        files::read_json(path)
    }
}

impl Serialize for FitOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = FieldWriter::new(serializer)?;
        to.put("name", &self.name)?;
        to.put("task", &self.task)?;
        to.put("data", &self.data)?;
        to.put("seed", self.seed)?;
        to.put("backend", &self.backend)?;
        if let Some(processor) = &self.processor {
            to.put("processor", processor)?;
        }
        to.put("epochs", self.epochs)?;
        to.put("result_epoch", self.result_epoch)?;
        to.put("metric", &self.metric)?;
        to.put("weights", self.weights)?;
        to.put("multiply_adds", self.multiply_adds)?;
        to.put("test_loss", self.test.loss)?;
        to.put(format!("test_{}", self.metric.name), self.test.value)?;
        if let Some(published) = self.published {
            to.put(format!("published_test_{}", self.metric.name), published)?;
        }
        if let Some(by_class) = &self.by_class {
            let name = format!("test_{}_by_class", self.metric.name);
            to.put(name, &by_class.values)?;
            to.put("confusion", &by_class.confusion)?;
        }
        to.put("genotype", &self.genotype)?;
        to.put("seconds", self.seconds)?;
        to.end()
    }
}

impl<'de> Deserialize<'de> for FitOutcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let metric = from.take_optional("metric")?.unwrap_or(Metric::ERROR);
        let task: Option<String> = from.take_optional("task")?;
        let by_class = format!("test_{}_by_class", metric.name);
        let values: Option<BTreeMap<_, _>> = from.take_optional(&by_class)?;
        let confusion: Option<BTreeMap<_, _>> = from.take_optional("confusion")?;
        Ok(Self {
            by_class: values
                .zip(confusion)
                .map(|(values, confusion)| ByClass { values, confusion }),
            name: from.take("name")?,
            task: task.unwrap_or_else(|| EARLIER_TASK.into()),
            data: from.take("data")?,
            seed: from.take("seed")?,
            backend: from.take("backend")?,
            processor: from.take_optional("processor")?,
            epochs: from.take("epochs")?,
            result_epoch: from.take("result_epoch")?,
            weights: from.take("weights")?,
            multiply_adds: from.take_optional("multiply_adds")?,
            test: Score {
                loss: from.take("test_loss")?,
                value: from.take(&format!("test_{}", metric.name))?,
            },
            published: from.take_optional(&format!("published_test_{}", metric.name))?,
            genotype: from.take("genotype")?,
            seconds: from.take("seconds")?,
            metric,
        })
    }
}

#[cfg(test)]
mod tests;
