use std::path::{Path, PathBuf};

use clap::Args;
use supernet::{DerivedConfig, DerivedNetwork, ModelBackend, NetworkConfig, TrainBackend};
use workbench::WorkbenchError;
use workbench::data::{Dataset, FolderOptions, Splits, load_with};
use workbench::run::RunFolder;

use super::count::FormArg;
use super::{HowArgs, Sides};
use crate::export::check_fit;
use crate::run::{read_config, score_network, trained_network};
use crate::{
    ExportConfig, Exported, FitConfig, ImageConfig, Prediction, TrainError, TrainedOn,
    read_genotype, read_image, read_weights,
};

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// A run folder or an exported network.
    network: PathBuf,
    /// Data set; by default the one it was trained on. Images are normalised as those the network
    /// was trained on.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Folder of the data set's files, where it is not bundled.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The run folder.
    run: PathBuf,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The state dict: .safetensors, .pt or .pth.
    weights: PathBuf,
    /// Its cells: published ones by name, or a genotype file.
    genotype: String,
    /// Channels of the first cells.
    #[arg(long)]
    channels: usize,
    /// Number of cells.
    #[arg(long)]
    cells: usize,
    /// Number of classes.
    #[arg(long)]
    classes: usize,
    /// Outer form.
    #[arg(long, value_enum, default_value = "cifar")]
    form: FormArg,
    /// Size of the images.
    #[arg(long, value_name = "HEIGHTxWIDTH", default_value = "32x32")]
    image: Sides,
    /// Mean of each channel's pixels in 0..1, separated by commas; as many as the images have
    /// channels.
    #[arg(long, value_delimiter = ',', default_value = "0,0,0")]
    mean: Vec<f32>,
    /// Standard deviation of each channel's pixels, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,1,1")]
    std: Vec<f32>,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// An exported network.
    network: PathBuf,
    /// PNG or JPEG files.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

impl EvalArgs {
    pub(super) fn run<B: TrainBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        if Exported::is_in(&self.network) {
            let exported = Exported::read(&self.network)?;
            let trained = exported
                .config
                .trained
                .as_ref()
                .map(|trained| &trained.data);
            let Some(set) = self.data.as_ref().or(trained) else {
                return Err(TrainError::Option {
                    option: "data",
                    found: "not given, and the network does not say what it was trained on".into(),
                    valid: "the name of a data set".into(),
                });
            };
            let root = self.data_root.as_deref();
            let (image, network) = (&exported.config.image, &exported.config.network);
            let data = load_as(set, root, image, network)?;
            let network = exported.init::<B::InnerBackend>(device)?;
            return report(&network, &data, EVAL_BATCH, device);
        }
        let folder = RunFolder::open(&self.network)?;
        let config = read_config(&folder)?;
        let (own, derived) = of_run(&config)?;
        let data = match &self.data {
            Some(set) => {
                let image = ImageConfig::of(&own.train, &config.data);
                load_as(set, self.data_root.as_deref(), &image, &derived)?
            }
            None => own.test,
        };
        let trained = trained_network::<B>(&folder, &config, &derived, device)?;
        say_note(trained.warning);
        report(&trained.network, &data, config.fit.batch_size, device)
    }
}

/// The test images of a data set as a network takes them: of its size where they are files, with its
/// normalisation.
fn load_as(
    set: &str,
    root: Option<&Path>,
    image: &ImageConfig,
    network: &DerivedConfig,
) -> Result<Dataset, TrainError> {
    let mut options = FolderOptions::default();
    if let Ok(size) = u16::try_from(image.height) {
        options.size = size;
    }
    options.shorter_side = image.shorter_side;
    let data = load_with(set.parse()?, root, &options)?.test;
    check_fit(network, &data)?;
    Ok(data.normalized_by(&image.mean, &image.std))
}

/// Images of a pass; with running statistics it does not change the result.
const EVAL_BATCH: usize = 64;

fn say_note(note: Option<String>) {
    if let Some(note) = note {
        eprintln!("note: {note}");
    }
}

fn of_run(config: &FitConfig) -> Result<(Splits, DerivedConfig), TrainError> {
    let data = config.load()?;
    let derived = config.derived(&data.train)?;
    Ok((data, derived))
}

fn report<B: ModelBackend>(
    network: &DerivedNetwork<B>,
    data: &Dataset,
    batch_size: usize,
    device: &B::Device,
) -> Result<(), TrainError> {
    let score = score_network(network, data, batch_size, device)?;
    println!(
        "test error {:.2} %, loss {:.4} on {} ({} images)",
        score.error,
        score.loss,
        data.name(),
        data.len()
    );
    Ok(())
}

impl ExportArgs {
    pub(super) fn run<B: TrainBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        let folder = RunFolder::open(self.run)?;
        let config = read_config(&folder)?;
        let (data, derived) = of_run(&config)?;
        let trained = trained_network::<B>(&folder, &config, &derived, device)?;
        say_note(trained.warning);
        let exported = Exported {
            weights: trained.network.state_dict(),
            config: ExportConfig {
                format: ExportConfig::FORMAT,
                network: derived,
                image: ImageConfig::of(&data.train, &config.data),
                class_names: data.train.class_names().map(<[String]>::to_vec),
                trained: Some(TrainedOn {
                    data: config.data.set.to_string(),
                    seed: config.seed,
                    epochs: trained.epoch,
                }),
            },
        };
        write(&exported, &self.out)
    }
}

fn write(exported: &Exported, out: &Path) -> Result<(), TrainError> {
    exported.write(out)?;
    println!("wrote {}", out.display());
    Ok(())
}

impl ImportArgs {
    pub(super) fn run<B: TrainBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        let weights = read_weights(&self.weights)?;
        let Sides([height, width]) = self.image;
        let stem = weights
            .get("stem.0.weight")
            .or(weights.get("stem0.0.weight"));
        let image_channels = stem
            .and_then(|stem| stem.shape.get(1).copied())
            .unwrap_or(3);
        let first = |values: Vec<f32>| values.into_iter().take(image_channels).collect();
        let network = DerivedConfig {
            network: NetworkConfig {
                image_channels,
                classes: self.classes,
                channels: self.channels,
                cells: self.cells,
            },
            genotype: read_genotype(&self.genotype)?,
            form: self.form.into(),
            auxiliary: weights
                .keys()
                .any(|name| name.starts_with("auxiliary_head.")),
        };
        let exported = Exported {
            config: ExportConfig {
                format: ExportConfig::FORMAT,
                network,
                image: ImageConfig {
                    height,
                    width,
                    mean: first(self.mean),
                    std: first(self.std),
                    shorter_side: None,
                },
                class_names: None,
                trained: None,
            },
            weights,
        };
        exported.config.validate()?;
        let network = exported.init::<B::InnerBackend>(device)?;
        let weights = network.state_dict();
        write(
            &Exported {
                weights,
                ..exported
            },
            &self.out,
        )
    }
}

impl PredictArgs {
    pub(super) fn run<B: TrainBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        if !Exported::is_in(&self.network) {
            return Err(WorkbenchError::RunFolder {
                path: self.network,
                problem: "is no exported network; make one with `train export`".into(),
            }
            .into());
        }
        let exported = Exported::read(&self.network)?;
        let network = exported.init::<B::InnerBackend>(device)?;
        for path in &self.images {
            let image = read_image(path, &exported.config.image)?;
            let prediction = Prediction::of(&network, image, &exported.config.image, device);
            let (class, probability) = (prediction.class, prediction.probability);
            let names = exported.config.class_names.as_deref();
            let name = match names.and_then(|names| names.get(class)) {
                Some(name) => format!(" ({name})"),
                None => String::new(),
            };
            println!(
                "{}: class {class}{name}, probability {probability:.4}",
                path.display()
            );
        }
        Ok(())
    }
}
