use supernet::SupernetError;
use workbench::WorkbenchError;

/// What can stop a training; every message is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting, a file or the data.
    #[error(transparent)]
    Workbench(#[from] WorkbenchError),
    /// The network or its genotype.
    #[error(transparent)]
    Supernet(#[from] SupernetError),
    /// An option has an impossible value.
    #[error("`--{option}` is {found}; valid: {valid}")]
    Option {
        /// The option.
        option: &'static str,
        /// The value found.
        found: String,
        /// What would be valid.
        valid: String,
    },
    /// Training diverged.
    #[error("the training loss became {loss} in epoch {epoch}; lower `--learning-rate`")]
    Diverged {
        /// The loss.
        loss: f64,
        /// The epoch, counted from 1.
        epoch: usize,
    },
}
