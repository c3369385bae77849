//! One alternating step (architecture step and weight step) on random images, words or scenes, once for every
//! line read from standard input; each answer is a JSON line with the seconds it took and the peak
//! resident memory so far, and with the feature `profile` what they were spent on. `cargo xtask
//! bench step` drives it, beside a peer that answers alike.

mod images;
mod language;
mod scenes;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use search::{AlternatingStep, BatchOf, Objective, SearchConfig, SearchState, Task, TrainTask};
use supernet::{Execution, TrainBackend, kernels::profile};
use workbench::backend::BackendName;
use workbench::step_bench::answer_steps;

workbench::backends!(StepJob, anyhow::Error);

/// What is searched for.
#[derive(Clone, Copy, ValueEnum)]
enum Searched {
    Images,
    Language,
    Scenes,
}

#[derive(Parser)]
struct Cli {
    #[arg(long, value_enum, default_value = "images")]
    task: Searched,
    /// Backend, of those that are compiled in; by default the most capable.
    #[arg(long)]
    backend: Option<String>,
    #[command(flatten)]
    images: images::Images,
    #[command(flatten)]
    language: language::Language,
    #[command(flatten)]
    scenes: scenes::Scenes,
    /// Images, or streams of words.
    #[arg(long, default_value_t = 32)]
    batch: usize,
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

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    workbench::pool::on_pool(|| run(cli))
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let backend = BackendName::choose(cli.backend.as_deref(), COMPILED)?;
    dispatch(StepJob { cli, backend })
}

/// Steps on a backend.
struct StepJob {
    cli: Cli,
    backend: BackendName,
}

impl StepJob {
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
        match self.cli.task {
            Searched::Images => images::run::<B>(&self.cli, &device),
            Searched::Language => language::run::<B>(&self.cli, &device),
            Searched::Scenes => scenes::run::<B>(&self.cli, &device),
        }
    }
}

/// The task's defaults, with what the command line says of every task.
fn configure<T: Task>(cli: &Cli) -> anyhow::Result<SearchConfig<T>> {
    let mut config = SearchConfig::<T>::resolve(None, &[])?;
    config.architecture.draws = cli.draws;
    config.search.checkpoint_cells = cli.checkpoint_cells;
    config.search.execution = match cli.execution.as_str() {
        "dense" => Execution::Dense,
        "exact-sparse" => Execution::ExactSparse,
        "sampled" => Execution::Sampled,
        other => anyhow::bail!("`--execution` is `{other}`; valid: dense, exact-sparse, sampled"),
    };
    Ok(config)
}

/// Takes a step for every line, always on the same batches.
fn answer<B: TrainBackend, T: TrainTask<B>>(
    config: &SearchConfig<T>,
    task: &T,
    problem: &T::Problem,
    [weight_batch, alpha_batch]: [BatchOf<T, B>; 2],
    learning_rate: f64,
    device: &B::Device,
) -> anyhow::Result<()> {
    let mut state = Some(SearchState::<B, T>::new(config, task, device)?);
    let step = |index: usize| {
        let step = AlternatingStep {
            objective: Objective {
                config,
                task,
                problem,
                index: index as u64,
                temperature: 1.0,
            },
            learning_rate,
        };
        let before = state.take().context("the step before failed")?;
        let (after, losses) = step.take(before, &weight_batch, Some(&alpha_batch))?;
        state = Some(after);
        let loss = losses.weights.into_data().iter::<f32>().next();
        B::sync(device).map_err(|error| anyhow::anyhow!("the device failed: {error}"))?;
        anyhow::Ok(loss)
    };
    answer_steps(step, profile::take, profile::limits)
}
