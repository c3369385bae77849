//! Experiments of the project that plain cargo cannot express.

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
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Seeds(seeds) => seeds.run(),
    }
}
