use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;

use super::sample::SampleArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Commands for networks of language.
#[derive(Debug, Subcommand)]
pub enum LanguageCommand {
    /// Write text with a network of language.
    Sample(SampleArgs),
}

impl TaskCommands for LanguageCommand {
    fn prepare(self) -> Result<Option<Self>, TrainError> {
        Ok(Some(self))
    }

    fn backend(&self) -> Option<&str> {
        match self {
            Self::Sample(args) => args.runs_on.backend.as_deref(),
        }
    }

    fn run<B: TrainBackend>(self, selected: &Selected<B>) -> Result<(), TrainError> {
        match self {
            Self::Sample(args) => args.run::<B>(&selected.device),
        }
    }
}
