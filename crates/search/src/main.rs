//! The `search` binary: names the backends, and nothing else.

use std::process::ExitCode;

use clap::Parser;
use search::SearchError;
use search::cli::{Cli, Job};

workbench::backends!(Job, SearchError);

fn main() -> ExitCode {
    let cli = Cli::parse();
    workbench::shell::run(|| match cli.prepare(COMPILED)? {
        Some(job) => dispatch(job),
        None => Ok(()),
    })
}
