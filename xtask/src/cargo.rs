//! Programs that cargo builds.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

/// A program that was built.
pub struct Built {
    /// Cargo's name of its target.
    pub target: String,
    /// Kinds of the target, such as `bench`.
    pub kinds: Vec<String>,
    pub program: PathBuf,
}

/// The cargo that runs this program, or the one on the path.
pub fn command() -> Command {
    Command::new(std::env::var("CARGO").unwrap_or("cargo".into()))
}

/// Runs a command of cargo that builds and names the programs that come of it; `what` is built.
pub fn build(mut command: Command, what: &str) -> anyhow::Result<Vec<Built>> {
    let output = command
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    ensure!(output.status.success(), "{what} could not be built");
    let mut built = Vec::new();
    for line in output.stdout.lines() {
        let message: Message = serde_json::from_str(&line?)?;
        if let (Some(target), Some(program)) = (message.target, message.executable) {
            built.push(Built {
                target: target.name,
                kinds: target.kind,
                program,
            });
        }
    }
    Ok(built)
}

/// What cargo says while it builds, as far as it is of use here.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}
