use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;

use super::count::CountArgs;
use super::import::ImportArgs;
use super::write::WriteArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Commands for networks that tell the class of every pixel.
#[derive(Debug, Subcommand)]
pub enum SceneCommand {
    /// Write stand-in scenes as files of images and masks.
    Scenes(WriteArgs),
    /// Make an exported network of a PyTorch state dict.
    Import(ImportArgs),
    /// Print weights and multiply-adds of every layer.
    Count(CountArgs),
}

impl TaskCommands for SceneCommand {
    fn prepare(self) -> Result<Option<Self>, TrainError> {
        match self {
            Self::Scenes(args) => args.run().map(|()| None),
            Self::Count(args) => args.run().map(|()| None),
            Self::Import(_) => Ok(Some(self)),
        }
    }

    fn backend(&self) -> Option<&str> {
        match self {
            Self::Import(args) => args.runs_on.backend.as_deref(),
            Self::Scenes(_) | Self::Count(_) => None,
        }
    }

    fn run<B: TrainBackend>(self, selected: &Selected<B>) -> Result<(), TrainError> {
        match self {
            Self::Import(args) => args.run::<B::InnerBackend>(&selected.device),
            Self::Scenes(args) => args.run(),
            Self::Count(args) => args.run(),
        }
    }
}
