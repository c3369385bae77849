use std::path::{Path, PathBuf};

use burn::tensor::backend::AutodiffBackend;
use clap::{Args, ValueEnum};
use supernet::{ModelBackend, TrainBackend};
use workbench::cli::RunsOn;
use workbench::images::OnCorrupt;
use workbench::problem::{Problem, Split};
use workbench::run_folder::{RunFolder, RunKind};
use workbench::session::UnreadableReport;

use super::by_class::DetailArgs;
use super::display::published_text;
use super::place::Place;
use super::views::ViewArgs;
use crate::child::{child_of, choice_of_search};
use crate::export::{check_weights, exported_task, is_exported};
use crate::portable::{DataChoice, Inherited, Portable, Views};
use crate::trained::{read_config, remembered_data, run_task};
use crate::{
    ExportedNetwork, Judging, Recipe, TrainError, TrainRecipe, Trainer, score_by_class,
    score_network, trained_network,
};

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// A run folder, also of a search, or an exported network.
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
    views: ViewArgs,
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

/// The task of a run or an exported network.
pub(super) fn task(network: &Path) -> Result<String, TrainError> {
    match is_exported(network) {
        true => exported_task(network),
        false => task_of_run(network),
    }
}

/// The task of a run.
fn task_of_run(run: &Path) -> Result<String, TrainError> {
    run_task(&RunFolder::open(run)?)
}

impl EvalArgs {
    pub(super) fn run<B: TrainBackend, R: Portable + TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let views = self.views.views::<R>()?;
        let device = &place.probe()?.device;
        let asked = (self.details, &views);
        let choice = DataChoice {
            set: self.data,
            root: self.data_root,
            on_corrupt: self.on_corrupt.map(Into::into),
        };
        if is_exported(&self.network) {
            return score_exported::<B::InnerBackend, R>(&self.network, &choice, asked, device);
        }
        let folder = RunFolder::open(&self.network)?;
        if folder.kind()? == Some(RunKind::Search) {
            let choice = choice_of_search::<R>(&folder, choice)?;
            let child = child_of(&folder)?;
            return score_exported::<B::InnerBackend, R>(&child, &choice, asked, device);
        }
        let (trainer, data) = open_run::<R>(&folder, &choice)?;
        let trained = trained_network::<B, R>(&folder, &trainer, device)?;
        let other = match data {
            Data::Other => {
                let export = R::export(&trainer, trained.epoch);
                let own = Some(&trainer.config.data);
                Some(R::test_data(&export, own, &choice)?)
            }
            Data::Own => None,
        };
        check_weights(&self.network, &R::state_dict(&trained.network))?;
        trained.notes.iter().for_each(|text| note(text));
        let batch_size = trainer.config.fit.pass_size();
        let problem = other.as_ref().unwrap_or(&trainer.problem);
        let judged = [(Judging::running(batch_size), "")];
        let recipe = trainer.recipe.clone().with_views(&views);
        report(
            &recipe,
            problem,
            &trained.network,
            judged,
            self.details,
            device,
        )
    }
}

/// Whether a run is scored on the data that it was trained with.
enum Data {
    Own,
    Other,
}

/// Opens a run to score it. A folder without the name of a set holds the run's own data, moved, or
/// others of its kind.
fn open_run<R: Portable>(
    folder: &RunFolder,
    choice: &DataChoice,
) -> Result<(Trainer<R>, Data), TrainError> {
    let config = read_config::<R>(folder)?;
    let own = DataChoice {
        on_corrupt: choice.on_corrupt,
        ..DataChoice::default()
    };
    let at_home = |config| Trainer::<R>::open(R::with_data(config, &own));
    if choice.set.is_some() {
        return Ok((at_home(config)?, Data::Other));
    }
    if choice.root.is_none() {
        return Ok((at_home(config)?, Data::Own));
    }
    match Trainer::open(R::with_data(config.clone(), choice)) {
        Ok(there) if there.problem.description() == remembered_data(folder)? => {
            Ok((there, Data::Own))
        }
        // Where its own data are gone, the others say how many classes there are.
        there => Ok((at_home(config).or(there)?, Data::Other)),
    }
}

/// Scores an exported network; one that inherits its weights as its search scored it, too.
fn score_exported<B: ModelBackend, R: Portable>(
    network: &Path,
    choice: &DataChoice,
    (details, views): (DetailArgs, &Views),
    device: &B::Device,
) -> Result<(), TrainError> {
    let exported = ExportedNetwork::<R>::read(network)?;
    check_weights(network, &exported.weights)?;
    let problem = R::test_data(&exported.config, None, choice)?;
    let network = exported.init::<B>(device)?;
    let recipe = R::of_export(&exported.config).with_views(views);
    let running = Judging::running(EVAL_BATCH);
    match R::inherited(&exported.config) {
        None => {
            let judged = [(running, "")];
            report(&recipe, &problem, &network, judged, details, device)
        }
        Some(inherited) => {
            let judged = [
                (inherited.judging(), BATCH_STATISTICS),
                (running, RUNNING_STATISTICS),
            ];
            report(&recipe, &problem, &network, judged, details, device)
        }
    }
}

/// What a network takes, and the network.
type Asked<B, R> = (
    <R as Portable>::Export,
    <R as Recipe>::Model<<B as AutodiffBackend>::InnerBackend>,
);

/// The network of a run, a search's child or an export, to be asked about something. `root` is where the
/// data of a run lie, if they have moved.
///
/// # Errors
///
/// When it cannot be read or its weights are no numbers.
pub(crate) fn network_in<B: TrainBackend, R: Portable + TrainRecipe<B>>(
    network: &Path,
    root: Option<&Path>,
    device: &B::Device,
) -> Result<Asked<B, R>, TrainError> {
    let (export, model) = match is_exported(network) {
        true => exported_in::<B, R>(network, device)?,
        false => {
            let folder = RunFolder::open(network)?;
            match folder.kind()? {
                Some(RunKind::Search) => exported_in::<B, R>(&child_of(&folder)?, device)?,
                _ => trained_in::<B, R>(&folder, root, device)?,
            }
        }
    };
    check_weights(network, &R::state_dict(&model))?;
    Ok((export, model))
}

fn exported_in<B: TrainBackend, R: Portable + TrainRecipe<B>>(
    folder: &Path,
    device: &B::Device,
) -> Result<Asked<B, R>, TrainError> {
    let exported = ExportedNetwork::<R>::read(folder)?;
    let network = exported.init::<B::InnerBackend>(device)?;
    let inherited = R::inherited(&exported.config);
    inherited.iter().for_each(note_inherited);
    Ok((exported.config, network))
}

fn trained_in<B: TrainBackend, R: Portable + TrainRecipe<B>>(
    folder: &RunFolder,
    root: Option<&Path>,
    device: &B::Device,
) -> Result<Asked<B, R>, TrainError> {
    let choice = DataChoice {
        root: root.map(Path::to_path_buf),
        ..DataChoice::default()
    };
    let trainer = Trainer::open(R::with_data(read_config::<R>(folder)?, &choice))?;
    let trained = trained_network::<B, R>(folder, &trainer, device)?;
    trained.notes.iter().for_each(|text| note(text));
    Ok((R::export(&trainer, trained.epoch), trained.network))
}

const BATCH_STATISTICS: &str = ", with the statistics of each batch, as the search scores it";
const RUNNING_STATISTICS: &str =
    ", with the running statistics that it inherits, averages over other architectures";

/// Examples of a pass; with running statistics it does not change the result.
const EVAL_BATCH: usize = 64;

pub(super) fn note_inherited(inherited: &Inherited) {
    note(&format!(
        "the network is a search's child with inherited weights: the search scores it with the statistics \
         of batches of {}, and its running statistics, which answer single files, are averages over other \
         architectures; `train fit` trains its cells",
        inherited.batch_size
    ));
}

pub(super) fn note(text: &str) {
    eprintln!("note: {text}");
}

/// Prints the test score, once for each way of scoring; a few words say which it is.
fn report<B: ModelBackend, R: Portable, const N: usize>(
    recipe: &R,
    problem: &R::Problem,
    network: &R::Model<B>,
    judged: [(Judging, &str); N],
    details: DetailArgs,
    device: &B::Device,
) -> Result<(), TrainError> {
    details.check(problem)?;
    problem.notes().iter().for_each(|text| note(text));
    let mut unreadable = UnreadableReport::default();
    let metric = problem.metric();
    for (how, words) in judged {
        let split = Split::Test;
        let (score, examples, confusion) = match details.is_empty() {
            true => {
                let (score, examples) =
                    score_network(recipe, problem, network, split, how, device)?;
                (score, examples, None)
            }
            false => score_by_class(recipe, problem, network, split, how, device)?,
        };
        unreadable.report(problem.unreadable(), note);
        let published = problem.published_value(split, how.batch_size, &score);
        println!(
            "test {} {}{}, loss {:.4} on {} ({examples} {}){words}",
            metric.name,
            metric.show(score.value),
            published_text(&metric, score.value, published),
            score.loss,
            problem.name(),
            R::Problem::EXAMPLES
        );
        if let Some(confusion) = confusion {
            print!("{}", details.text(problem, &confusion));
        }
    }
    unreadable.count(R::Problem::UNREADABLE, note);
    Ok(())
}
