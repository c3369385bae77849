//! One alternating step (architecture step and weight step) on random images, once for every line
//! read from standard input; each answer is a JSON line with the seconds it took and the peak
//! resident memory so far, and with the feature `profile` what they were spent on. `cargo xtask
//! bench step` drives it, beside a peer that answers alike.

use std::io::{BufRead, Write};
use std::time::Instant;

use burn::backend::Autodiff;
use burn::tensor::{Distribution, Int, Tensor, backend::Backend};
use clap::Parser;
use search::tasks::ImageTask;
use search::{AlternatingStep, Objective, SearchConfig, SearchState, Task};
use supernet::{Execution, NetworkConfig, SupernetConfig, kernels::profile};
use workbench::images::Batch;

#[cfg(feature = "cuda")]
type Device = burn_cuda::Cuda;
#[cfg(all(feature = "vulkan", not(feature = "cuda")))]
type Device = burn_wgpu::Vulkan;
#[cfg(all(feature = "wgpu", not(any(feature = "vulkan", feature = "cuda"))))]
type Device = burn_wgpu::Wgpu;
#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
type Device = burn_flex::Flex;

type Train = Autodiff<Device>;

#[derive(Parser)]
struct Cli {
    #[arg(long, default_value_t = 8)]
    channels: usize,
    #[arg(long, default_value_t = 5)]
    cells: usize,
    #[arg(long, default_value_t = 32)]
    batch: usize,
    #[arg(long, default_value_t = 1)]
    image_channels: usize,
    #[arg(long, default_value_t = 28)]
    side: usize,
    /// Size M of the ensemble.
    #[arg(long, default_value_t = 4)]
    draws: usize,
    /// dense, exact-sparse or sampled.
    #[arg(long, default_value = "exact-sparse")]
    execution: String,
    /// Keep the graph of one cell at a time.
    #[arg(long)]
    checkpoint_cells: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Peak resident memory of this process in MiB, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    workbench::shell::on_pool(|| run(&cli))
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let mut config = SearchConfig::<ImageTask>::resolve(None, &[])?;
    config.architecture.draws = cli.draws;
    config.search.checkpoint_cells = cli.checkpoint_cells;
    config.search.execution = match cli.execution.as_str() {
        "dense" => Execution::Dense,
        "exact-sparse" => Execution::ExactSparse,
        "sampled" => Execution::Sampled,
        other => anyhow::bail!("`--execution` is `{other}`; valid: dense, exact-sparse, sampled"),
    };
    let supernet = SupernetConfig {
        network: NetworkConfig {
            image_channels: cli.image_channels,
            classes: 10,
            channels: cli.channels,
            cells: cli.cells,
        },
        space: config.space.clone(),
    };
    let device = Default::default();
    // Of the data set only the loss is used.
    let (_, problem) = ImageTask::open(&config)?;
    let task = ImageTask::new(supernet, [cli.side; 2]);
    let mut state = SearchState::<Train, ImageTask>::new(&config, &task, &device)?;
    Train::seed(&device, 0);
    let batch = || Batch::<Train> {
        images: Tensor::random(
            [cli.batch, cli.image_channels, cli.side, cli.side],
            Distribution::Normal(0.0, 1.0),
            &device,
        ),
        labels: Tensor::<Train, 1, Int>::random(
            [cli.batch],
            Distribution::Uniform(0.0, 10.0),
            &device,
        ),
    };
    let (weight_batch, alpha_batch) = (batch(), batch());
    let mut out = std::io::stdout().lock();
    for (index, line) in std::io::stdin().lock().lines().enumerate() {
        line?;
        let begun = Instant::now();
        let step = AlternatingStep {
            objective: Objective {
                config: &config,
                task: &task,
                problem: &problem,
                index: index as u64,
                temperature: 1.0,
            },
            learning_rate: 0.025,
        };
        let losses;
        (state, losses) = step.take(state, &weight_batch, Some(&alpha_batch))?;
        let loss: f32 = losses.weights.into_scalar();
        Train::sync(&device).map_err(|error| anyhow::anyhow!("the device failed: {error}"))?;
        let seconds = begun.elapsed().as_secs_f64();
        let profile: Vec<_> = profile::take()
            .iter()
            .map(|share| {
                let time = share.time.as_secs_f64();
                (
                    share.operation,
                    format!("{:?}", share.pass),
                    share.calls,
                    time,
                )
            })
            .collect();
        let answer = serde_json::json!({
            "seconds": seconds,
            "peak_mib": peak_mib(),
            "loss": loss,
            "profile": profile,
        });
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
