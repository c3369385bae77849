use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;
use workbench::cli::examples;

use super::count::CountArgs;
use super::import::ImportArgs;
use super::write::WriteArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Examples below the help of the commands.
mod help {
    pub(super) const SCENES: &str = "
  train scenes --out made
  train scenes --out made --count 100 --size 96 --seed 1

They are laid out as `--data-root made` takes images and masks.";

    pub(super) const IMPORT: &str = "
  train import weights.pt data-m4 --task scene --out theirs
  train import weights.pt darts-v2 --task scene --channels 16 --cells 8 --classes 2 --class-names ground,leaf \\
      --out theirs

What was imported is for `train predict`, `train eval` and `train export --onnx`.";

    pub(super) const COUNT: &str = "
  train count data-m4 --task scene                 as published for PASCAL VOC
  train count data-m4 --task scene --output-stride 8 --image 321x321";
}

/// Commands for networks that tell the class of every pixel.
#[derive(Debug, Subcommand)]
pub enum SceneCommand {
    /// Write stand-in scenes as files of images and masks.
    #[command(after_long_help = examples(help::SCENES))]
    Scenes(WriteArgs),
    /// Make an exported network of a PyTorch state dict.
    #[command(after_long_help = examples(help::IMPORT))]
    Import(ImportArgs),
    /// Print weights and multiply-adds of every layer.
    #[command(after_long_help = examples(help::COUNT))]
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
