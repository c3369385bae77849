use std::path::PathBuf;

use clap::Args;
use supernet::TrainBackend;
use toml::Value;
use workbench::WorkbenchError;
use workbench::backend::{BackendName, Selected};
use workbench::files;
use workbench::progress::Progress;
use workbench::run::RunFolder;

use super::HowArgs;
use crate::run::{json, read_config};
use crate::{EpochRecord, FitConfig, FitOutcome, Reporter, Session, TrainError, read_genotype};

#[derive(Debug, Args)]
pub(super) struct FitArgs {
    /// Published cells (darts-v1, darts-v2, snas, data-m4) or a genotype file, such as a run
    /// folder's genotype.json; by default the configuration's.
    genotype: Option<String>,
    /// Configuration file (TOML); fields it leaves out take the default's values.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one field, such as fit.drop_path=0.2; may be given several times.
    #[arg(long = "set", value_name = "SECTION.FIELD=VALUE")]
    set: Vec<String>,
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
    pub(super) how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The run folder.
    run: PathBuf,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

impl FitArgs {
    /// The configuration that the options describe.
    pub(super) fn config(&self) -> Result<FitConfig, TrainError> {
        fn field(name: &str, value: Option<impl ToString>) -> Option<String> {
            value.map(|value| format!("{name}={}", value.to_string()))
        }
        let quoted = |text: &str| Value::String(text.into()).to_string();
        let genotype = self.genotype.as_deref().map(read_genotype).transpose()?;
        let root = self
            .data_root
            .as_ref()
            .map(|root| quoted(&root.display().to_string()));
        let mut set = self.set.clone();
        set.extend(
            [
                field("genotype", genotype.map(|g| quoted(&g.to_string()))),
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
            ]
            .into_iter()
            .flatten(),
        );
        match &self.config {
            Some(path) => {
                let text = files::read_to_string(path)?;
                FitConfig::resolve(Some((&path.display().to_string(), &text)), &set)
            }
            None => FitConfig::resolve(None, &set),
        }
    }

    pub(super) fn run<B: TrainBackend>(
        self,
        config: FitConfig,
        backend: BackendName,
        selected: Selected<B>,
    ) -> Result<(), TrainError> {
        check_precision(&config, backend)?;
        if let Some(folder) = self.out.as_ref().and_then(|path| path.parent())
            && !folder.as_os_str().is_empty()
            && !folder.is_dir()
        {
            return Err(TrainError::Option {
                option: "out",
                found: format!("in `{}`, which does not exist", folder.display()),
                valid: "a file in a folder that exists".into(),
            });
        }
        let begun = self.run.as_ref().map(RunFolder::at);
        let begun = begun.filter(|folder| self.go_on && folder.config().exists());
        let outcome = match begun {
            Some(folder) => go_on::<B>(folder, &config, &selected, &self.how)?,
            None => {
                let name = config.name.clone();
                let folder = || match self.run {
                    Some(path) => RunFolder::create_at(path),
                    None => RunFolder::create("runs", &name, None),
                };
                let (label, device) = (&selected.label, &selected.device);
                let session = Session::<B>::start(config, folder, label, device)?;
                train(session, label, &self.how)?
            }
        };
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(&outcome).map_err(json("the result"))?;
            files::write_atomic(path, text + "\n")?;
        }
        Ok(())
    }
}

/// Resumes a run, which must have this configuration, or says again how it ended.
fn go_on<B: TrainBackend>(
    folder: RunFolder,
    config: &FitConfig,
    selected: &Selected<B>,
    how: &HowArgs,
) -> Result<FitOutcome, TrainError> {
    if read_config(&folder)? != *config {
        return Err(WorkbenchError::RunFolder {
            path: folder.path().to_path_buf(),
            problem: "was trained with other settings; valid with --run is a folder of the same \
                      settings or one that does not exist"
                .into(),
        }
        .into());
    }
    let result = folder.file("result.json");
    if !result.exists() {
        return resume::<B>(folder, selected, how);
    }
    let text = files::read_to_string(&result)?;
    let outcome: FitOutcome =
        serde_json::from_str(&text).map_err(|error| WorkbenchError::RunFolder {
            path: folder.path().to_path_buf(),
            problem: format!("has a `result.json` that is none ({error}); remove that file"),
        })?;
    print_outcome(&outcome);
    Ok(outcome)
}

fn resume<B: TrainBackend>(
    folder: RunFolder,
    selected: &Selected<B>,
    how: &HowArgs,
) -> Result<FitOutcome, TrainError> {
    let (session, notes) = Session::<B>::resume(folder, &selected.label, &selected.device)?;
    for note in notes {
        eprintln!("note: {note}");
    }
    train(session, &selected.label, how)
}

impl ResumeArgs {
    pub(super) fn run<B: TrainBackend>(
        self,
        backend: BackendName,
        selected: Selected<B>,
    ) -> Result<(), TrainError> {
        let folder = RunFolder::open(self.run)?;
        check_precision(&read_config(&folder)?, backend)?;
        resume::<B>(folder, &selected, &self.how)?;
        Ok(())
    }
}

struct Display {
    progress: Progress,
}

impl Reporter for Display {
    fn step(&mut self) {
        self.progress.advance(1);
    }

    fn note(&mut self, text: &str) {
        self.progress.line(&format!("note: {text}"));
    }

    fn epoch(&mut self, r: &EpochRecord) {
        let validation = r
            .validation_error
            .map(|error| format!(", validation error {error:.2} %"))
            .unwrap_or_default();
        self.progress.line(&format!(
            "epoch {:>3}: train loss {:.3}, train error {:.2} %{validation}, learning rate {:.4}, \
             {:.1} s",
            r.epoch, r.train_loss, r.train_error, r.learning_rate, r.seconds
        ));
    }
}

fn train<B: TrainBackend>(
    session: Session<B>,
    label: &str,
    how: &HowArgs,
) -> Result<FitOutcome, TrainError> {
    let (config, folder) = (
        session.config().clone(),
        session.folder().path().to_path_buf(),
    );
    how.say(&format!(
        "{} on {label}, into {}",
        config.name,
        folder.display()
    ));
    let steps = session.steps_per_epoch();
    let (done, all) = (session.epoch() * steps, config.fit.epochs * steps);
    let progress = Progress::new("train", done as u64, all as u64, how.quiet);
    let mut display = Display { progress };
    let outcome = session.run(&mut display)?;
    display.progress.finish();
    print_outcome(&outcome);
    Ok(outcome)
}

fn print_outcome(outcome: &FitOutcome) {
    println!(
        "test error {:.2} % on {} (seed {}, {} weights, {} multiply-adds, {} epochs{}, {})",
        outcome.test_error,
        outcome.data,
        outcome.seed,
        outcome.weights,
        outcome.multiply_adds,
        outcome.epochs,
        match outcome.result_epoch {
            last if last == outcome.epochs => String::new(),
            best => format!(", weights of epoch {best}"),
        },
        outcome.backend,
    );
}

fn check_precision(config: &FitConfig, backend: BackendName) -> Result<(), TrainError> {
    let precision = config.fit.precision;
    let refuse = |valid: String| TrainError::field("fit.precision", precision, &valid);
    precision.check(backend).map_err(refuse)
}
