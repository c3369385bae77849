//! What comes of comparing backends, as it is written and read.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Agreement, Trace};
use crate::{Result, WorkbenchError, files};

/// `portability.json`: a workload and what every backend made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portability {
    /// What the workload was called.
    pub name: String,
    /// Whether it is a search or a training.
    pub kind: String,
    /// The configuration that all ran, as TOML.
    pub config: String,
    /// Of the configuration, apart from where data lie.
    pub fingerprint: String,
    /// Steps that each took.
    pub steps: usize,
    /// Versions of what computes, by name.
    pub versions: Vec<(String, String)>,
    /// The command that repeats it.
    pub command: String,
    /// What ran, in order.
    pub contestants: Vec<Contestant>,
}

/// A backend on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contestant {
    /// Backend, and its device where it has several.
    pub name: String,
    /// The result that it is from; none where it is this one.
    pub from: Option<String>,
    /// What it made of the workload; none where it failed.
    pub trace: Option<Trace>,
    /// Why it failed.
    pub error: Option<String>,
    /// How far it agrees with the first that did not fail; none of that one and of failures.
    pub agreement: Option<Agreement>,
}

impl Contestant {
    /// One that failed.
    pub(super) fn failed(name: &str, error: String) -> Self {
        Self {
            name: name.into(),
            from: None,
            trace: None,
            error: Some(error),
            agreement: None,
        }
    }

    /// One that ran.
    pub(super) fn ran(name: &str, trace: Trace) -> Self {
        Self {
            trace: Some(trace),
            error: None,
            ..Self::failed(name, String::new())
        }
    }

    /// The name, with where it is from.
    pub(super) fn label(&self) -> String {
        match &self.from {
            Some(from) => format!("{}, {from}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Portability {
    /// Reads another result, which must be of the same workload.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is of another workload.
    pub(super) fn read_like(path: &Path, own: &Self) -> Result<Self> {
        let read: Self = files::read_json(path)?;
        let same = (&read.fingerprint, read.steps) == (&own.fingerprint, own.steps);
        if !same {
            return Err(WorkbenchError::Record {
                path: path.to_path_buf(),
                problem: format!(
                    "it is of another workload ({}, {} steps); valid is a result of the same configuration and \
                     {} steps, which `{}` makes",
                    read.name, read.steps, own.steps, own.command
                ),
            });
        }
        Ok(read)
    }

    /// Adds what ran elsewhere, named after the file that tells it.
    pub(super) fn add(&mut self, path: &Path, other: Self) {
        let from = path.display().to_string();
        let theirs = other.contestants.into_iter();
        self.contestants.extend(theirs.map(|contestant| Contestant {
            from: Some(contestant.from.unwrap_or_else(|| from.clone())),
            ..contestant
        }));
    }

    /// The first that did not fail.
    pub(super) fn first(&self) -> Option<&Trace> {
        self.contestants
            .iter()
            .find_map(|contestant| contestant.trace.as_ref())
    }

    /// Compares all with the first that did not fail.
    pub(super) fn compare(&mut self) {
        let Some(first) = self.first().cloned() else {
            return;
        };
        let mut compared = false;
        for contestant in &mut self.contestants {
            contestant.agreement = None;
            let Some(trace) = &contestant.trace else {
                continue;
            };
            if compared {
                contestant.agreement = Some(Agreement::between(&first, trace));
            }
            compared = true;
        }
    }
}
