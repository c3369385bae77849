//! The command line, apart from the choice of a backend's type.

mod by_class;
mod display;
mod fit;
mod job;
mod network;
mod place;
mod predict;

use clap::{Parser, Subcommand};
use workbench::backend::BackendName;

use crate::TrainError;
use crate::portable::TaskCommands;
use crate::tasks::TaskCommand;

pub use job::Job;
use job::Work;

/// Retraining of derived networks.
#[derive(Debug, Parser)]
#[command(name = "train", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train cells from fresh weights and print the test score.
    Fit(fit::FitArgs),
    /// Continue a training from its last checkpoint.
    Resume(fit::ResumeArgs),
    /// Score a run or an exported network on test data.
    Eval(network::EvalArgs),
    /// Write a run's network as safetensors and JSON, for use elsewhere.
    Export(network::ExportArgs),
    /// Ask a network about files.
    Predict(predict::PredictArgs),
    #[command(flatten)]
    Task(TaskCommand),
}

impl Cli {
    /// Does what needs no device; what needs one is returned, for the caller to run on the backend
    /// it names.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the arguments and files.
    pub fn prepare(self, compiled: &[BackendName]) -> Result<Option<Job>, TrainError> {
        let work = match self.command {
            Command::Fit(args) => Work::Fit(Box::new(fit::FitCommand::new(args)?)),
            Command::Resume(args) => Work::Resume(args),
            Command::Eval(args) => Work::Eval(args),
            Command::Export(args) => Work::Export(args),
            Command::Predict(args) => Work::Predict(args),
            Command::Task(command) => match command.prepare()? {
                Some(command) => Work::Task(Box::new(command)),
                None => return Ok(None),
            },
        };
        let backend = BackendName::choose(work.backend(), compiled)?;
        Ok(Some(Job { work, backend }))
    }
}
