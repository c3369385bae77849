use supernet::SupernetError;
use workbench::WorkbenchError;

/// What can stop a search; every message is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A setting, a file or the data.
    #[error(transparent)]
    Workbench(#[from] WorkbenchError),
    /// The space, the network or a genotype.
    #[error(transparent)]
    Supernet(#[from] SupernetError),
    /// A field of the configuration has an impossible value.
    #[error("configuration: `{field}` is {found}; valid: {valid}")]
    Field {
        /// The field, with its section.
        field: &'static str,
        /// The value found.
        found: String,
        /// What would be valid.
        valid: String,
    },
    /// A checkpoint does not belong to the configuration beside it.
    #[error(
        "run folder `{run}`: its checkpoint was made with another configuration than its \
         config.toml (fingerprint {found}, expected {expected}); restore that file or start a new run"
    )]
    OtherConfig {
        /// The run folder.
        run: String,
        /// Fingerprint in the checkpoint.
        found: String,
        /// Fingerprint of the configuration.
        expected: String,
    },
    /// A checkpoint's section cannot be read back.
    #[error("checkpoint section `{section}` of `{run}` cannot be restored: {problem}")]
    Restore {
        /// The run folder.
        run: String,
        /// The section.
        section: &'static str,
        /// The recorder's reason.
        problem: String,
    },
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

impl SearchError {
    pub(crate) fn field(field: &'static str, found: impl ToString, valid: &str) -> Self {
        Self::Field {
            field,
            found: found.to_string(),
            valid: valid.into(),
        }
    }
}
