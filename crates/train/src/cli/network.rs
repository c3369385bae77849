use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use supernet::{DerivedConfig, DerivedNetwork, ModelBackend, NetworkConfig, TrainBackend};
use workbench::WorkbenchError;
use workbench::data::{
    Classes, CorruptNews, Dataset, DatasetId, FolderOptions, OnCorrupt, load_with,
};
use workbench::run::RunFolder;

use super::count::FormArg;
use super::{HowArgs, Sides};
use crate::export::Frame;
use crate::run::{read_config, score_network, trained_network};
use crate::{
    ExportConfig, Exported, ImageConfig, Prediction, TrainError, TrainedOn, read_genotype,
    read_image, read_weights, read_weights_under,
};

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// A run folder or an exported network.
    network: PathBuf,
    /// Data set; by default the one it was trained on. Images are normalised as those the network
    /// was trained on.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Folder of the data set's files, where it is not bundled or has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// What to do about an image file that cannot be read; by default what the run did, or stop.
    #[arg(long, value_enum)]
    on_corrupt: Option<OnCorruptArg>,
    #[command(flatten)]
    pub(super) how: HowArgs,
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
    run: PathBuf,
    /// Folder of the run's data set, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    data_root: Option<PathBuf>,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The state dict: .safetensors, .pt, .pth or .pth.tar.
    weights: PathBuf,
    /// Where in a checkpoint the state dict is; by default under state_dict, model_state_dict, model,
    /// net or network.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
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
    /// Size of the images; by default 32x32, or 224x224 in the ImageNet form.
    #[arg(long, value_name = "HEIGHTxWIDTH")]
    image: Option<Sides>,
    /// Mean of each channel's pixels in 0..1 that images were normalised with, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    mean: Vec<f32>,
    /// Standard deviation of each channel's pixels, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
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
            let trained = exported.config.trained.as_ref();
            let set = match (&self.data, trained) {
                (Some(set), _) => set.parse()?,
                (None, Some(trained)) => trained.data.parse()?,
                (None, None) => {
                    return Err(TrainError::Option {
                        option: "data",
                        found: "not given, and the network does not say what it was trained on"
                            .into(),
                        valid: "the name of a data set".into(),
                    });
                }
            };
            let (image, classes) = (&exported.config.image, exported.config.classes());
            let on_corrupt = self.on_corrupt.map(Into::into).unwrap_or_default();
            let data = load_as(set, self.data_root.as_deref(), image, classes, on_corrupt)?;
            let network = exported.init::<B::InnerBackend>(device)?;
            return report(&network, &data, EVAL_BATCH, device);
        }
        let folder = RunFolder::open(&self.network)?;
        let mut config = read_config(&folder)?;
        if let Some(on_corrupt) = self.on_corrupt {
            config.data.folder.on_corrupt = on_corrupt.into();
        }
        if self.data.is_none() && self.data_root.is_some() {
            config.data.root.clone_from(&self.data_root);
        }
        let own = config.load()?;
        let trained = trained_network::<B>(&folder, &config, &own.train, device)?;
        let data = match &self.data {
            Some(set) => {
                let image = ImageConfig::of(&own.train, &config.data);
                let on_corrupt = config.data.folder.on_corrupt;
                let root = self.data_root.as_deref();
                let classes = Classes::of(&own.train);
                load_as(set.parse()?, root, &image, classes, on_corrupt)?
            }
            None => own.test,
        };
        say_note(trained.warning);
        report(&trained.network, &data, config.fit.pass_size(), device)
    }
}

/// The test images of a data set as a network takes them: of its size where they are files, with its
/// normalisation and its classes.
fn load_as(
    set: DatasetId,
    root: Option<&Path>,
    image: &ImageConfig,
    classes: Classes,
    on_corrupt: OnCorrupt,
) -> Result<Dataset, TrainError> {
    let mut options = FolderOptions::default();
    if let Frame::Centre(centre) = image.frame()? {
        options = centre;
    }
    options.on_corrupt = on_corrupt;
    let data = load_with(set, root, &options)?.test;
    let [channels, height, width] = data.image_shape();
    let expected = [image.mean.len(), image.height, image.width];
    if [channels, height, width] != expected {
        let text = |[channels, height, width]: [usize; 3]| {
            format!("images of {channels} channels and {height}x{width} pixels")
        };
        return Err(TrainError::Misfit {
            what: format!("data set `{}`", data.name()),
            found: text(data.image_shape()),
            expected: text(expected),
        });
    }
    classes.check(&Classes::of(&data), data.name())?;
    Ok(data.normalized_by(&image.mean, &image.std))
}

/// Images of a pass; with running statistics it does not change the result.
const EVAL_BATCH: usize = 64;

fn say_note(note: Option<String>) {
    note.iter().for_each(|note| say(note));
}

fn say(note: &str) {
    eprintln!("note: {note}");
}

fn report<B: ModelBackend>(
    network: &DerivedNetwork<B>,
    data: &Dataset,
    batch_size: usize,
    device: &B::Device,
) -> Result<(), TrainError> {
    data.notes().iter().for_each(|note| say(note));
    let score = score_network(network, data, batch_size, device)?;
    let mut news = CorruptNews::default();
    news.tell(&[data], say);
    news.count(say);
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
        let mut config = read_config(&folder)?;
        if self.data_root.is_some() {
            config.data.root = self.data_root;
        }
        let data = config.load()?;
        let trained = trained_network::<B>(&folder, &config, &data.train, device)?;
        say_note(trained.warning);
        let exported = Exported {
            weights: trained.network.state_dict(),
            config: ExportConfig {
                format: ExportConfig::FORMAT,
                network: trained.derived,
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
        let weights = match &self.key {
            Some(key) => read_weights_under(&self.weights, key)?,
            None => read_weights(&self.weights)?,
        };
        let Sides([height, width]) = self.image.unwrap_or(self.form.image());
        let stem = weights
            .get("stem.0.weight")
            .or(weights.get("stem0.0.weight"));
        let image_channels = stem
            .and_then(|stem| stem.shape.get(1).copied())
            .unwrap_or(3);
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
                    mean: self.mean,
                    std: self.std,
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
