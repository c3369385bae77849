//! The command that compares backends.

use clap::Args;
use supernet::TrainBackend;
use workbench::backend::BackendName;
use workbench::files;
use workbench::machine::hardware_on;
use workbench::portability::{Errand, PortabilityArgs, Tracer, Workload, adapters};

use super::fit::{Training, TrainingArgs, check_precision, open};
use super::place::Place;
use crate::page::MADE_BY;
use crate::tasks::{TaskName, for_task};
use crate::{FitConfig, Recipe, TrainError, TrainRecipe};

/// A training, and how backends are compared by it.
#[derive(Debug, Args)]
pub(super) struct PortabilityCommand {
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    portability: PortabilityArgs,
}

/// What the process of one backend is to do.
#[derive(Debug)]
pub(super) struct PortabilityErrand {
    pub(super) training: Training,
    pub(super) errand: Errand,
}

impl PortabilityCommand {
    /// Runs the training's first steps on every backend, each in a process of its own; where this is one of
    /// these, what it has to do is returned.
    pub(super) fn prepare(
        self,
        compiled: &[BackendName],
    ) -> Result<Option<PortabilityErrand>, TrainError> {
        let training = Training::new(self.training)?;
        if let Some(errand) = self.portability.errand() {
            return Ok(Some(PortabilityErrand { training, errand }));
        }
        let task = TaskName::find(&training.task()?)?;
        for_task!(task, R => compare::<R>(&training, &self.portability, compiled))?;
        Ok(None)
    }
}

fn compare<R: Recipe>(
    training: &Training,
    portability: &PortabilityArgs,
    compiled: &[BackendName],
) -> Result<(), TrainError> {
    let config = training.config::<R>()?;
    let workload = Workload {
        name: &config.name,
        binary: "train",
        config: config.to_toml()?,
        default: FitConfig::<R>::resolve(None, &[])?.to_toml()?,
        fingerprint: config.fingerprint()?,
        made_by: MADE_BY,
    };
    let TrainingArgs { run, runs_on, .. } = &training.args;
    Ok(portability.run(&workload, run, runs_on, compiled)?)
}

impl PortabilityErrand {
    /// Leaves what comparing backends asks of this one.
    pub(super) fn run<B: TrainBackend, R: TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let adapter = place.adapter.clone();
        let selected = place.probe()?;
        let (file, steps) = match self.errand {
            Errand::Adapters(file) => {
                let adapters = adapters::<B>(selected.name);
                return Ok(files::write_json(file, "the devices", &adapters)?);
            }
            Errand::Trace { file, steps } => (file, steps),
        };
        let tracer = Tracer::begin(steps);
        let config = self.training.config::<R>()?;
        check_precision(&config, selected.name)?;
        let (fit, _) = open::<B, R>(config, &selected, &self.training.args.runs_on)?;
        let hardware = hardware_on(&selected.label, adapter.as_deref());
        let trace = fit.trace(tracer, &selected.label, hardware, steps)?;
        Ok(files::write_json(file, "what the steps were", &trace)?)
    }
}
