use std::path::{Path, PathBuf};

use clap::Args;
use supernet::TrainBackend;
use toml::{Table, Value};
use workbench::backend::{BackendName, Selected};
use workbench::cli::{
    ConfigFile, MemoryNeed, RunArgs, RunsOn, Shorthands, WatchArgs, command, set_field, set_text,
    this_command,
};
use workbench::config::{DEFAULT_TASK, parse_table, stated, task_name};
use workbench::progress::{Progress, RunAbout};
use workbench::record::FitOutcome;
use workbench::run_folder::RunFolder;
use workbench::seeds::Seeds;
use workbench::session::{Experiment, Session};
use workbench::{WorkbenchError, files, interrupt};

use super::display::{epoch_table, print_outcome, seeds_text};
use super::network::note;
use super::page::write_seeds_page;
use super::place::Place;
use crate::genotype::folder_of_cells;
use crate::tasks::{AllShorthands, task_of_cells};
use crate::trained::{read_config, run_task};
use crate::{Fit, FitConfig, Recipe, TrainError, TrainRecipe, Trainer};

/// What is trained, and on what.
#[derive(Debug, Args)]
pub(super) struct TrainingArgs {
    /// Published cells by name, such as darts-v2, a genotype file or the run folder of a search,
    /// whose data are learned where no others are named; FILE#NAME is one of several in a file. By default the configuration's.
    genotype: Option<String>,
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Learning rate at the start (--set weights.learning_rate.from).
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    learning_rate: Option<String>,
    #[command(flatten)]
    shorthands: Shorthands<AllShorthands>,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

#[derive(Debug, Args)]
pub(super) struct FitArgs {
    #[command(flatten)]
    training: TrainingArgs,
    /// Go on with a training of the same settings in the run folder; one that is finished is kept.
    #[arg(long = "continue", requires = "out")]
    go_on: bool,
    /// Write the result as JSON to this file too.
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    result: Option<PathBuf>,
    #[command(flatten)]
    watch: WatchArgs,
}

/// How a training runs and is watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner<'a> {
    pub(super) runs_on: &'a RunsOn,
    pub(super) watch: &'a WatchArgs,
}

/// What is trained, its configuration file read.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) args: TrainingArgs,
    file: Option<ConfigFile>,
    /// Fields that the options of all tasks set.
    overrides: Vec<String>,
}

/// `train fit`, its configuration file read.
#[derive(Debug)]
pub(super) struct FitCommand {
    pub(super) training: Training,
    seeds: Option<Seeds>,
    go_on: bool,
    result: Option<PathBuf>,
    watch: WatchArgs,
}

impl TrainingArgs {
    fn overrides(&self) -> Vec<String> {
        let genotype = self.genotype.as_deref();
        let rate = self.learning_rate.as_deref();
        let options = [
            genotype.map(|genotype| set_text("genotype", genotype)),
            rate.map(|rate| set_field("weights.learning_rate.from", rate)),
        ];
        let mut set = self.run.overrides("fit");
        set.extend(options.into_iter().flatten());
        set
    }
}

impl Training {
    /// # Errors
    ///
    /// When the configuration file cannot be read.
    pub(super) fn new(args: TrainingArgs) -> Result<Self, TrainError> {
        Ok(Self {
            file: args.run.config.file()?,
            overrides: args.overrides(),
            args,
        })
    }

    /// The task that is trained for: the one that is named, or the one that the cells are of.
    pub(super) fn task(&self) -> Result<String, TrainError> {
        let file = self.file.as_ref().map(ConfigFile::source);
        let stated = stated(file, &self.overrides)?;
        let cells = stated.get("genotype").and_then(Value::as_str);
        match cells.filter(|_| !stated.contains_key("task")) {
            Some(cells) => {
                Ok(task_of_cells(cells).map_or(DEFAULT_TASK.into(), |task| task.name().into()))
            }
            None => Ok(task_name(file, &self.overrides)?),
        }
    }

    /// The configuration. Where its data are those of the run whose cells it trains, that is said.
    pub(super) fn config<R: Recipe>(&self) -> Result<FitConfig<R>, TrainError> {
        let own = self.args.shorthands.overrides(R::SHORTHANDS)?;
        let mut overrides = [&self.overrides[..], &own].concat();
        let file = self.file.as_ref().map(ConfigFile::source);
        let stated = stated(file, &overrides)?;
        if let Some((run, data)) = data_of_run::<R>(&stated)? {
            let of = run.display();
            note(&format!("the data are those of {of}; --data names others"));
            overrides.splice(0..0, data);
        }
        FitConfig::resolve(file, &overrides)
    }
}

/// The run whose cells are stated, and the fields of its data that are not, where its data are to be learned:
/// not where a data set is named, nor where a folder is and the run's data lie in none.
fn data_of_run<R: Recipe>(stated: &Table) -> Result<Option<(PathBuf, Vec<String>)>, TrainError> {
    let cells = stated.get("genotype").and_then(Value::as_str);
    let Some(folder) = cells.and_then(folder_of_cells::<R>).map(RunFolder::at) else {
        return Ok(None);
    };
    let config = folder.config();
    if !config.is_file() || run_task(&folder)? != R::NAME {
        return Ok(None);
    }
    let name = config.display().to_string();
    let table = parse_table(&files::read_to_string(&config)?, &name)?;
    let in_run = |field: &str| table.get("data")?.get(field);
    let is_stated = |field: &str| {
        stated
            .get("data")
            .is_some_and(|data| data.get(field).is_some())
    };
    if is_stated("set") || is_stated("root") && in_run("root").is_none() {
        return Ok(None);
    }
    let missing = R::DATA_SOURCE.iter().filter(|field| !is_stated(field));
    let fields = missing.filter_map(|field| {
        let value = in_run(field)?.to_string();
        Some(set_field(&format!("data.{field}"), &value))
    });
    Ok(Some((folder.path().into(), fields.collect())))
}

impl FitCommand {
    /// # Errors
    ///
    /// When the configuration file cannot be read or the seeds are none.
    pub(super) fn new(args: FitArgs) -> Result<Self, TrainError> {
        Ok(Self {
            seeds: args.training.run.seeds()?,
            training: Training::new(args.training)?,
            go_on: args.go_on,
            result: args.result,
            watch: args.watch,
        })
    }

    pub(super) fn run<B: TrainBackend, R: TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let config = self.training.config::<R>()?;
        check_precision(&config, place.backend)?;
        let args = self.training.args;
        self.result.as_deref().map_or(Ok(()), check_result_file)?;
        let selected = place.probe()?;
        let manner = Manner {
            runs_on: &args.runs_on,
            watch: &self.watch,
        };
        if let Some(seeds) = self.seeds {
            let default = || PathBuf::from(format!("runs/{}-seeds", config.name));
            let folder = args.run.out.unwrap_or_else(default);
            return fit_seeds(&folder, &config, &seeds, &selected, manner);
        }
        let outcome = match args.run.out {
            Some(path) if self.go_on => start_or_go_on(path, config, &selected, manner)?,
            out => start(out, config, &selected, manner)?,
        };
        match &self.result {
            Some(path) => Ok(files::write_json(path, "the result", &outcome)?),
            None => Ok(()),
        }
    }
}

fn check_result_file(path: &Path) -> Result<(), TrainError> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(TrainError::Option {
                option: "result",
                found: format!("in `{}`, which does not exist", folder.display()),
                valid: "a file in a folder that exists".into(),
            })
        }
        _ => Ok(()),
    }
}

/// A training into a new folder.
fn start<B: TrainBackend, R: TrainRecipe<B>>(
    out: Option<PathBuf>,
    config: FitConfig<R>,
    selected: &Selected<B>,
    manner: Manner<'_>,
) -> Result<FitOutcome, TrainError> {
    let name = config.name.clone();
    let folder = || match out {
        Some(path) => RunFolder::create_at(path),
        None => RunFolder::create("runs", &name, None),
    };
    let (fit, memory) = open::<B, R>(config, selected, manner.runs_on)?;
    let (fit, notes) = fit.begin()?;
    notes.iter().for_each(|text| note(text));
    let session = Session::start(fit, folder, &selected.label)?;
    train(session, memory, &selected.label, manner)
}

fn start_or_go_on<B: TrainBackend, R: TrainRecipe<B>>(
    path: PathBuf,
    config: FitConfig<R>,
    selected: &Selected<B>,
    manner: Manner<'_>,
) -> Result<FitOutcome, TrainError> {
    let folder = RunFolder::at(path);
    match folder.config().exists() {
        true => go_on(folder, config, selected, manner),
        false => start(Some(folder.path().into()), config, selected, manner),
    }
}

/// Trains with every seed, into `seed-SEED` of the folder. What is finished is kept and what is begun is
/// resumed, so the same command continues after an interruption. At the end all are told in a table.
fn fit_seeds<B: TrainBackend, R: TrainRecipe<B>>(
    folder: &Path,
    config: &FitConfig<R>,
    seeds: &Seeds,
    selected: &Selected<B>,
    manner: Manner<'_>,
) -> Result<(), TrainError> {
    let mut ends: Vec<FitOutcome> = Vec::new();
    for &seed in seeds.as_slice() {
        if let Some(before) = ends.last().filter(|_| interrupt::is_asked()) {
            return Err(WorkbenchError::Interrupted {
                done: format!("seed {}, which is finished", before.seed),
                resume: this_command("train"),
            }
            .into());
        }
        let config = FitConfig {
            seed,
            ..config.clone()
        };
        let path = folder.join(format!("seed-{seed}"));
        ends.push(start_or_go_on(path, config, selected, manner)?);
    }
    write_seeds_page(folder, &ends)?;
    print!("{}", seeds_text(&ends));
    Ok(())
}

/// Opens a training whose step fits into memory, and says how much of it a step needs.
pub(super) fn open<B: TrainBackend, R: TrainRecipe<B>>(
    config: FitConfig<R>,
    selected: &Selected<B>,
    runs_on: &RunsOn,
) -> Result<(Fit<B, R>, Option<MemoryNeed>), TrainError> {
    let trainer = Trainer::open(config)?;
    let advice = |fits: &dyn Fn(u64) -> bool| trainer.memory_advice(fits);
    let memory = runs_on.check_memory(selected.name, trainer.step_bytes(), advice)?;
    Ok((Fit::of_trainer(trainer, &selected.device)?, memory))
}

/// Resumes a run, which must have this configuration, or says again how it ended.
fn go_on<B: TrainBackend, R: TrainRecipe<B>>(
    folder: RunFolder,
    config: FitConfig<R>,
    selected: &Selected<B>,
    manner: Manner<'_>,
) -> Result<FitOutcome, TrainError> {
    let begun = read_config::<R>(&folder)?;
    if !begun.is_run_of(&config)? {
        let problem = "was trained with other settings; valid with --out is a folder of the same \
                       settings or one that does not exist";
        return Err(folder.refused(problem).into());
    }
    if !folder.result().exists() {
        // The data may have moved.
        let name = begun.name;
        return resume(folder, FitConfig { name, ..config }, selected, manner);
    }
    let outcome = FitOutcome::read(folder.result())?;
    print_outcome(&outcome);
    Ok(outcome)
}

pub(super) fn resume<B: TrainBackend, R: TrainRecipe<B>>(
    folder: RunFolder,
    config: FitConfig<R>,
    selected: &Selected<B>,
    manner: Manner<'_>,
) -> Result<FitOutcome, TrainError> {
    let mut memory = None;
    let open = || {
        let fit;
        (fit, memory) = open::<B, R>(config, selected, manner.runs_on)?;
        Ok(fit)
    };
    let (session, notes) = Session::resume(folder, open, &selected.label)?;
    for note in notes {
        eprintln!("note: {note}");
    }
    train(session, memory, &selected.label, manner)
}

/// Trains to the end; `memory` is what a step needs.
fn train<B: TrainBackend, R: TrainRecipe<B>>(
    session: Session<Fit<B, R>>,
    memory: Option<MemoryNeed>,
    label: &str,
    manner: Manner<'_>,
) -> Result<FitOutcome, TrainError> {
    let Manner { runs_on, watch } = manner;
    let (fit, folder) = (session.experiment(), session.folder().clone());
    let path = folder.path().display().to_string();
    runs_on.say(&format!("{} on {label}, into {path}", fit.config().name));
    runs_on.tell(&fit.facts());
    if let Some(memory) = memory {
        runs_on.say(&memory.line());
    }
    let mut resume = vec!["resume".to_string(), path.clone()];
    resume.extend(watch.options());
    let _watch = interrupt::watch(command("train", &resume));
    let about = RunAbout {
        label: "train".into(),
        name: fit.config().name.clone(),
        on: label.into(),
        into: path.clone(),
        memory: memory.map(|memory| memory.expected()),
        first_steps: fit.first_steps().to_vec(),
        epochs_done: fit.epoch(),
    };
    let progress = Progress::of_run(about, watch.verbosity(runs_on));
    let mut display = epoch_table(progress);
    let ended = watch.run(session, &mut display);
    display.finish();
    let outcome = ended?;
    print_outcome(&outcome);
    let exported = format!("{path}-exported");
    let next = [
        command("train", &["predict", &path, "FILE"]),
        command("train", &["export", &path, "--out", &exported]),
    ];
    runs_on.tell_end(&folder, &next);
    Ok(outcome)
}

pub(super) fn check_precision<R: Recipe>(
    config: &FitConfig<R>,
    backend: BackendName,
) -> Result<(), TrainError> {
    let precision = config.fit.precision;
    let refuse = |valid: String| TrainError::field("fit.precision", precision, &valid);
    precision.check(backend).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::image::ImageRecipe;
    use crate::tasks::language::LanguageRecipe;
    use crate::tasks::scene::SceneRecipe;

    /// The fields that a training takes from a run with this configuration where these are stated.
    fn taken<R: Recipe>(run: &str, set: &[&str]) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), run).unwrap();
        let mut set: Vec<String> = set.iter().map(|field| field.to_string()).collect();
        set.push(set_text("genotype", folder.path().to_str().unwrap()));
        let data = data_of_run::<R>(&stated(None, &set).unwrap()).unwrap();
        data.map(|(_, fields)| fields)
    }

    #[test]
    fn a_training_takes_the_data_of_the_run_whose_cells_it_trains() {
        let pictures = "data = { set = 'folder', root = '/photos', folder = { size = 64 }, weights_fraction = 0.5 }";
        let of = |set: &[&str]| taken::<ImageRecipe>(pictures, set);
        let [set, root, how] = [
            "data.set=\"folder\"",
            "data.root=\"/photos\"",
            "data.folder={ size = 64 }",
        ];
        assert_eq!(of(&[]).unwrap(), [set, root, how]);
        assert_eq!(of(&["data.augment.flip=true"]).unwrap(), [set, root, how]);
        assert_eq!(of(&["data.root=moved"]).unwrap(), [set, how]);
        assert_eq!(of(&["data.folder.size=32"]).unwrap(), [set, root]);
        assert_eq!(of(&["data.set=digits"]), None);
        // Of another task than the training.
        assert_eq!(taken::<SceneRecipe>(pictures, &[]), None);
        let bundled = "data = { set = 'digits' }";
        assert_eq!(taken::<ImageRecipe>(bundled, &["data.root=photos"]), None);
    }

    #[test]
    fn text_and_masks_are_read_as_the_run_read_them() {
        let text = "task = 'language'\ndata = { set = 'text', root = '/letters', text = { vocabulary = 500 } }";
        let taken_text = taken::<LanguageRecipe>(text, &[]).unwrap();
        assert_eq!(taken_text[2], "data.text={ vocabulary = 500 }");
        let scenes = "task = 'scene'\ndata = { set = 'scenes', crop = 48, scenes = { train = 9 }, folder = { classes = ['a'] } }";
        let taken_scenes = taken::<SceneRecipe>(scenes, &[]).unwrap();
        assert_eq!(
            taken_scenes,
            ["data.set=\"scenes\"", "data.folder={ classes = [\"a\"] }"]
        );
    }
}
