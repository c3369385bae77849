//! The command line, apart from the choice of a backend's type.

mod count;
mod fit;
mod network;

use clap::{Args, Parser, Subcommand};
use supernet::TrainBackend;
use workbench::backend::BackendName;

use crate::{FitConfig, TrainError};

/// Retraining of derived networks.
#[derive(Debug, Parser)]
#[command(name = "train", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train cells from fresh weights and print the test error.
    Fit(fit::FitArgs),
    /// Continue a training from its last checkpoint.
    Resume(fit::ResumeArgs),
    /// Score a run or an exported network on test images.
    Eval(network::EvalArgs),
    /// Write a run's network as safetensors and JSON, for use elsewhere.
    Export(network::ExportArgs),
    /// Make an exported network of a PyTorch state dict of DARTS' code.
    Import(network::ImportArgs),
    /// Classify image files with an exported network.
    Predict(network::PredictArgs),
    /// Print weights and multiply-adds of every layer.
    Count(count::CountArgs),
}

#[derive(Debug, Args)]
struct HowArgs {
    /// Backend: flex (CPU), wgpu, vulkan or cuda, of those compiled in; by default the most capable.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Print nothing but the result.
    #[arg(long)]
    quiet: bool,
}

impl HowArgs {
    fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

/// A command that is ready to run on some backend.
#[derive(Debug)]
pub struct Job {
    task: Task,
    /// What it runs on.
    pub backend: BackendName,
}

#[derive(Debug)]
enum Task {
    Fit(Box<(FitConfig, fit::FitArgs)>),
    Resume(fit::ResumeArgs),
    Eval(network::EvalArgs),
    Export(network::ExportArgs),
    Import(network::ImportArgs),
    Predict(network::PredictArgs),
}

impl Cli {
    /// Does what needs no device; what needs one is returned, for the caller to run on the backend
    /// it names.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the arguments and files.
    pub fn prepare(self, compiled: &[BackendName]) -> Result<Option<Job>, TrainError> {
        let task = match self.command {
            Command::Count(args) => {
                args.run()?;
                return Ok(None);
            }
            Command::Fit(args) => Task::Fit(Box::new((args.config()?, args))),
            Command::Resume(args) => Task::Resume(args),
            Command::Eval(args) => Task::Eval(args),
            Command::Export(args) => Task::Export(args),
            Command::Import(args) => Task::Import(args),
            Command::Predict(args) => Task::Predict(args),
        };
        let backend = BackendName::choose(task.how().backend.as_deref(), compiled)?;
        Ok(Some(Job { task, backend }))
    }
}

impl Task {
    fn how(&self) -> &HowArgs {
        match self {
            Self::Fit(fit) => &fit.1.how,
            Self::Resume(args) => &args.how,
            Self::Eval(args) => &args.how,
            Self::Export(args) => &args.how,
            Self::Import(args) => &args.how,
            Self::Predict(args) => &args.how,
        }
    }
}

impl Job {
    /// Runs the command on a backend and prints what comes of it.
    ///
    /// # Errors
    ///
    /// Whatever stops it.
    pub fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
    ) -> Result<(), TrainError> {
        let backend = self.backend;
        let selected = backend.probe::<B>(device, compiled)?;
        match self.task {
            Task::Fit(fit) => {
                let (config, args) = *fit;
                args.run::<B>(config, backend, selected)
            }
            Task::Resume(args) => args.run::<B>(backend, selected),
            Task::Eval(args) => args.run::<B>(&selected.device),
            Task::Export(args) => args.run::<B>(&selected.device),
            Task::Import(args) => args.run::<B>(&selected.device),
            Task::Predict(args) => args.run::<B>(&selected.device),
        }
    }
}

/// Height and width, as in `32x32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sides([usize; 2]);

impl std::str::FromStr for Sides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (height, width) = text.split_once('x')?;
            Some(Self([height.parse().ok()?, width.parse().ok()?]))
        };
        parse().ok_or_else(|| "valid: height and width, such as 32x32".into())
    }
}
