use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use supernet::{ModelBackend, TrainBackend};
use workbench::cli::RunsOn;
use workbench::images::OnCorrupt;
use workbench::problem::{Problem, Split};
use workbench::run_folder::RunFolder;
use workbench::session::UnreadableReport;

use super::by_class::DetailArgs;
use super::place::Place;
use crate::export::{check_weights, exported_task, is_exported};
use crate::portable::{DataChoice, Portable};
use crate::trained::{read_config, run_task};
use crate::{
    ExportedNetwork, TrainError, TrainRecipe, Trainer, score_by_class, score_network,
    trained_network,
};

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// A run folder or an exported network.
    pub(super) network: PathBuf,
    /// Data set; by default the one it was trained on. Images are normalised as those the network
    /// was trained on.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Folder of the data set's files, where it is not bundled or has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// What to do about a file that cannot be read; by default what the run did, or stop.
    #[arg(long, value_enum)]
    on_corrupt: Option<OnCorruptArg>,
    #[command(flatten)]
    details: DetailArgs,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnCorruptArg {
    Skip,
    Stop,
}

impl From<OnCorruptArg> for OnCorrupt {
    fn from(argument: OnCorruptArg) -> Self {
        match argument {
            OnCorruptArg::Skip => Self::Skip,
            OnCorruptArg::Stop => Self::Stop,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The run folder.
    pub(super) run: PathBuf,
    /// Folder of the run's data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

/// The task of a run or an exported network.
pub(super) fn task(network: &Path) -> Result<String, TrainError> {
    match is_exported(network) {
        true => exported_task(network),
        false => run_task(&RunFolder::open(network)?),
    }
}

impl EvalArgs {
    pub(super) fn run<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let device = &place.probe()?.device;
        let choice = DataChoice {
            set: self.data,
            root: self.data_root,
            on_corrupt: self.on_corrupt.map(Into::into),
        };
        if is_exported(&self.network) {
            let exported = ExportedNetwork::<R>::read(&self.network)?;
            let problem = R::test_data(&exported.config, None, &choice)?;
            let network = exported.init::<B::InnerBackend>(device)?;
            check_weights(&self.network, &exported.weights)?;
            let recipe = R::of_export(&exported.config);
            return report(
                &recipe,
                &problem,
                &network,
                EVAL_BATCH,
                self.details,
                device,
            );
        }
        let folder = RunFolder::open(&self.network)?;
        // The root is that of the other data set, where there is one.
        let own = DataChoice {
            set: None,
            root: choice.root.clone().filter(|_| choice.set.is_none()),
            on_corrupt: choice.on_corrupt,
        };
        let config = R::with_data(read_config::<R>(&folder)?, &own);
        let trainer = Trainer::open(config)?;
        let trained = trained_network::<B, R>(&folder, &trainer, device)?;
        let other = match choice.set {
            Some(_) => {
                let export = R::export(&trainer, trained.epoch);
                let own = Some(&trainer.config.data);
                Some(R::test_data(&export, own, &choice)?)
            }
            None => None,
        };
        check_weights(&self.network, &R::state_dict(&trained.network))?;
        trained.notes.iter().for_each(|text| note(text));
        let batch_size = trainer.config.fit.pass_size();
        let problem = other.as_ref().unwrap_or(&trainer.problem);
        report(
            &trainer.recipe,
            problem,
            &trained.network,
            batch_size,
            self.details,
            device,
        )
    }
}

/// Examples of a pass; with running statistics it does not change the result.
const EVAL_BATCH: usize = 64;

pub(super) fn note(text: &str) {
    eprintln!("note: {text}");
}

fn report<B: ModelBackend, R: Portable>(
    recipe: &R,
    problem: &R::Problem,
    network: &R::Model<B>,
    batch_size: usize,
    details: DetailArgs,
    device: &B::Device,
) -> Result<(), TrainError> {
    details.check(problem)?;
    problem.notes().iter().for_each(|text| note(text));
    let split = Split::Test;
    let (score, examples, confusion) = match details.is_empty() {
        true => {
            let (score, examples) =
                score_network(recipe, problem, network, split, batch_size, device)?;
            (score, examples, None)
        }
        false => score_by_class(recipe, problem, network, split, batch_size, device)?,
    };
    let mut unreadable = UnreadableReport::default();
    unreadable.report(problem.unreadable(), note);
    unreadable.count(R::Problem::UNREADABLE, note);
    let metric = problem.metric();
    println!(
        "test {} {}, loss {:.4} on {} ({examples} {})",
        metric.name,
        metric.show(score.value),
        score.loss,
        problem.name(),
        R::Problem::EXAMPLES
    );
    if let Some(confusion) = confusion {
        print!("{}", details.text(problem, &confusion));
    }
    Ok(())
}

impl ExportArgs {
    pub(super) fn run<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let device = &place.probe()?.device;
        let folder = RunFolder::open(self.run)?;
        let choice = DataChoice {
            root: self.data_root,
            ..DataChoice::default()
        };
        let config = R::with_data(read_config::<R>(&folder)?, &choice);
        let trainer = Trainer::open(config)?;
        let trained = trained_network::<B, R>(&folder, &trainer, device)?;
        trained.notes.iter().for_each(|text| note(text));
        let exported = ExportedNetwork::<R> {
            weights: R::state_dict(&trained.network),
            config: R::export(&trainer, trained.epoch),
        };
        exported.write(&self.out)?;
        println!("wrote {}", self.out.display());
        Ok(())
    }
}
