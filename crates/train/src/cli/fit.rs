use std::path::PathBuf;

use clap::Args;
use supernet::TrainBackend;
use toml::Value;
use workbench::WorkbenchError;
use workbench::backend::{BackendName, Selected};
use workbench::cli::{ConfigArgs, ConfigFile, RunsOn};
use workbench::config::task_name;
use workbench::files;
use workbench::progress::Progress;
use workbench::record::FitOutcome;
use workbench::run_folder::RunFolder;
use workbench::session::Session;

use super::display::{Display, print_outcome};
use super::place::Place;
use crate::trained::read_config;
use crate::{Fit, FitConfig, Recipe, TrainError, TrainRecipe, Trainer};

#[derive(Debug, Args)]
pub(super) struct FitArgs {
    /// Published cells (darts-v1, darts-v2, snas, data-m4) or a genotype file, such as a run
    /// folder's genotype.json; by default the configuration's.
    genotype: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Short for --set data.set=NAME.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Short for --set data.root=FOLDER.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// Short for --set network.channels=N.
    #[arg(long)]
    channels: Option<usize>,
    /// Short for --set network.cells=N.
    #[arg(long)]
    cells: Option<usize>,
    /// Short for --set fit.epochs=N.
    #[arg(long)]
    epochs: Option<usize>,
    /// Short for --set fit.batch_size=N.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Short for --set weights.learning_rate.from=RATE.
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// Short for --set fit.precision=NAME (f32, f16, bf16).
    #[arg(long, value_name = "NAME")]
    precision: Option<String>,
    /// Short for --set seed=N.
    #[arg(long)]
    seed: Option<u64>,
    /// Short for --set data.augment.crop_padding=PIXELS.
    #[arg(long, value_name = "PIXELS")]
    crop_padding: Option<u16>,
    /// Short for --set data.augment.flip=true.
    #[arg(long)]
    flip: bool,
    /// The run folder; by default runs/NAME-TIME.
    #[arg(long, value_name = "FOLDER")]
    run: Option<PathBuf>,
    /// Go on with a training of the same settings in the run folder; one that is finished is kept.
    #[arg(long = "continue", requires = "run")]
    go_on: bool,
    /// Write the result as JSON to this file too.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The run folder.
    pub(super) run: PathBuf,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

/// `train fit`, its configuration file read.
#[derive(Debug)]
pub(super) struct FitCommand {
    pub(super) args: FitArgs,
    file: Option<ConfigFile>,
    /// Fields that the options set.
    overrides: Vec<String>,
}

impl FitArgs {
    fn overrides(&self) -> Vec<String> {
        fn field(name: &str, value: Option<impl ToString>) -> Option<String> {
            value.map(|value| format!("{name}={}", value.to_string()))
        }
        let quoted = |text: &str| Value::String(text.into()).to_string();
        let root = self.data_root.as_ref();
        let root = root.map(|root| quoted(&root.display().to_string()));
        let short = [
            field("genotype", self.genotype.as_deref().map(quoted)),
            field("data.set", self.data.as_deref().map(quoted)),
            field("data.root", root),
            field("network.channels", self.channels),
            field("network.cells", self.cells),
            field("fit.epochs", self.epochs),
            field("fit.batch_size", self.batch_size),
            field("weights.learning_rate.from", self.learning_rate),
            field("fit.precision", self.precision.as_deref().map(quoted)),
            field("seed", self.seed),
            field("data.augment.crop_padding", self.crop_padding),
            field("data.augment.flip", self.flip.then_some(true)),
        ];
        let set = self.config.set.iter().cloned();
        set.chain(short.into_iter().flatten()).collect()
    }
}

impl FitCommand {
    /// # Errors
    ///
    /// When the configuration file cannot be read.
    pub(super) fn new(args: FitArgs) -> Result<Self, TrainError> {
        Ok(Self {
            file: args.config.file()?,
            overrides: args.overrides(),
            args,
        })
    }

    /// The task that is trained for.
    pub(super) fn task(&self) -> Result<String, TrainError> {
        let file = self.file.as_ref().map(ConfigFile::source);
        Ok(task_name(file, &self.overrides)?)
    }

    pub(super) fn run<B: TrainBackend, R: TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let file = self.file.as_ref().map(ConfigFile::source);
        let config = FitConfig::<R>::resolve(file, &self.overrides)?;
        check_precision(&config, place.backend)?;
        let args = self.args;
        if let Some(folder) = args.out.as_ref().and_then(|path| path.parent())
            && !folder.as_os_str().is_empty()
            && !folder.is_dir()
        {
            return Err(TrainError::Option {
                option: "out",
                found: format!("in `{}`, which does not exist", folder.display()),
                valid: "a file in a folder that exists".into(),
            });
        }
        let selected = place.probe()?;
        let begun = args.run.as_ref().map(RunFolder::at);
        let begun = begun.filter(|folder| args.go_on && folder.config().exists());
        let outcome = match begun {
            Some(folder) => go_on::<B, R>(folder, config, &selected, &args.runs_on)?,
            None => {
                let name = config.name.clone();
                let folder = || match args.run {
                    Some(path) => RunFolder::create_at(path),
                    None => RunFolder::create("runs", &name, None),
                };
                let (fit, memory) = open::<B, R>(config, &selected, &args.runs_on)?;
                let session = Session::start(fit, folder, &selected.label)?;
                train(session, memory, &selected.label, &args.runs_on)?
            }
        };
        match &args.out {
            Some(path) => Ok(files::write_json(path, "the result", &outcome)?),
            None => Ok(()),
        }
    }
}

/// Opens a training whose step fits into memory, and says how much of it a step needs.
fn open<B: TrainBackend, R: TrainRecipe<B>>(
    config: FitConfig<R>,
    selected: &Selected<B>,
    runs_on: &RunsOn,
) -> Result<(Fit<B, R>, Option<String>), TrainError> {
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
    runs_on: &RunsOn,
) -> Result<FitOutcome, TrainError> {
    if read_config::<R>(&folder)? != config {
        return Err(WorkbenchError::RunFolder {
            path: folder.path().to_path_buf(),
            problem: "was trained with other settings; valid with --run is a folder of the same \
                      settings or one that does not exist"
                .into(),
        }
        .into());
    }
    if !folder.result().exists() {
        return resume(folder, config, selected, runs_on);
    }
    let outcome = FitOutcome::read(folder.result())?;
    print_outcome(&outcome);
    Ok(outcome)
}

fn resume<B: TrainBackend, R: TrainRecipe<B>>(
    folder: RunFolder,
    config: FitConfig<R>,
    selected: &Selected<B>,
    runs_on: &RunsOn,
) -> Result<FitOutcome, TrainError> {
    let mut memory = None;
    let open = || {
        let fit;
        (fit, memory) = open::<B, R>(config, selected, runs_on)?;
        Ok(fit)
    };
    let (session, notes) = Session::resume(folder, open, &selected.label)?;
    for note in notes {
        eprintln!("note: {note}");
    }
    train(session, memory, &selected.label, runs_on)
}

impl ResumeArgs {
    pub(super) fn run<B: TrainBackend, R: TrainRecipe<B>>(
        self,
        place: Place<'_, B>,
    ) -> Result<(), TrainError> {
        let folder = RunFolder::open(self.run)?;
        let config = read_config::<R>(&folder)?;
        check_precision(&config, place.backend)?;
        resume(folder, config, &place.probe()?, &self.runs_on)?;
        Ok(())
    }
}

/// Trains to the end; `memory` is a sentence on what a step needs.
fn train<B: TrainBackend, R: TrainRecipe<B>>(
    session: Session<Fit<B, R>>,
    memory: Option<String>,
    label: &str,
    runs_on: &RunsOn,
) -> Result<FitOutcome, TrainError> {
    let (fit, folder) = (session.experiment(), session.folder().path());
    runs_on.say(&format!(
        "{} on {label}, into {}",
        fit.config().name,
        folder.display()
    ));
    if let Some(memory) = memory {
        runs_on.say(&memory);
    }
    let (done, all) = (fit.steps_done(), fit.steps());
    let verbosity = runs_on.verbosity();
    let progress = Progress::new("train", done as u64, all as u64, verbosity);
    let mut display = Display { progress };
    let outcome = session.run(&mut display)?;
    display.progress.finish();
    print_outcome(&outcome);
    Ok(outcome)
}

fn check_precision<R: Recipe>(
    config: &FitConfig<R>,
    backend: BackendName,
) -> Result<(), TrainError> {
    let precision = config.fit.precision;
    let refuse = |valid: String| TrainError::field("fit.precision", precision, &valid);
    precision.check(backend).map_err(refuse)
}
