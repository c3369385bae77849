//! The command line, apart from the choice of a backend's type.

mod by_class;
mod display;
mod export;
mod fit;
mod help;
mod job;
mod line;
mod network;
mod page;
mod place;
mod portability;
mod predict;
mod resume;
mod views;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use workbench::backend::BackendName;
use workbench::cli::{
    CompareArgs, CompletionArgs, ConfigFile, ConfigQuery, ConfigQuestion, ManArgs, TensorboardArgs,
    examples, examples_and_exit_codes,
};
use workbench::config::{DEFAULT_TASK, task_name};
use workbench::run_folder::RunKind;

use crate::page::MADE_BY;
use crate::tasks::{TaskCommand, TaskName, for_task};
use crate::{FitConfig, Recipe, TrainError};

pub use display::epoch_table;
pub use job::Job;
use job::Work;
pub(crate) use network::network_in;

/// Trains the networks of searched or published cells, scores them, and asks or exports what was trained.
#[derive(Debug, Parser)]
#[command(
    name = "train",
    version,
    after_long_help = examples_and_exit_codes(help::TRAIN)
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train cells from fresh weights and print the test score.
    #[command(after_long_help = examples(help::FIT))]
    Fit(Box<fit::FitArgs>),
    /// Continue a training from its last checkpoint, or beyond its end with --epochs.
    #[command(after_long_help = examples(help::RESUME))]
    Resume(resume::ResumeCommand),
    /// Score a run, a search's child or an exported network on test data.
    #[command(after_long_help = examples(help::EVAL))]
    Eval(network::EvalArgs),
    /// Write the network of a run or a search's child for use elsewhere: safetensors and JSON, or ONNX.
    #[command(after_long_help = examples(help::EXPORT))]
    Export(export::ExportArgs),
    /// Take the steps of one training on every backend, and compare what comes of them and how long they take.
    #[command(after_long_help = examples(help::PORTABILITY))]
    Portability(Box<portability::PortabilityCommand>),
    /// Ask a network about files: pictures or texts.
    #[command(after_long_help = examples(help::PREDICT))]
    Predict(predict::PredictArgs),
    /// Write the page of a run, or of several seeds, again from what lies in its folder.
    #[command(after_long_help = examples(help::REPORT))]
    Report {
        /// The run folder, or the one that `fit --seeds` filled.
        run: PathBuf,
    },
    /// Put trainings side by side: what their settings differ in, scores, times and weights.
    #[command(after_long_help = examples(help::COMPARE))]
    Compare(CompareArgs),
    /// Print or check a configuration.
    #[command(after_long_help = examples(help::CONFIG))]
    Config(ConfigQuery),
    /// Write the curves of runs as event files for TensorBoard.
    #[command(after_long_help = examples(help::TENSORBOARD))]
    Tensorboard(TensorboardArgs),
    /// Print a script with which a shell completes these commands.
    #[command(after_long_help = examples(help::COMPLETIONS))]
    Completions(CompletionArgs),
    /// Write a man page for each command.
    #[command(after_long_help = examples(help::MAN))]
    Man(ManArgs),
    #[command(skip)]
    Task(Box<TaskCommand>),
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
            Command::Fit(args) => Work::Fit(Box::new(fit::FitCommand::new(*args)?)),
            Command::Portability(command) => match command.prepare(compiled)? {
                Some(errand) => Work::Portability(Box::new(errand)),
                None => return Ok(None),
            },
            Command::Resume(args) => Work::Resume(args),
            Command::Eval(args) => Work::Eval(args),
            Command::Export(args) => Work::Export(args),
            Command::Predict(args) => Work::Predict(args),
            Command::Report { run } => {
                page::report(&run)?;
                return Ok(None);
            }
            Command::Compare(args) => {
                args.run(RunKind::Training, MADE_BY)?;
                return Ok(None);
            }
            Command::Config(query) => {
                answer(query)?;
                return Ok(None);
            }
            Command::Tensorboard(args) => {
                args.run()?;
                return Ok(None);
            }
            Command::Completions(args) => {
                args.run(Self::commands());
                return Ok(None);
            }
            Command::Man(args) => {
                args.run(Self::commands())?;
                return Ok(None);
            }
            Command::Task(command) => match command.prepare()? {
                Some(command) => Work::Task(Box::new(command)),
                None => return Ok(None),
            },
        };
        let backend = BackendName::choose(work.backend(), compiled)?;
        Ok(Some(Job { work, backend }))
    }
}

/// Prints the defaults of a task, or says that a file is valid.
fn answer(query: ConfigQuery) -> Result<(), TrainError> {
    match query.question()? {
        ConfigQuestion::Default(task) => {
            let task = TaskName::find(task.as_deref().unwrap_or(DEFAULT_TASK))?;
            for_task!(task, R => print!("{}", R::DEFAULTS));
        }
        ConfigQuestion::Check(path) => {
            let file = ConfigFile::read(&path)?;
            let task = TaskName::find(&task_name(Some(file.source()), &[])?)?;
            for_task!(task, R => FitConfig::<R>::resolve(Some(file.source()), &[]).map(drop))?;
            println!("{} is valid", path.display());
        }
    }
    Ok(())
}
