use serde::{Deserialize, Serialize};

use crate::checkpoint::Loaded;
use crate::{Result, WorkbenchError};

/// How an earlier run was extended: the section `extension` of a run folder's `config.toml`. Schedules run
/// over the epochs after it; a constant one has the values of a run that was as long from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// Epochs that were done.
    pub after: usize,
    /// Fingerprint of the configuration they were done with: a run that is stopped before the next
    /// checkpoint goes on from theirs.
    pub of: String,
}

impl Extension {
    /// The extension of the run of a checkpoint to so many epochs.
    ///
    /// # Errors
    ///
    /// When that is not more than are done.
    pub fn of(loaded: &Loaded, epochs: usize) -> Result<Self> {
        let after = loaded.index as usize;
        if epochs <= after {
            return Err(WorkbenchError::InvalidValue {
                field: "--epochs",
                found: epochs.to_string(),
                valid: format!("more than the {after} epochs that are done"),
            });
        }
        Ok(Self {
            after,
            of: loaded.fingerprint().into(),
        })
    }

    /// Checks that it is one of a run of so many epochs.
    ///
    /// # Errors
    ///
    /// When no epoch is left to it.
    pub fn validate(&self, epochs: usize) -> Result<()> {
        if self.after < epochs {
            return Ok(());
        }
        let valid = format!("less than the {epochs} epochs; `resume --epochs` writes this section");
        Err(WorkbenchError::field("extension.after", self.after, &valid))
    }
}
