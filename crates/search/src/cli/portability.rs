//! The command that compares backends.

use clap::Args;
use workbench::backend::BackendName;
use workbench::portability::{PortabilityArgs, Workload};

use super::StartArgs;
use crate::job::{ConfigText, without_warm_up};
use crate::page::MADE_BY;
use crate::{SearchConfig, SearchError, Task};

/// A search, and how backends are compared by it.
#[derive(Debug, Args)]
pub(super) struct PortabilityCommand {
    #[command(flatten)]
    pub(super) start: StartArgs,
    #[command(flatten)]
    pub(super) portability: PortabilityArgs,
}

impl PortabilityCommand {
    /// Runs the search's first steps on every backend, each in a process of its own.
    pub(super) fn compare<T: Task>(
        &self,
        config: &ConfigText,
        compiled: &[BackendName],
    ) -> Result<(), SearchError> {
        let config = without_warm_up(config.resolve::<T>()?);
        let workload = Workload {
            name: &config.name,
            binary: "search",
            config: config.to_toml()?,
            default: SearchConfig::<T>::resolve(None, &[])?.to_toml()?,
            fingerprint: config.fingerprint()?,
            made_by: MADE_BY,
        };
        let StartArgs { run, on, .. } = &self.start;
        Ok(self.portability.run(&workload, run, on, compiled)?)
    }
}
