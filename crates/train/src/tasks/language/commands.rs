use clap::Subcommand;
use supernet::TrainBackend;
use workbench::backend::Selected;
use workbench::cli::examples;

use super::count::CountArgs;
use super::import::ImportArgs;
use super::sample::SampleArgs;
use crate::TrainError;
use crate::portable::TaskCommands;

/// Examples below the help of the commands.
mod help {
    pub(super) const SAMPLE: &str = "
  train sample runs/fit-austen
  train sample exported --prompt 'It is a truth' --temperature 0.8 --tokens 200
  train sample runs/austen --top-k 20 --seed 1    of a search; another seed writes another text";

    pub(super) const IMPORT: &str = "
  train import weights.pt darts-rnn-v2 --vocabulary penn --out theirs
  train import weights.pt genotypes.py#DARTS_RNN --task language --vocabulary words.txt --out theirs

What was imported is for `train sample`, `train predict`, `train eval` and `train export --onnx`.";

    pub(super) const COUNT: &str = "
  train count darts-rnn-v2                         as published for Penn Treebank
  train count darts-rnn-v2 --hidden 128 --words 5000
  train count darts-rnn-v2 --cell lstm             an LSTM of as many weights";
}

/// Commands for networks of language.
#[derive(Debug, Subcommand)]
pub enum LanguageCommand {
    /// Write text with a network of language.
    #[command(after_long_help = examples(help::SAMPLE))]
    Sample(SampleArgs),
    /// Make an exported network of a PyTorch state dict of DARTS' code.
    #[command(after_long_help = examples(help::IMPORT))]
    Import(ImportArgs),
    /// Print weights and multiply-adds of every layer.
    #[command(after_long_help = examples(help::COUNT))]
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
