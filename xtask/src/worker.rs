//! Processes that take one search step for each line they are sent.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::cargo;

/// What a worker says of one step.
#[derive(Deserialize)]
pub struct Answer {
    pub seconds: f64,
    pub peak_mib: Option<f64>,
    /// Operation, direction, calls and seconds; empty unless it was built to measure them.
    #[serde(default)]
    pub profile: Vec<(String, String, usize, f64)>,
}

/// What a worker runs: its name in reports, and its arguments.
pub struct Subject {
    pub name: String,
    pub arguments: Vec<String>,
}

/// A supernet of language modelling and a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LanguageSize {
    pub hidden: usize,
    pub words: usize,
    pub streams: usize,
    pub length: usize,
    pub draws: usize,
}

impl LanguageSize {
    pub fn arguments(&self) -> Vec<String> {
        arguments([
            ("--hidden", self.hidden),
            ("--words", self.words),
            ("--batch", self.streams),
            ("--length", self.length),
            ("--draws", self.draws),
        ])
    }
}

impl std::fmt::Display for LanguageSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} units, {} words, {} streams of {}",
            self.hidden, self.words, self.streams, self.length
        )
    }
}

/// A supernet of semantic segmentation and a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SceneSize {
    pub channels: usize,
    pub cells: usize,
    pub batch: usize,
    pub side: usize,
    pub stem_stride: usize,
    pub output_stride: usize,
    pub pyramid: usize,
    pub rates: &'static str,
    pub draws: usize,
}

impl SceneSize {
    pub fn arguments(&self) -> Vec<String> {
        let mut words = arguments([
            ("--channels", self.channels),
            ("--cells", self.cells),
            ("--batch", self.batch),
            ("--side", self.side),
            ("--stem-stride", self.stem_stride),
            ("--output-stride", self.output_stride),
            ("--pyramid", self.pyramid),
            ("--draws", self.draws),
        ]);
        words.extend(["--rates".into(), self.rates.into()]);
        words
    }
}

impl std::fmt::Display for SceneSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} channels, {} cells, output stride {}, pyramid of {}, batch {} of 3x{side}x{side}",
            self.channels,
            self.cells,
            self.output_stride,
            self.pyramid,
            self.batch,
            side = self.side
        )
    }
}

/// A supernet of image classification and a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub channels: usize,
    pub cells: usize,
    pub batch: usize,
    pub image_channels: usize,
    pub side: usize,
    pub draws: usize,
}

impl Size {
    pub fn arguments(&self) -> Vec<String> {
        arguments([
            ("--channels", self.channels),
            ("--cells", self.cells),
            ("--batch", self.batch),
            ("--image-channels", self.image_channels),
            ("--side", self.side),
            ("--draws", self.draws),
        ])
    }
}

fn arguments<const N: usize>(named: [(&str, usize); N]) -> Vec<String> {
    let named = named.into_iter();
    let pairs = named.flat_map(|(name, value)| [name.to_owned(), value.to_string()]);
    pairs.collect()
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} channels, {} cells, batch {} of {}x{side}x{side}",
            self.channels,
            self.cells,
            self.batch,
            self.image_channels,
            side = self.side
        )
    }
}

pub struct Worker {
    name: String,
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts `program`, which then waits.
    pub fn start(
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = process.stdout.take().context("no standard output")?;
        Ok(Self {
            name: name.into(),
            input: process.stdin.take(),
            process,
            output: BufReader::new(output),
        })
    }

    /// Takes one step.
    pub fn step(&mut self) -> anyhow::Result<Answer> {
        let name = &self.name;
        let input = self.input.as_mut().context("the worker was stopped")?;
        writeln!(input).with_context(|| format!("{name} ended early"))?;
        input.flush()?;
        let mut line = String::new();
        let read = self.output.read_line(&mut line)?;
        ensure!(read > 0, "{name} ended before it had taken its step");
        serde_json::from_str(&line).with_context(|| format!("{name} answered {line:?}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Its input at an end, a worker ends too.
        self.input = None;
        let _ = self.process.wait();
    }
}

/// Builds the step benchmark of `search` with further features and returns its program.
pub fn build(features: &[String]) -> anyhow::Result<PathBuf> {
    // The dev profile optimises what a step runs, and is what `cargo run -p search` uses. Building
    // the workspace keeps the features of what is built already.
    let mut command = cargo::command();
    command
        .args(["bench", "--workspace", "--bench", "step", "--no-run"])
        .args(["--profile", "dev"]);
    for feature in features {
        command.args(["--features", &format!("search/{feature}")]);
    }
    let built = cargo::build(command, "the step benchmark")?;
    let step = built.into_iter().find(|built| built.target == "step");
    Ok(step
        .context("cargo named no program for the step benchmark")?
        .program)
}
