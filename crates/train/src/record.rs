use serde::{Deserialize, Serialize};

/// What is known at the end of an epoch: one line of `metrics.jsonl`. Losses are in nats, errors in
/// percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Rate of drop-path.
    pub drop_path: f64,
    /// Mean training loss, the auxiliary head's share left out.
    pub train_loss: f64,
    /// Share of training images classified wrongly.
    pub train_error: f64,
    /// Mean loss on the images held out, if any.
    pub validation_loss: Option<f64>,
    /// Error on the images held out, if any.
    pub validation_error: Option<f64>,
    /// Seconds it took; the only part that differs between two runs of one seed.
    pub seconds: f64,
}

/// The end of a training: `result.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitOutcome {
    /// Name of the run.
    pub name: String,
    /// Data set.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// Backend and device the last part ran on.
    pub backend: String,
    /// Epochs trained.
    pub epochs: usize,
    /// The epoch whose weights are the result, counted from 1: the last, or, with patience, the one
    /// of the lowest validation error.
    pub result_epoch: usize,
    /// Weights of the network, without the auxiliary head.
    pub weights: usize,
    /// Multiply-adds of the network for one image.
    pub multiply_adds: u64,
    /// Mean test loss, in nats, with running statistics; of the averaged weights where there are
    /// some.
    pub test_loss: f64,
    /// Test error, in percent, as `test_loss`.
    pub test_error: f64,
    /// The cells in their text form.
    pub genotype: String,
    /// Seconds of all epochs.
    pub seconds: f64,
}
