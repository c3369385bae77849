//! Processes that take one search step for each line they are sent.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use serde::de::DeserializeOwned;
use workbench::record::{self, MachineLimits, ProfiledOperation, StepAnswer};
use workbench::statistics::median;

use crate::cargo;

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

/// A network that is trained on images of three channels, and a batch.
#[derive(Clone, Copy, PartialEq, Eq, Args)]
pub struct FitSize {
    /// Channels of the first cells.
    #[arg(long, default_value_t = 16)]
    pub channels: usize,
    /// Number of cells.
    #[arg(long, default_value_t = 8)]
    pub cells: usize,
    /// Images of a step.
    #[arg(long, default_value_t = 96)]
    pub batch: usize,
    /// Side of the images.
    #[arg(long, default_value_t = 32)]
    pub side: usize,
}

impl FitSize {
    pub fn arguments(&self) -> Vec<String> {
        arguments([
            ("--channels", self.channels),
            ("--cells", self.cells),
            ("--batch", self.batch),
            ("--side", self.side),
        ])
    }
}

impl std::fmt::Display for FitSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} channels, {} cells, batch {} of 3x{side}x{side}",
            self.channels,
            self.cells,
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
        let mut command = Command::new(program);
        command.args(arguments);
        Self::spawn(name, command)
    }

    /// Starts a program that has all it needs but its standard streams.
    pub fn spawn(name: &str, mut command: Command) -> anyhow::Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let output = process.stdout.take().context("no standard output")?;
        Ok(Self {
            name: name.into(),
            input: process.stdin.take(),
            process,
            output: BufReader::new(output),
        })
    }

    /// Takes one step.
    pub fn step(&mut self) -> anyhow::Result<StepAnswer> {
        self.ask("")
    }

    /// Takes one step and counts what it would launch on a GPU, as the image step of PyTorch can.
    pub fn launches(&mut self) -> anyhow::Result<usize> {
        self.ask("launches")
    }

    /// What the machine can do at the most, as a worker measures it that profiles its steps.
    fn limits(&mut self) -> anyhow::Result<Option<MachineLimits>> {
        self.ask(record::LIMITS)
    }

    fn ask<T: DeserializeOwned>(&mut self, line: &str) -> anyhow::Result<T> {
        let name = &self.name;
        let input = self.input.as_mut().context("the worker was stopped")?;
        writeln!(input, "{line}").with_context(|| format!("{name} ended early"))?;
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

/// What a worker was measured at, round by round.
pub struct Measured {
    rounds: Vec<f64>,
    /// Peak memory in MiB.
    pub peak_mib: Option<f64>,
    /// Of the last round, in no order.
    pub profile: Vec<ProfiledOperation>,
    /// Of the machine, where there is a profile.
    pub limits: Option<MachineLimits>,
}

impl Measured {
    fn from_answers(worker: &mut Worker, answers: Vec<StepAnswer>) -> anyhow::Result<Self> {
        let rounds = answers.iter().map(|answer| answer.seconds).collect();
        let last = answers
            .into_iter()
            .last()
            .context("a bench needs a round")?;
        Ok(Self {
            rounds,
            peak_mib: last.peak_mib,
            limits: match last.profile.is_empty() {
                true => None,
                false => worker.limits()?,
            },
            profile: last.profile,
        })
    }

    /// Seconds of the median round.
    pub fn seconds(&self) -> f64 {
        median(&self.rounds)
    }

    /// Seconds of the last round.
    pub fn last(&self) -> f64 {
        self.rounds.last().copied().unwrap_or(f64::NAN)
    }

    /// The median of the ratios of rounds that were taken in turn.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds);
        let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        median(&ratios)
    }
}

/// Between the steps of two workers.
const REST: Duration = Duration::from_millis(500);

/// Lets workers take so many steps in turn, after one that does not count; `name` is what they work on.
pub fn measure(
    mut workers: Vec<Worker>,
    rounds: usize,
    name: &str,
) -> anyhow::Result<Vec<Measured>> {
    let mut answers: Vec<Vec<StepAnswer>> = workers.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        eprintln!("{name}: round {round} of {rounds}");
        for (worker, answers) in workers.iter_mut().zip(&mut answers) {
            // Threads of the one before, such as OpenMP's, look out for work for a while.
            thread::sleep(REST);
            let answer = worker.step()?;
            if round > 0 {
                answers.push(answer);
            }
        }
    }
    let answered = workers.iter_mut().zip(answers);
    answered
        .map(|(worker, answers)| Measured::from_answers(worker, answers))
        .collect()
}

/// A benchmark whose program is a worker.
#[derive(Clone, Copy)]
pub enum Bench {
    /// Of a search.
    Step,
    /// Of a training.
    Fit,
}

impl Bench {
    /// Its name and its crate.
    fn place(self) -> [&'static str; 2] {
        match self {
            Self::Step => ["step", "search"],
            Self::Fit => ["fit", "train"],
        }
    }

    /// Builds it with further features of its crate and returns its program.
    pub fn build(self, features: &[String]) -> anyhow::Result<PathBuf> {
        let [name, package] = self.place();
        // The dev profile optimises what a step runs, and is what `cargo run -p search` uses. Building
        // the workspace keeps the features of what is built already.
        let mut command = cargo::command();
        command
            .args(["bench", "--workspace", "--bench", name, "--no-run"])
            .args(["--profile", "dev"]);
        for feature in features {
            command.args(["--features", &format!("{package}/{feature}")]);
        }
        let built = cargo::build(command, "the benchmark")?;
        let bench = built.into_iter().find(|built| built.target == name);
        Ok(bench
            .context("cargo named no program for the benchmark")?
            .program)
    }
}
