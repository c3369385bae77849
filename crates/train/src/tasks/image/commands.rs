use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;
use workbench::cli::examples;

use super::count::CountArgs;
use super::import::ImportArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Examples below the help of the commands.
mod help {
    pub(super) const IMPORT: &str = "
  train import cifar10.pt darts-v2 --channels 36 --cells 20 --classes 10 --out theirs \\
      --mean 0.4914,0.4822,0.4465 --std 0.2470,0.2435,0.2616
  train import checkpoint.pth.tar genotypes.py#DARTS_V2 --key model --channels 48 --cells 14 --classes 1000 \\
      --form imagenet --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --out theirs
  train import weights.pt darts-rnn-v2 --vocabulary penn --out theirs      a network of language
  train import weights.pt data-m4 --task scene --out theirs                one for scenes

What was imported is for `train predict`, `train eval` and `train export --onnx`.";

    pub(super) const COUNT: &str = "
  train count darts-v2 --auxiliary                  as published for CIFAR-10
  train count runs/digits --channels 16 --cells 3 --image 8x8 --image-channels 1
  train count data-m4 --channels 48 --cells 14 --classes 1000 --form imagenet
  train count darts-rnn-v2 --hidden 850             a network of language
  train count data-m4 --task scene                  one for scenes; --help with --task has their options";
}

/// Commands that only images have.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make an exported network of a PyTorch state dict of DARTS' code.
    #[command(after_long_help = examples(help::IMPORT))]
    Import(ImportArgs),
    /// Print weights and multiply-adds of every layer.
    #[command(after_long_help = examples(help::COUNT))]
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
