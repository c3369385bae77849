//! The `train` binary: names the backends, and nothing else.

use std::process::ExitCode;

use clap::Parser;
use train::TrainError;
use train::cli::{Cli, Job};

workbench::backends!(Job, TrainError);

fn main() -> ExitCode {
    let cli = Cli::parse();
    workbench::shell::run(|| match cli.prepare(COMPILED)? {
        Some(job) => dispatch(job),
        None => Ok(()),
    })
}
