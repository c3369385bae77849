//! The `train` binary: names the backends, and nothing else.

use std::process::ExitCode;

use train::TrainError;
use train::cli::{Cli, Job};

workbench::backends!(Job, TrainError);

fn main() -> ExitCode {
    workbench::shell::run(|| match Cli::read()?.prepare(COMPILED)? {
        Some(job) => dispatch(job),
        None => Ok(()),
    })
}
