//! What runs in a session.

use serde::Serialize;

use super::{Extension, Present, RunData};
use crate::WorkbenchError;
use crate::checkpoint::{Checkpoint, Loaded};
use crate::problem::Fact;
use crate::record::EpochRecord;
use crate::report::Chapter;
use crate::run_folder::RunFolder;

/// Receives what a person or a log wants to know while an experiment runs.
pub trait Reporter<R> {
    /// A step of an epoch is done. `loss` is given now and then, when it was read from the device.
    fn step(&mut self, epoch: usize, loss: Option<f64>);
    /// Something that a person should know.
    fn note(&mut self, text: &str);
    /// An epoch is done.
    fn epoch(&mut self, record: &R);
    /// What a person looks at while the run goes on: when it begins, and after every epoch.
    fn present(&mut self, _present: Present) {}
}

/// Nobody is told anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl<R> Reporter<R> for Silent {
    fn step(&mut self, _: usize, _: Option<f64>) {}
    fn note(&mut self, _: &str) {}
    fn epoch(&mut self, _: &R) {}
}

/// What an experiment ends with.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended<O> {
    /// The record of it.
    pub outcome: O,
    /// What its network answers, for a page.
    pub answers: Vec<Chapter>,
}

/// Something that runs epoch by epoch: a search or a training, with its data and its state. The folder,
/// the log and the checkpoints are those of its [`Session`](super::Session).
pub trait Experiment: Sized {
    /// What is known at the end of an epoch.
    type Record: EpochRecord;
    /// What is known at the end.
    type Outcome: Serialize;
    /// What can stop it.
    type Error: From<WorkbenchError> + std::fmt::Display;
    /// What it learns from.
    type Data: RunData;

    /// What it is called in sentences: `"search"` or `"training"`.
    const WHAT: &'static str;

    /// What it learns from.
    fn data(&self) -> &Self::Data;

    /// The whole configuration, for `config.toml`.
    ///
    /// # Errors
    ///
    /// When a value has no TOML form.
    fn config_toml(&self) -> Result<String, Self::Error>;

    /// A name for the content of the configuration: a run goes on with the same alone.
    ///
    /// # Errors
    ///
    /// When a value has no form that a name can be made of.
    fn fingerprint(&self) -> Result<String, Self::Error>;

    /// What a person should know before it begins, beside its configuration.
    fn facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    /// How an earlier run was extended to this one; none where nothing was.
    fn extension(&self) -> Option<&Extension> {
        None
    }

    /// Epochs finished.
    fn epoch(&self) -> usize;

    /// Whether no further epoch is wanted.
    fn is_finished(&self) -> bool;

    /// Runs the next epoch.
    ///
    /// # Errors
    ///
    /// When it diverges or the data cannot be read.
    fn run_epoch(
        self,
        reporter: &mut impl Reporter<Self::Record>,
    ) -> Result<(Self, Self::Record), Self::Error>;

    /// Adds the state to a checkpoint.
    ///
    /// # Errors
    ///
    /// When it cannot be written as bytes.
    fn save(&self, checkpoint: Checkpoint) -> Result<Checkpoint, Self::Error>;

    /// Puts a checkpoint's state in place of this one's.
    ///
    /// # Errors
    ///
    /// When a section is missing or cannot be read.
    fn restore(self, loaded: &Loaded) -> Result<Self, Self::Error>;

    /// What a person looks at while it runs, from all records so far.
    fn present(&self, _records: &[Self::Record]) -> Present {
        Present::default()
    }

    /// Writes what a person looks at, from all records so far.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    fn write_reports(
        &self,
        folder: &RunFolder,
        records: &[Self::Record],
    ) -> Result<(), Self::Error>;

    /// Writes the page that a person opens, from what lies in the folder: at the start, after every epoch and
    /// at the end.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written.
    fn write_page(&self, _folder: &RunFolder) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Writes what outlives the run, such as its network, when no further epoch is wanted.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    fn write_product(&self, _folder: &RunFolder) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The end; `backend` is what it ran on.
    ///
    /// # Errors
    ///
    /// When the last score cannot be made.
    fn outcome(
        &self,
        backend: &str,
        records: &[Self::Record],
    ) -> Result<Ended<Self::Outcome>, Self::Error>;
}
