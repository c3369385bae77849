use clap::Args;
use supernet::{DerivedConfig, NetworkConfig};

use super::arguments::FormArg;
use super::read_genotype;
use crate::TrainError;
use crate::tasks::layers::{Sides, layer_table};

#[derive(Debug, Args)]
pub struct CountArgs {
    /// Published cells by name, such as darts-v2, a genotype file or a run folder; FILE#NAME is one of
    /// several in a file.
    genotype: String,
    /// Channels of the first cells.
    #[arg(long, value_name = "N", default_value_t = 36)]
    channels: usize,
    /// Number of cells.
    #[arg(long, value_name = "N", default_value_t = 20)]
    cells: usize,
    /// Number of classes.
    #[arg(long, value_name = "N", default_value_t = 10)]
    classes: usize,
    /// Channels of the images: 3, or 1 of grey ones.
    #[arg(long, value_name = "N", default_value_t = 3)]
    image_channels: usize,
    /// What stands before the cells.
    #[arg(long, value_enum, default_value = "cifar")]
    form: FormArg,
    /// Count the auxiliary head too, which training alone has.
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
        print!("{}", layer_table(&config.layers(height, width)?));
        Ok(())
    }
}
