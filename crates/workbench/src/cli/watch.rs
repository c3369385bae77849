use clap::Args;

use super::RunsOn;
use crate::progress::Verbosity;
use crate::session::{Experiment, Reporter, Session};
use crate::tensorboard::Recording;

/// How a run is watched; it does not change what comes of it.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct WatchArgs {
    /// Say in lines how far it has come; by default a terminal shows curves and cells, with keys.
    #[arg(long)]
    plain: bool,
    /// After every epoch, bring an event file for TensorBoard in the run folder up to date.
    #[arg(long)]
    tensorboard: bool,
}

impl WatchArgs {
    /// How much a run says.
    pub fn verbosity(&self, on: &RunsOn) -> Verbosity {
        match on.verbosity() {
            Verbosity::Normal if self.plain => Verbosity::Plain,
            verbosity => verbosity,
        }
    }

    /// Options with which a command that goes on with the run is watched in the same way.
    pub fn options(&self) -> Vec<String> {
        let options = [("--plain", self.plain), ("--tensorboard", self.tensorboard)];
        let given = options.into_iter().filter(|(_, given)| *given);
        given.map(|(option, _)| option.into()).collect()
    }

    /// Runs a session to the end.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub fn run<E: Experiment>(
        &self,
        session: Session<E>,
        reporter: &mut impl Reporter<E::Record>,
    ) -> Result<E::Outcome, E::Error> {
        if !self.tensorboard {
            return session.run(reporter);
        }
        let folder = session.folder().clone();
        let mut recording = Recording::start::<E::Record>(&folder, reporter);
        let outcome = session.run(&mut recording)?;
        recording.finish::<E::Record>();
        Ok(outcome)
    }
}
