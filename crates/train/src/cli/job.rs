use supernet::TrainBackend;
use workbench::backend::BackendName;
use workbench::run_folder::RunFolder;

use super::place::Place;
use super::{fit, network, predict};
use crate::portable::{Portable, TaskCommands};
use crate::tasks::{TaskCommand, TaskWork, dispatch};
use crate::trained::run_task;
use crate::{TrainError, TrainRecipe};

/// A command that is ready to run on some backend.
#[derive(Debug)]
pub struct Job {
    pub(super) work: Work,
    /// What it runs on.
    pub backend: BackendName,
}

/// A command that needs a device.
#[derive(Debug)]
pub(super) enum Work {
    Fit(Box<fit::FitCommand>),
    Resume(fit::ResumeArgs),
    Eval(network::EvalArgs),
    Export(network::ExportArgs),
    Predict(predict::PredictArgs),
    Task(Box<TaskCommand>),
}

impl Work {
    /// The backend asked for, if any.
    pub(super) fn backend(&self) -> Option<&str> {
        let runs_on = match self {
            Self::Fit(command) => &command.args.runs_on,
            Self::Resume(args) => &args.runs_on,
            Self::Eval(args) => &args.runs_on,
            Self::Export(args) => &args.runs_on,
            Self::Predict(args) => &args.runs_on,
            Self::Task(command) => return command.backend(),
        };
        runs_on.backend.as_deref()
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
        let place = Place {
            backend: self.backend,
            device,
            compiled,
        };
        let task = match &self.work {
            Work::Fit(command) => command.task()?,
            Work::Resume(args) => run_task(&RunFolder::open(&args.run)?)?,
            Work::Eval(args) => network::task(&args.network)?,
            Work::Export(args) => run_task(&RunFolder::open(&args.run)?)?,
            Work::Predict(args) => args.task()?,
            Work::Task(_) => {
                let Work::Task(command) = self.work else {
                    return Ok(());
                };
                return command.run::<B>(&place.probe()?);
            }
        };
        let work = self.work;
        dispatch(&task, OnBackend { work, place })
    }
}

struct OnBackend<'a, B: TrainBackend> {
    work: Work,
    place: Place<'a, B>,
}

impl<B: TrainBackend> TaskWork<B> for OnBackend<'_, B> {
    fn run<R: Portable + TrainRecipe<B>>(self) -> Result<(), TrainError> {
        let place = self.place;
        match self.work {
            Work::Fit(command) => command.run::<B, R>(place),
            Work::Resume(args) => args.run::<B, R>(place),
            Work::Eval(args) => args.run::<B, R>(place),
            Work::Export(args) => args.run::<B, R>(place),
            Work::Predict(args) => args.run::<B, R>(place),
            Work::Task(command) => command.run::<B>(&place.probe()?),
        }
    }
}
