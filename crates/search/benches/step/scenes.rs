use burn::tensor::{Distribution, Int, Tensor};
use search::Task;
use search::tasks::SceneTask;
use supernet::TrainBackend;
use supernet::segmentation::{
    PyramidConfig, SegmentationConfig, SegmentationSize, SegmentationSupernetConfig,
};
use workbench::scenes::SceneBatch;

use crate::{Cli, answer, configure};

#[derive(clap::Args)]
pub struct Scenes {
    /// By how much an image is smaller before the first cell.
    #[arg(long, default_value_t = 2)]
    stem_stride: usize,
    /// By how much it is smaller after the last one.
    #[arg(long, default_value_t = 4)]
    output_stride: usize,
    /// Channels of the pyramid.
    #[arg(long, default_value_t = 32)]
    pyramid: usize,
    /// Dilations of the pyramid.
    #[arg(long, value_delimiter = ',', default_value = "2,4,6")]
    rates: Vec<usize>,
}

const CLASSES: usize = 11;
const IMAGE_CHANNELS: usize = 3;

pub fn run<B: TrainBackend>(cli: &Cli, device: &B::Device) -> anyhow::Result<()> {
    let (images, scenes) = (&cli.images, &cli.scenes);
    let config = configure::<SceneTask>(cli)?;
    let supernet = SegmentationSupernetConfig {
        network: SegmentationConfig {
            image_channels: IMAGE_CHANNELS,
            classes: CLASSES,
            size: SegmentationSize {
                channels: images.channels,
                cells: images.cells,
                stem_stride: scenes.stem_stride,
                output_stride: scenes.output_stride,
                pyramid: PyramidConfig {
                    channels: scenes.pyramid,
                    rates: Some(scenes.rates.clone()),
                    dropout: 0.0,
                },
            },
        },
        space: config.space.clone(),
    };
    // Of the data set only the loss is used.
    let (_, problem) = SceneTask::open(&config)?;
    let side = images.side;
    let task = SceneTask::new(supernet, side);
    B::seed(device, 0);
    let batch = || SceneBatch::<B> {
        images: Tensor::random(
            [cli.batch, IMAGE_CHANNELS, side, side],
            Distribution::Normal(0.0, 1.0),
            device,
        ),
        masks: Tensor::<B, 3, Int>::random(
            [cli.batch, side, side],
            Distribution::Uniform(0.0, CLASSES as f64),
            device,
        ),
    };
    answer::<B, _>(&config, &task, &problem, [batch(), batch()], 0.025, device)
}
