use clap::Args;
use supernet::{DerivedConfig, LayerCount, NetworkConfig};

use super::arguments::{FormArg, Sides};
use super::read_genotype;
use crate::TrainError;

#[derive(Debug, Args)]
pub struct CountArgs {
    /// Published cells by name, such as darts-v2, a genotype file or a run folder; FILE#NAME is one of
    /// several in a file.
    genotype: String,
    /// Channels of the first cells.
    #[arg(long, default_value_t = 36)]
    channels: usize,
    /// Number of cells.
    #[arg(long, default_value_t = 20)]
    cells: usize,
    /// Number of classes.
    #[arg(long, default_value_t = 10)]
    classes: usize,
    /// Channels of the images.
    #[arg(long, default_value_t = 3)]
    image_channels: usize,
    /// Outer form.
    #[arg(long, value_enum, default_value = "cifar")]
    form: FormArg,
    /// With the auxiliary head.
    #[arg(long)]
    auxiliary: bool,
    /// Size of the images; by default 32x32, or 224x224 in the ImageNet form.
    #[arg(long, value_name = "HEIGHTxWIDTH")]
    image: Option<Sides>,
}

impl CountArgs {
    pub(super) fn run(self) -> Result<(), TrainError> {
        let config = DerivedConfig {
            network: NetworkConfig {
                image_channels: self.image_channels,
                classes: self.classes,
                channels: self.channels,
                cells: self.cells,
            },
            genotype: read_genotype(&self.genotype)?,
            form: self.form.into(),
            auxiliary: self.auxiliary,
        };
        let Sides([height, width]) = self.image.unwrap_or(self.form.image());
        print!("{}", table(&config.layers(height, width)?));
        Ok(())
    }
}

fn table(layers: &[LayerCount]) -> String {
    let place = layers
        .iter()
        .map(|layer| layer.place.len())
        .max()
        .unwrap_or(0);
    let row = |name: &str, kind: &str, weights: &str, cost: &str| {
        format!("{name:place$}  {kind:13} {weights:>10} {cost:>14}\n")
    };
    let mut text = row("layer", "kind", "weights", "multiply-adds");
    let (mut weights, mut cost) = (0, 0);
    for layer in layers {
        weights += layer.weights;
        cost += layer.multiply_adds;
        text += &row(
            &layer.place,
            &layer.kind.to_string(),
            &layer.weights.to_string(),
            &layer.multiply_adds.to_string(),
        );
    }
    text += &row("all", "", &weights.to_string(), &cost.to_string());
    text
}
