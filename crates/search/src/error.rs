use std::path::Path;

use supernet::SupernetError;
use workbench::WorkbenchError;
use workbench::shell::{Failure, REFUSED};

/// What can stop a search; every message is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A setting, a file or the data.
    #[error(transparent)]
    Workbench(#[from] WorkbenchError),
    /// The space, the network or a genotype.
    #[error(transparent)]
    Supernet(#[from] SupernetError),
    /// Training diverged.
    #[error(
        "the {what} became {value} in epoch {epoch}; lower `weights.learning_rate` or \
         `alpha.learning_rate`, then start again"
    )]
    Diverged {
        /// Which figure.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The epoch, counted from 1.
        epoch: usize,
    },
}

impl Failure for SearchError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Workbench(error) => error.exit_code(),
            Self::Supernet(_) | Self::Diverged { .. } => REFUSED,
        }
    }
}

impl SearchError {
    /// A field of the configuration with an impossible value.
    pub fn field(field: &'static str, found: impl ToString, valid: &str) -> Self {
        WorkbenchError::field(field, found, valid).into()
    }

    pub(crate) fn run_folder(path: &Path, problem: &str) -> Self {
        let (path, problem) = (path.to_path_buf(), problem.into());
        WorkbenchError::RunFolder { path, problem }.into()
    }
}
