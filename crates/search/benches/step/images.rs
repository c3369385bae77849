use burn::tensor::{Distribution, Int, Tensor};
use search::Task;
use search::tasks::ImageTask;
use supernet::{NetworkConfig, SupernetConfig, TrainBackend};
use workbench::images::Batch;

use crate::{Cli, answer, configure};

#[derive(clap::Args)]
pub struct Images {
    #[arg(long, default_value_t = 8)]
    pub channels: usize,
    #[arg(long, default_value_t = 5)]
    pub cells: usize,
    #[arg(long, default_value_t = 1)]
    image_channels: usize,
    #[arg(long, default_value_t = 28)]
    pub side: usize,
}

pub fn run<B: TrainBackend>(cli: &Cli, device: &B::Device) -> anyhow::Result<()> {
    let size = &cli.images;
    let config = configure::<ImageTask>(cli)?;
    let supernet = SupernetConfig {
        network: NetworkConfig {
            image_channels: size.image_channels,
            classes: 10,
            channels: size.channels,
            cells: size.cells,
        },
        space: config.space.clone(),
    };
    // Of the data set only the loss is used.
    let (_, problem) = ImageTask::open(&config)?;
    let task = ImageTask::new(supernet, [size.side; 2]);
    B::seed(device, 0);
    let batch = || Batch::<B> {
        images: Tensor::random(
            [cli.batch, size.image_channels, size.side, size.side],
            Distribution::Normal(0.0, 1.0),
            device,
        ),
        labels: Tensor::<B, 1, Int>::random([cli.batch], Distribution::Uniform(0.0, 10.0), device),
    };
    answer::<B, _>(&config, &task, &problem, [batch(), batch()], 0.025, device)
}
