use supernet::TrainBackend;
use workbench::backend::BackendName;
use workbench::run_folder::{RunFolder, RunKind};

use super::place::Place;
use super::{export, fit, network, portability, predict, resume};
use crate::portable::Portable;
use crate::tasks::{TaskCommand, TaskName, for_task};
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
    Portability(Box<portability::PortabilityErrand>),
    Resume(resume::ResumeCommand),
    Eval(network::EvalArgs),
    Export(export::ExportArgs),
    Predict(predict::PredictArgs),
    Task(Box<TaskCommand>),
}

impl Work {
    /// The backend asked for, if any.
    pub(super) fn backend(&self) -> Option<&str> {
        let runs_on = match self {
            Self::Fit(command) => &command.training.args.runs_on,
            Self::Portability(errand) => &errand.training.args.runs_on,
            Self::Resume(args) => &args.runs_on,
            Self::Eval(args) => &args.runs_on,
            Self::Export(args) => &args.runs_on,
            Self::Predict(args) => &args.runs_on,
            Self::Task(command) => return command.backend(),
        };
        runs_on.backend.as_deref()
    }

    fn run<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        match self {
            Self::Fit(command) => command.run::<B, R>(place),
            Self::Portability(errand) => errand.run::<B, R>(place),
            Self::Resume(command) => command.run::<B, R>(place),
            Self::Eval(args) => args.run::<B, R>(place),
            Self::Export(args) => args.run::<B, R>(place),
            Self::Predict(args) => args.run::<B, R>(place),
            Self::Task(command) => command.run::<B>(&place.probe()?),
        }
    }
}

impl Job {
    /// Whether it tells which device and driver it ran on.
    pub fn describes_device(&self) -> bool {
        matches!(&self.work, Work::Portability(portability) if portability.errand.is_trace())
    }

    /// Runs the command on a backend and prints what comes of it; `adapter` is the device where it is
    /// [described](Self::describes_device).
    ///
    /// # Errors
    ///
    /// Whatever stops it.
    pub fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
        adapter: Option<String>,
    ) -> Result<(), TrainError> {
        let place = Place {
            adapter,
            backend: self.backend,
            device,
            compiled,
        };
        let task = match &self.work {
            Work::Fit(command) => command.training.task()?,
            Work::Portability(errand) => errand.training.task()?,
            Work::Resume(command) => {
                let folder = RunFolder::open_as(&command.resume.run, RunKind::Training)?;
                run_task(&folder)?
            }
            Work::Eval(args) => network::task(&args.network)?,
            Work::Export(args) => network::task(&args.network)?,
            Work::Predict(args) => args.task()?,
            Work::Task(_) => {
                let Work::Task(command) = self.work else {
                    return Ok(());
                };
                return command.run::<B>(&place.probe()?);
            }
        };
        for_task!(TaskName::find(&task)?, R => self.work.run::<B, R>(place))
    }
}
