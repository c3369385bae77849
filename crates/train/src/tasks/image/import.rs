use std::path::PathBuf;

use clap::Args;
use supernet::{DerivedConfig, ModelBackend, NetworkConfig};
use workbench::cli::RunsOn;

use super::arguments::FormArg;
use super::{ExportConfig, Exported, ImageConfig, read_genotype};
use crate::tasks::layers::Sides;
use crate::{TrainError, read_weights, read_weights_under};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The state dict: .safetensors, .pt, .pth or .pth.tar.
    weights: PathBuf,
    /// Where in a checkpoint the state dict is; by default under state_dict, model_state_dict, model,
    /// net or network.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Its cells: published ones by name, a genotype file or a run folder; FILE#NAME is one of several in
    /// a file.
    genotype: String,
    /// Channels of the first cells.
    #[arg(long, value_name = "N")]
    channels: usize,
    /// Number of cells.
    #[arg(long, value_name = "N")]
    cells: usize,
    /// Number of classes.
    #[arg(long, value_name = "N")]
    classes: usize,
    /// What stands before the cells.
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
    pub(super) runs_on: RunsOn,
}

impl ImportArgs {
    pub(super) fn run<B: ModelBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        let Sides([height, width]) = self.image.unwrap_or(self.form.image());
        let image = ImageConfig {
            height,
            width,
            mean: self.mean,
            std: self.std,
            shorter_side: None,
        };
        if let Some((option, found, valid)) = image.foreign_constant() {
            return Err(TrainError::Option {
                option,
                found: found.to_string(),
                valid: valid.into(),
            });
        }
        let weights = match &self.key {
            Some(key) => read_weights_under(&self.weights, key)?,
            None => read_weights(&self.weights)?,
        };
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
                image,
                class_names: None,
                trained: None,
                inherited: None,
            },
            weights,
        };
        exported.config.validate()?;
        let network = exported.init::<B>(device)?;
        let weights = network.state_dict();
        let exported = Exported {
            weights,
            ..exported
        };
        exported.write(&self.out)?;
        println!("wrote {}", self.out.display());
        Ok(())
    }
}
