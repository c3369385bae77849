//! Experiments of the project that plain cargo cannot express.

mod bench_egs;
mod bench_fit;
mod bench_launches;
mod bench_scale;
mod bench_step;
mod cargo;
mod contest;
mod gap_table;
mod gpu;
mod guides;
mod machine;
mod pages;
mod passed;
mod peer;
mod readme;
mod seeds;
mod step_table;
mod table_page;
mod worker;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Experiments of the project")]
struct Cli {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Subcommand)]
enum Experiment {
    /// Search with several seeds and print a Markdown table with mean and spread.
    Seeds(seeds::Seeds),
    /// Search with every method and seed, retrain, and write a Markdown table and a chart.
    GapTable(gap_table::GapTable),
    /// Train what searches find beside other cells and networks, as a file says, and write a table.
    Contest(contest::Contest),
    /// Check pages in a browser, and take pictures of them.
    Pages(pages::Pages),
    /// Build what a machine with a GPU needs to be measured.
    Gpu(gpu::Gpu),
    /// Run every command that README and guides show, long ones shortened.
    Guides(guides::Guides),
    /// Build and run the README of egs-core in an empty crate.
    Readme(readme::Readme),
    /// Measure speed.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// The estimator against composed tensor operations, as a Markdown table.
    Egs(bench_egs::BenchEgs),
    /// The search step, beside PyTorch's with --peer, as a Markdown table.
    Step(bench_step::BenchStep),
    /// The retraining step, beside PyTorch's with --peer, as a Markdown table.
    Fit(bench_fit::BenchFit),
    /// What a search step launches on a GPU, beside PyTorch's operations with --peer; needs no GPU.
    Launches(bench_launches::BenchLaunches),
    /// The search step as cells, channels, batch, resolution and draws grow, as table and picture.
    Scale(bench_scale::BenchScale),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().experiment {
        Experiment::Seeds(seeds) => seeds.run(),
        Experiment::GapTable(table) => table.run(),
        Experiment::Contest(contest) => contest.run(),
        Experiment::Pages(pages) => pages.run(),
        Experiment::Gpu(gpu) => gpu.run(),
        Experiment::Guides(guides) => guides.run(),
        Experiment::Readme(readme) => readme.run(),
        Experiment::Bench(Bench::Egs(bench)) => bench.run(),
        Experiment::Bench(Bench::Step(bench)) => bench.run(),
        Experiment::Bench(Bench::Fit(bench)) => bench.run(),
        Experiment::Bench(Bench::Launches(bench)) => bench.run(),
        Experiment::Bench(Bench::Scale(bench)) => bench.run(),
    }
}
