//! What a checkpoint holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a checkpoint file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    /// Small facts: the fingerprint of the configuration, the epoch, the step.
    pub header: Value,
    /// Recorded state by name, such as weights and optimiser moments.
    pub sections: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    /// A checkpoint with this header and no section yet.
    pub fn new(header: Value) -> Self {
        Self {
            header,
            sections: BTreeMap::new(),
        }
    }

    /// A checkpoint of a run after so many epochs, without a section yet.
    pub fn of_run(run: &RunIdentity, epoch: usize) -> Self {
        Self::new(json!({
            "config": run.fingerprint,
            "backend": run.backend,
            "processor": run.processor,
            "data": run.data,
            "epoch": epoch,
        }))
    }

    /// Adds a section, replacing one of the same name.
    pub fn with_section(mut self, name: impl Into<String>, content: Vec<u8>) -> Self {
        self.sections.insert(name.into(), content);
        self
    }
}

/// What every checkpoint of a run says of it.
#[derive(Debug, Clone)]
pub struct RunIdentity {
    /// Fingerprint of its configuration.
    pub fingerprint: String,
    /// Backend and device it runs on.
    pub backend: String,
    /// Processor of the machine it runs on.
    pub processor: String,
    /// What is remembered of its data.
    pub data: Value,
}
