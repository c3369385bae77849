//! One step of a training on random images, once for every line read from standard input; each answer is a
//! JSON line with the seconds it took and the peak resident memory so far. `cargo xtask bench fit` drives
//! it, beside a peer that answers alike.

use anyhow::Context;
use burn::tensor::{Distribution, Int, Tensor};
use clap::Parser;
use supernet::{
    DerivedConfig, Form, NetworkConfig, OperationForm, Published, Statistics, TrainBackend,
    kernels::profile,
};
use train::recipe::PassContext;
use train::tasks::image::{ImageConfig, ImageFit, ImageRecipe};
use train::{FitConfig, FitState, Recipe, TrainError, differentiate};
use workbench::backend::BackendName;
use workbench::images::Batch;
use workbench::problem::Problem;
use workbench::step_bench::answer_steps;
use workbench::training::TrainingStep;

workbench::backends!(FitJob, anyhow::Error);

/// The published cells with auxiliary head and drop-path, as networks for CIFAR-10 are trained.
#[derive(Parser)]
struct Cli {
    #[arg(long, default_value_t = 16)]
    channels: usize,
    #[arg(long, default_value_t = 8)]
    cells: usize,
    /// Images of a step.
    #[arg(long, default_value_t = 96)]
    batch: usize,
    #[arg(long, default_value_t = 32)]
    side: usize,
    /// Backend, of those that are compiled in; by default the most capable.
    #[arg(long)]
    backend: Option<String>,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

const IMAGE_CHANNELS: usize = 3;
const CLASSES: usize = 10;
/// As published.
const AUXILIARY_WEIGHT: f64 = 0.4;
/// As published, at the end of its ramp.
const DROP_PATH: f64 = 0.2;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    workbench::pool::on_pool(|| {
        let backend = BackendName::choose(cli.backend.as_deref(), COMPILED)?;
        dispatch(FitJob { cli, backend })
    })
}

/// Steps on a backend.
struct FitJob {
    cli: Cli,
    backend: BackendName,
}

impl FitJob {
    fn describes_device(&self) -> bool {
        false
    }

    fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
        _adapter: Option<String>,
    ) -> anyhow::Result<()> {
        let device = self.backend.probe::<B>(device, compiled)?.device;
        answer::<B>(&self.cli, &device)
    }
}

fn recipe(cli: &Cli) -> Result<ImageRecipe, TrainError> {
    let network = NetworkConfig {
        image_channels: IMAGE_CHANNELS,
        classes: CLASSES,
        channels: cli.channels,
        cells: cli.cells,
    };
    Ok(ImageRecipe {
        network: DerivedConfig {
            network,
            genotype: Published::DartsV2.genotype()?,
            form: Form::Cifar,
            auxiliary: true,
        },
        image: ImageConfig {
            height: cli.side,
            width: cli.side,
            mean: vec![0.0; IMAGE_CHANNELS],
            std: vec![1.0; IMAGE_CHANNELS],
            shorter_side: None,
        },
        class_names: None,
        fit: ImageFit {
            auxiliary_weight: AUXILIARY_WEIGHT,
            drop_path: DROP_PATH,
            ..ImageFit::default()
        },
        operations: OperationForm::Retrained,
    })
}

/// Takes a step for every line, always on the same batch.
fn answer<B: TrainBackend>(cli: &Cli, device: &B::Device) -> anyhow::Result<()> {
    let config = FitConfig::<ImageRecipe>::resolve(None, &[])?;
    let recipe = recipe(cli)?;
    // Of the data set only the loss is used.
    let (_, problem) = ImageRecipe::open(&config)?;
    let FitState {
        model,
        mut optimizer,
        ..
    } = FitState::<B, _>::new(&config, &recipe, &problem.metric(), device)?;
    let mut model = Some(model);
    let training = TrainingStep {
        learning_rate: 0.025,
        clip_norm: config.weights.clip_norm,
        loss_scale: 1.0,
    };
    B::seed(device, 0);
    let shape = [cli.batch, IMAGE_CHANNELS, cli.side, cli.side];
    let classes = Distribution::Uniform(0.0, CLASSES as f64);
    let batch = Batch::<B> {
        images: Tensor::random(shape, Distribution::Normal(0.0, 1.0), device),
        labels: Tensor::<B, 1, Int>::random([cli.batch], classes, device),
    };
    let step = |step: usize| {
        let context = PassContext {
            problem: &problem,
            seed: 0,
            // At the end of drop-path's ramp.
            epoch: 1,
            epochs: 1,
            step,
            first: 0,
            precision: config.fit.precision,
            statistics: Statistics::TRAIN,
        };
        let taken = training.take(
            model.take().context("the step before failed")?,
            &mut optimizer,
            std::iter::once(Ok(())),
            |model, ()| {
                let (output, ()) = differentiate(&recipe, model, &batch, (), &context, 1.0);
                Ok::<_, TrainError>(output)
            },
        )?;
        model = Some(taken.model);
        let sums = taken.sums.into_iter().next();
        let loss = sums.and_then(|sums| sums.into_data().iter::<f32>().next());
        B::sync(device).map_err(|error| anyhow::anyhow!("the device failed: {error}"))?;
        anyhow::Ok(loss.map(|loss| loss / cli.batch as f32))
    };
    answer_steps(step, profile::take, profile::limits)
}
