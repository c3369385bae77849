use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;

use super::count::CountArgs;
use super::import::ImportArgs;
use super::sample::SampleArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Commands for networks of language.
#[derive(Debug, Subcommand)]
pub enum LanguageCommand {
    /// Write text with a network of language.
    Sample(SampleArgs),
    /// Make an exported network of a PyTorch state dict of DARTS' code.
    Import(ImportArgs),
    /// Print weights and multiply-adds of every layer.
    Count(CountArgs),
}

impl TaskCommands for LanguageCommand {
    fn prepare(self) -> Result<Option<Self>, TrainError> {
        match self {
            Self::Count(args) => args.run().map(|()| None),
            Self::Sample(_) | Self::Import(_) => Ok(Some(self)),
        }
    }

    fn backend(&self) -> Option<&str> {
        match self {
            Self::Sample(args) => args.runs_on.backend.as_deref(),
            Self::Import(args) => args.runs_on.backend.as_deref(),
            Self::Count(_) => None,
        }
    }

    fn run<B: TrainBackend>(self, selected: &Selected<B>) -> Result<(), TrainError> {
        match self {
            Self::Sample(args) => args.run::<B>(&selected.device),
            Self::Import(args) => args.run::<B::InnerBackend>(&selected.device),
            Self::Count(args) => args.run(),
        }
    }
}
