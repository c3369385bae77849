use std::path::PathBuf;

use clap::Args;
use supernet::ModelBackend;
use workbench::cli::RunsOn;

use super::SceneRecipe;
use super::count::ShapeArgs;
use super::export::{SceneExport, SceneImages};
use crate::portable::Portable;
use crate::{ExportedNetwork, TrainError, read_cells, read_weights, read_weights_under};

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
    #[command(flatten)]
    shape: ShapeArgs,
    /// Names of the classes in the order of their numbers, separated by commas; by default their numbers.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    class_names: Option<Vec<String>>,
    /// Mean of each colour's pixels in 0..1 that images were normalised with, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "0.485,0.456,0.406")]
    mean: Vec<f32>,
    /// Standard deviation of each colour's pixels, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "0.229,0.224,0.225")]
    std: Vec<f32>,
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) runs_on: RunsOn,
}

/// How names of an auxiliary head's tensors begin.
const AUXILIARY: &str = "aux_classifier.";

impl ImportArgs {
    pub(super) fn run<B: ModelBackend>(self, device: &B::Device) -> Result<(), TrainError> {
        let image = SceneImages {
            mean: three("mean", &self.mean)?,
            std: three("std", &self.std)?,
        };
        let weights = match &self.key {
            Some(key) => read_weights_under(&self.weights, key)?,
            None => read_weights(&self.weights)?,
        };
        let auxiliary = weights.keys().any(|name| name.starts_with(AUXILIARY));
        let cells = read_cells::<SceneRecipe>(&self.genotype)?;
        let numbers = || {
            (0..self.shape.classes())
                .map(|class| class.to_string())
                .collect()
        };
        let exported = ExportedNetwork::<SceneRecipe> {
            config: SceneExport {
                format: SceneExport::FORMAT,
                network: self.shape.network(cells, auxiliary),
                image,
                class_names: self.class_names.unwrap_or_else(numbers),
                trained: None,
                inherited: None,
            },
            weights,
        };
        SceneRecipe::validate_export(&exported.config)?;
        let network = exported.init::<B>(device)?;
        let exported = ExportedNetwork {
            weights: network.state_dict(),
            ..exported
        };
        exported.write(&self.out)?;
        println!("wrote {}", self.out.display());
        Ok(())
    }
}

/// A number for each colour.
fn three(option: &'static str, values: &[f32]) -> Result<[f32; 3], TrainError> {
    values.try_into().map_err(|_| TrainError::Option {
        option,
        found: format!("{} numbers", values.len()),
        valid: "three, one a colour".into(),
    })
}
