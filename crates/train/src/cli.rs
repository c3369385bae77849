//! The command line, apart from the choice of a backend's type.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use supernet::{Genotype, TrainBackend};
use workbench::backend::BackendName;
use workbench::data::{Augment, DatasetId, load};
use workbench::files;
use workbench::progress::Progress;

use crate::{FitConfig, TrainError, fit};

/// Retraining of derived networks.
#[derive(Debug, Parser)]
#[command(name = "train", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a genotype from fresh weights and print its test error.
    Fit(FitArgs),
}

#[derive(Debug, Args)]
struct FitArgs {
    /// The genotype, JSON or text, such as a run folder's genotype.json.
    genotype: PathBuf,
    /// Data set: digits, mnist_5k or cifar10.
    #[arg(long, default_value = "digits", value_name = "NAME")]
    data: String,
    /// Folder of the data set's files, where it is not bundled.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// Channels of the first cells.
    #[arg(long, default_value_t = 16)]
    channels: usize,
    /// Number of cells.
    #[arg(long, default_value_t = 3)]
    cells: usize,
    /// Passes over the training images.
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    /// Images of a step.
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Learning rate at the start; it falls to zero along a cosine.
    #[arg(long, default_value_t = 0.05)]
    learning_rate: f64,
    /// Seed of weights, order and changes.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Crop each image at random after padding it by this many pixels.
    #[arg(long, default_value_t = 0, value_name = "PIXELS")]
    crop_padding: u16,
    /// Mirror images at random (not for digits).
    #[arg(long)]
    flip: bool,
    /// Write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Backend: flex (CPU), wgpu, vulkan or cuda, of those compiled in; by default the most capable.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Print nothing but the result.
    #[arg(long)]
    quiet: bool,
}

/// A training that is ready to run on some backend.
#[derive(Debug)]
pub struct Job {
    config: FitConfig,
    args: FitArgs,
    /// What it runs on.
    pub backend: BackendName,
}

impl Cli {
    /// Reads the files and checks the options.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with them.
    pub fn prepare(self, compiled: &[BackendName]) -> Result<Job, TrainError> {
        let Command::Fit(args) = self.command;
        let backend = BackendName::choose(args.backend.as_deref(), compiled)?;
        let text = files::read_to_string(&args.genotype)?;
        let config = FitConfig {
            genotype: Genotype::parse(&args.genotype.display().to_string(), &text)?,
            channels: args.channels,
            cells: args.cells,
            epochs: args.epochs,
            batch_size: args.batch_size,
            learning_rate: args.learning_rate,
            momentum: 0.9,
            weight_decay: 3e-4,
            clip_norm: 5.0,
            augment: Augment {
                crop_padding: args.crop_padding,
                flip: args.flip,
                cutout: 0,
            },
            seed: args.seed,
        };
        config.validate()?;
        Ok(Job {
            config,
            args,
            backend,
        })
    }
}

impl Job {
    /// Trains on a backend and prints the result.
    ///
    /// # Errors
    ///
    /// Whatever stops the training.
    pub fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
    ) -> Result<(), TrainError> {
        let selected = self.backend.probe::<B>(device, compiled)?;
        let set: DatasetId = self.args.data.parse()?;
        let data = load(set, self.args.data_root.as_deref())?;
        let steps = data.train.len() / self.config.batch_size * self.config.epochs;
        let progress = Progress::new("train", 0, steps as u64, self.args.quiet);
        let progress = std::cell::RefCell::new(progress);
        let outcome = fit::<B>(
            &self.config,
            &data,
            &selected.device,
            || progress.borrow_mut().advance(1),
            |epoch| {
                let text = format!("epoch {}, loss {:.3}", epoch.epoch, epoch.train_loss);
                progress.borrow_mut().message(text);
            },
        )?;
        progress.into_inner().finish();
        if let Some(path) = &self.args.out {
            let text = serde_json::to_string_pretty(&outcome).map_err(|source| {
                workbench::WorkbenchError::Json {
                    what: "the result",
                    source,
                }
            })?;
            files::write_atomic(path, text + "\n")?;
        }
        println!(
            "test error {:.2} % on {set} (seed {}, {} weights, {} epochs, {})",
            outcome.test_error,
            self.config.seed,
            outcome.weights,
            self.config.epochs,
            selected.label
        );
        Ok(())
    }
}
