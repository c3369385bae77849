//! How a training goes on: where its data lie now, and for how long.

use clap::Args;
use supernet::TrainBackend;
use workbench::checkpoint;
use workbench::cli::{ResumeArgs, RunsOn, WatchArgs, extended_schedule};
use workbench::run_folder::{RunFolder, RunKind};
use workbench::session::Extension;

use super::fit::{Manner, check_precision, resume};
use super::place::Place;
use crate::trained::read_config;
use crate::{FitConfig, Recipe, TrainError, TrainRecipe};

#[derive(Debug, Args)]
pub(super) struct ResumeCommand {
    #[command(flatten)]
    pub(super) resume: ResumeArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

impl ResumeCommand {
    pub(super) fn run<B: TrainBackend, R: TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let folder = RunFolder::open_as(&self.resume.run, RunKind::Training)?;
        let config = read_config::<R>(&folder)?;
        let config = config.with_root(self.resume.data_root.as_deref())?;
        let config = match self.resume.epochs {
            Some(epochs) => self.extended(&folder, config, epochs)?,
            None => config,
        };
        check_precision(&config, place.backend)?;
        let manner = Manner {
            runs_on: &self.runs_on,
            watch: &self.watch,
        };
        resume(folder, config, &place.probe()?, manner)?;
        Ok(())
    }

    fn extended<R: Recipe>(
        &self,
        folder: &RunFolder,
        mut config: FitConfig<R>,
        epochs: usize,
    ) -> Result<FitConfig<R>, TrainError> {
        let before = config.clone();
        let rate = self.resume.learning_rate.as_deref();
        if epochs == before.fit.epochs && rate.is_none() {
            return Ok(config);
        }
        config.fit.epochs = epochs;
        // Without a checkpoint nothing was trained along the schedule.
        if let Some(loaded) = checkpoint::load_latest(folder.path())? {
            config.extension = Some(Extension::of(&loaded, epochs)?);
            config.weights.learning_rate = extended_schedule(
                "weights.learning_rate",
                "learning-rate",
                rate,
                before.weights.learning_rate,
                before.fit.epochs,
            )?;
            note_figures(&before, &config, loaded.index as usize);
        }
        config.validate()?;
        Ok(config)
    }
}

/// Says which figures of the task follow the number of epochs, and so change where a run goes on.
fn note_figures<R: Recipe>(before: &FitConfig<R>, after: &FitConfig<R>, epoch: usize) {
    let (before, after) = (R::figures(before, epoch), R::figures(after, epoch));
    for (name, value) in after {
        if let Some(earlier) = before.get(&name).filter(|earlier| **earlier != value) {
            eprintln!(
                "note: `{name}` depends on the number of epochs: it goes on with {value}, not {earlier}"
            );
        }
    }
}
