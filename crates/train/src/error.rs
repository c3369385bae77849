use std::path::PathBuf;

use supernet::SupernetError;
use workbench::WorkbenchError;
use workbench::shell::{Failure, REFUSED};

/// What can stop a command; every message is one sentence for the person who gave it.
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
    /// An option that a command has for another task.
    #[error(
        "`--{option}` is an option for the task `{other}`, and this line is of the task `{task}`; valid there: \
         --{valid}, or `--task {other}` with cells of that task"
    )]
    ForeignOption {
        /// The option.
        option: String,
        /// The task whose cells, or name, the line has.
        task: &'static str,
        /// The one that has the option.
        other: &'static str,
        /// The options that are valid.
        valid: String,
    },
    /// A run has no checkpoint yet.
    #[error(
        "run folder `{}` holds no checkpoint; valid is a run of at least one finished epoch",
        run.display()
    )]
    NothingTrained {
        /// The run folder.
        run: PathBuf,
    },
    /// A network and a data set or image do not fit.
    #[error("{what} has {found}, but the network takes {expected}")]
    Misfit {
        /// The data set or the image.
        what: String,
        /// What it has.
        found: String,
        /// What the network was made for.
        expected: String,
    },
    /// A file of weights cannot be read.
    #[error("weights file `{}`: {problem}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be valid.
        problem: String,
    },
    /// A network that has no meaning, or says nothing that has one.
    #[error("{what} has {found}; valid are finite numbers alone, so it cannot be asked")]
    NotFinite {
        /// The network, or its answer.
        what: String,
        /// What is there.
        found: String,
    },
    /// Some files were not answered; each was named.
    #[error("{failed} of {all} files got no answer")]
    Unanswered {
        /// Number of these.
        failed: usize,
        /// Number of all.
        all: usize,
    },
    /// Nothing was learned in an epoch.
    #[error(
        "the gradients of every step of epoch {epoch} overflowed; valid are `fit.precision` bf16 or \
         f32, or a lower `--learning-rate`"
    )]
    Overflow {
        /// The epoch, counted from 1.
        epoch: usize,
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

impl Failure for TrainError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Workbench(error) => error.exit_code(),
            _ => REFUSED,
        }
    }
}

impl TrainError {
    pub(crate) fn field(field: &'static str, found: impl ToString, valid: &str) -> Self {
        WorkbenchError::field(field, found, valid).into()
    }
}
