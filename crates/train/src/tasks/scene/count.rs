use clap::Args;
use supernet::Genotype;
use supernet::segmentation::{
    EncoderChoice, PyramidConfig, SegmentationConfig, SegmentationNetworkConfig, SegmentationSize,
};

use super::SceneRecipe;
use crate::tasks::layers::{Sides, layer_table};
use crate::{TrainError, read_cells};

/// The outer shape of a network on a command line.
#[derive(Debug, Args)]
pub(super) struct ShapeArgs {
    /// Channels of the first cells.
    #[arg(long, value_name = "N", default_value_t = 48)]
    channels: usize,
    /// Number of cells.
    #[arg(long, value_name = "N", default_value_t = 14)]
    cells: usize,
    /// Number of classes, background included.
    #[arg(long, value_name = "N", default_value_t = 21)]
    classes: usize,
    /// By how much the image is smaller before the first cell: 1, 2, 4 or 8.
    #[arg(long, value_name = "N", default_value_t = 8)]
    stem_stride: usize,
    /// By how much it is smaller after the last cell.
    #[arg(long, value_name = "N", default_value_t = 16)]
    output_stride: usize,
    /// Channels of the pyramid.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pyramid_channels: usize,
    /// Dilations of the pyramid, separated by commas; by default 6, 12 and 18 at output stride 16.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    rates: Option<Vec<usize>>,
}

impl ShapeArgs {
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// The network of these cells.
    pub(super) fn network(&self, genotype: Genotype, auxiliary: bool) -> SegmentationNetworkConfig {
        SegmentationNetworkConfig {
            network: SegmentationConfig {
                image_channels: 3,
                classes: self.classes,
                size: SegmentationSize {
                    channels: self.channels,
                    cells: self.cells,
                    stem_stride: self.stem_stride,
                    output_stride: self.output_stride,
                    pyramid: PyramidConfig {
                        channels: self.pyramid_channels,
                        rates: self.rates.clone(),
                        ..PyramidConfig::default()
                    },
                },
            },
            encoder: EncoderChoice::Cells { genotype },
            auxiliary,
        }
    }
}

#[derive(Debug, Args)]
pub struct CountArgs {
    /// Published cells by name, such as darts-v2, a genotype file or a run folder; FILE#NAME is one of
    /// several in a file.
    genotype: String,
    #[command(flatten)]
    shape: ShapeArgs,
    /// With the auxiliary head.
    #[arg(long)]
    auxiliary: bool,
    /// Size of the images.
    #[arg(long, value_name = "HEIGHTxWIDTH", default_value = "513x513")]
    image: Sides,
}

impl CountArgs {
    pub(super) fn run(self) -> Result<(), TrainError> {
        let cells = read_cells::<SceneRecipe>(&self.genotype)?;
        let network = self.shape.network(cells, self.auxiliary);
        let Sides([height, width]) = self.image;
        print!("{}", layer_table(&network.layers(height, width)?));
        Ok(())
    }
}
