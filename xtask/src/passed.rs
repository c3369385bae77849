//! Options of `search` and `train` that experiments hand on; they mean the same here.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;

use crate::cargo;

/// What is searched, and how.
#[derive(Args, Clone, Default)]
pub struct SearchOptions {
    /// Configuration file of the searches; by default the one of `search`.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data set, as `search` and `train` know it; by default that of --config, or digits.
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Folder of the data set's files.
    #[arg(long, value_name = "FOLDER")]
    pub data_root: Option<PathBuf>,
    /// Epochs of a search, in place of the configuration's.
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Examples of a step.
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Channels of the first cells.
    #[arg(long, value_name = "N")]
    pub channels: Option<usize>,
    /// Number of cells.
    #[arg(long, value_name = "N")]
    pub cells: Option<usize>,
}

impl SearchOptions {
    /// The options as they are given on.
    pub fn arguments(&self) -> Vec<String> {
        let text = |value: &Option<usize>| value.map(|value| value.to_string());
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let options = [
            ("--config", path(&self.config)),
            ("--data", self.data.clone()),
            ("--data-root", path(&self.data_root)),
            ("--epochs", text(&self.epochs)),
            ("--batch-size", text(&self.batch_size)),
            ("--channels", text(&self.channels)),
            ("--cells", text(&self.cells)),
        ];
        let given = |(option, value): (&str, Option<String>)| Some([option.to_string(), value?]);
        options.into_iter().filter_map(given).flatten().collect()
    }
}

/// How the binaries are built, and which backend of theirs runs.
#[derive(Args, Clone, Default)]
pub struct BackendOptions {
    /// Backend features to build with, such as cuda, vulkan or wgpu.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub features: Vec<String>,
    /// Backend to run on, of those built; by default the most capable.
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
}

impl BackendOptions {
    /// `cargo run` of a binary with these arguments.
    pub fn run(&self, package: &str, arguments: &[String]) -> Command {
        let mut command = cargo::command();
        command.args(["run", "-p", package]);
        if !self.features.is_empty() {
            command.args(["--features", &self.features.join(",")]);
        }
        command.arg("--").args(arguments);
        if let Some(backend) = &self.backend {
            command.args(["--backend", backend]);
        }
        command
    }

    /// Runs a binary to its end without its output; `environment` is set for it. What is run is told.
    pub fn finish(
        &self,
        package: &str,
        mut arguments: Vec<String>,
        environment: &[(&str, String)],
    ) -> anyhow::Result<()> {
        eprintln!("{package} {}", arguments.join(" "));
        arguments.push("--quiet".into());
        let mut command = self.run(package, &arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let status = command
            .stdout(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        ensure!(status.success(), "`{package}` failed: {status}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        search: SearchOptions,
        #[command(flatten)]
        on: BackendOptions,
    }

    #[test]
    fn options_are_given_on_and_features_go_to_cargo() {
        let words = [
            "x",
            "--data",
            "mnist_5k",
            "--data-root",
            "my data",
            "--channels",
            "4",
            "--epochs",
            "2",
            "--features",
            "cuda,profile",
            "--backend",
            "cuda",
        ];
        let cli = Cli::parse_from(words);
        let expected = [
            "--data",
            "mnist_5k",
            "--data-root",
            "my data",
            "--epochs",
            "2",
            "--channels",
            "4",
        ];
        assert_eq!(cli.search.arguments(), expected);
        let command = cli.on.run("search", &["run".into()]);
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        let expected = [
            "run",
            "-p",
            "search",
            "--features",
            "cuda,profile",
            "--",
            "run",
            "--backend",
            "cuda",
        ];
        assert_eq!(words, expected);
        let plain = BackendOptions::default().run("train", &[]);
        assert_eq!(plain.get_args().count(), 4);
    }
}
