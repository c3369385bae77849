//! A checkpoint that was read.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::content::{Checkpoint, RunIdentity};
use crate::{Result, WorkbenchError};

/// A checkpoint that was found on disk.
#[derive(Debug)]
pub struct Loaded {
    /// The index it was saved under.
    pub index: u64,
    /// The file it was read from.
    pub path: PathBuf,
    /// Its content.
    pub checkpoint: Checkpoint,
    /// Why a newer file was passed over, as a sentence for the user.
    pub warning: Option<String>,
}

impl Loaded {
    /// Fingerprint of the configuration it was made with.
    pub fn fingerprint(&self) -> &str {
        self.checkpoint.header["config"].as_str().unwrap_or("none")
    }

    /// Checks that the checkpoint is of a run whose configuration has this fingerprint, or of the one
    /// that it was `extended` from.
    ///
    /// # Errors
    ///
    /// [`WorkbenchError::OtherConfig`] when it is not.
    pub fn check_config(&self, fingerprint: &str, extended: Option<&str>) -> Result<()> {
        let found = self.fingerprint();
        if found == fingerprint || extended == Some(found) {
            return Ok(());
        }
        let run = self.path.parent().and_then(Path::parent);
        let short = |text: &str| text.chars().take(12).collect();
        Err(WorkbenchError::OtherConfig {
            run: run.unwrap_or(&self.path).to_path_buf(),
            found: short(found),
            expected: short(fingerprint),
        })
    }

    /// What the run remembers of its data.
    ///
    /// # Errors
    ///
    /// When the checkpoint does not say.
    pub fn data(&self) -> Result<&Value> {
        let header = &self.checkpoint.header;
        header.get("data").ok_or_else(|| {
            let problem = "it does not say what the run's data are";
            broken(&self.path, problem.into())
        })
    }

    /// What a person should know when the run goes on from here as this one, a sentence each.
    pub fn notes(&self, run: &RunIdentity) -> Vec<String> {
        let header = &self.checkpoint.header;
        let before = header["backend"].as_str().unwrap_or("unknown");
        let mut notes = Vec::new();
        if before != run.backend {
            notes.push(format!(
                "the run began on {before} and goes on on {}: results will differ slightly",
                run.backend
            ));
        }
        // Checkpoints of earlier versions do not say.
        let processor = header["processor"].as_str();
        if let Some(before) = processor.filter(|before| *before != run.processor) {
            notes.push(format!(
                "the run began on another processor, {before}, and goes on on {}: sums are rounded in \
                 another order, so results may differ slightly from those of one machine",
                run.processor
            ));
        }
        notes.extend(self.warning.clone());
        notes
    }

    /// The content of a section.
    ///
    /// # Errors
    ///
    /// When the checkpoint has no section of this name.
    pub fn section(&self, name: &str) -> Result<&[u8]> {
        self.checkpoint
            .sections
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| {
                let names: Vec<_> = self
                    .checkpoint
                    .sections
                    .keys()
                    .map(String::as_str)
                    .collect();
                broken(
                    &self.path,
                    format!("no section `{name}`, only: {}", names.join(", ")),
                )
            })
    }
}

pub(super) fn broken(path: &Path, problem: String) -> WorkbenchError {
    WorkbenchError::Checkpoint {
        path: path.to_path_buf(),
        problem,
    }
}
