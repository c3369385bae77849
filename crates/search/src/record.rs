use std::path::Path;

use serde::{Deserialize, Serialize};
use workbench::{WorkbenchError, files};

use crate::{SearchError, SearchMethod};

/// What is known at the end of an epoch: one line of `metrics.jsonl`. Errors and the gap are in
/// percent (points), losses and entropies in nats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Temperature of the last step.
    pub temperature: f64,
    /// Learning rate of the weights at the last step.
    pub learning_rate: f64,
    /// Mean loss of the weight steps.
    pub train_loss: f64,
    /// Mean error of the weight steps.
    pub train_error: f64,
    /// Mean loss of the architecture steps, penalties included; none while warming up.
    pub architecture_loss: Option<f64>,
    /// Validation loss of the supernet, run as the method runs it.
    pub supernet_loss: f64,
    /// Validation error of the supernet, run as the method runs it.
    pub supernet_error: f64,
    /// Validation loss of the derived network with inherited weights.
    pub child_loss: f64,
    /// Validation error of the derived network with inherited weights.
    pub child_error: f64,
    /// `child_error - supernet_error`.
    pub gap: f64,
    /// Validation error of the derived network normalised with the running statistics that it
    /// inherits, where all other errors are with those of the batch.
    pub child_error_running: f64,
    /// `child_error_running - supernet_error`.
    pub gap_running: f64,
    /// Mean entropy of the rows of p, normal cell.
    pub entropy_normal: f64,
    /// Mean entropy of the rows of p, reduction cell.
    pub entropy_reduce: f64,
    /// The derived architecture in its text form.
    pub genotype: String,
    /// Probabilities p of the normal cell `[edges][ops]`.
    pub normal: Vec<Vec<f64>>,
    /// Probabilities p of the reduction cell `[edges][ops]`.
    pub reduce: Vec<Vec<f64>>,
    /// How long it took; the only part that differs between two runs of one seed.
    pub timing: Timing,
}

/// How long an epoch took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds of the alternating steps.
    pub search_seconds: f64,
    /// Seconds of both validations.
    pub validation_seconds: f64,
    /// Images of both kinds per second of the alternating steps.
    pub images_per_second: f64,
}

/// The end of a search: `result.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the run.
    pub name: String,
    /// How the architecture was searched.
    pub method: SearchMethod,
    /// Data set.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// Backend and device the last part ran on.
    pub backend: String,
    /// Epochs searched.
    pub epochs: usize,
    /// Weights of the supernet.
    pub supernet_weights: usize,
    /// Weights of the derived network in the supernet's size.
    pub child_weights: usize,
    /// Validation error of the supernet, run as the method runs it, in percent.
    pub supernet_error: f64,
    /// Validation error of the derived network with inherited weights, in percent.
    pub child_error: f64,
    /// `child_error - supernet_error`, in points.
    pub gap: f64,
    /// Validation error of the derived network with inherited weights and running statistics, in
    /// percent.
    pub child_error_running: f64,
    /// `child_error_running - supernet_error`, in points.
    pub gap_running: f64,
    /// Test error of the derived network with inherited weights, in percent.
    pub child_test_error: f64,
    /// The derived architecture in its text form.
    pub genotype: String,
    /// Seconds of all epochs.
    pub seconds: f64,
}

impl Outcome {
    /// Reads a `result.json`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not the end of a search.
    pub fn read(path: &Path) -> Result<Self, SearchError> {
        let text = files::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|error| {
            let (source_name, message) = (path.display().to_string(), error.to_string());
            let error = WorkbenchError::Config {
                source_name,
                message,
            };
            error.into()
        })
    }
}
