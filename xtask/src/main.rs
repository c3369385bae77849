//! Experiments of the project that plain cargo cannot express.

mod bench_egs;
mod gap_table;
mod seeds;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Experiments of the project")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Search with several seeds and print a Markdown table with mean and spread.
    Seeds(seeds::Seeds),
    /// Search with every method and seed, retrain, and write a Markdown table and a chart.
    GapTable(gap_table::GapTable),
    /// Measure speed.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// The estimator against composed tensor operations, as a Markdown table.
    Egs(bench_egs::BenchEgs),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Seeds(seeds) => seeds.run(),
        Task::GapTable(table) => table.run(),
        Task::Bench(Bench::Egs(bench)) => bench.run(),
    }
}
