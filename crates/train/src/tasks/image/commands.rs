use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;

use super::count::CountArgs;
use super::import::ImportArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Commands that only images have.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make an exported network of a PyTorch state dict of DARTS' code.
    Import(ImportArgs),
    /// Print weights and multiply-adds of every layer.
    Count(CountArgs),
}

impl TaskCommands for ImageCommand {
    fn prepare(self) -> Result<Option<Self>, TrainError> {
        match self {
            Self::Count(args) => args.run().map(|()| None),
            Self::Import(_) => Ok(Some(self)),
        }
    }

    fn backend(&self) -> Option<&str> {
        match self {
            Self::Import(args) => args.runs_on.backend.as_deref(),
            Self::Count(_) => None,
        }
    }

    fn run<B: TrainBackend>(self, selected: &Selected<B>) -> Result<(), TrainError> {
        match self {
            Self::Import(args) => args.run::<B::InnerBackend>(&selected.device),
            Self::Count(args) => args.run(),
        }
    }
}
