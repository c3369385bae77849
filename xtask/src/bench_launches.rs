//! Launches of a search step on a GPU backend. They do not depend on how fast the device is, nor on the batch:
//! a software one will do.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use workbench::files::write_atomic;
use workbench::statistics::median;

use crate::bench_step::Named;
use crate::machine;
use crate::peer::{self, PeerArgs};
use crate::worker::{Bench, Size, Worker};

#[derive(Args)]
pub struct BenchLaunches {
    #[command(flatten)]
    peer: PeerArgs,
    /// Backend to build with and to run on.
    #[arg(long, default_value = "vulkan")]
    backend: String,
    /// Executions to count.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "dense,exact-sparse,sampled"
    )]
    execution: Vec<String>,
    /// Steps of each, after two that do not count: kernels are chosen then.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write the report here as well.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How CubeCL is asked to tell of every launch and every piece of memory.
const CONFIG: &str = "\
[profiling]
logger = { level = \"minimal\", stderr = true }
[memory]
logger = { level = \"full\", stderr = true }
";

/// Steps that do not count.
const WARM_UP: usize = 2;
/// Images of a batch.
const BATCH: usize = 2;
/// Kernels that a report names.
const NAMED: usize = 24;

/// What a step did.
#[derive(Clone, Default)]
struct Counts {
    kernels: BTreeMap<String, usize>,
    /// Of all pieces of the device's memory that were asked for.
    bytes: f64,
    reads: usize,
}

impl Counts {
    fn launches(&self) -> usize {
        self.kernels.values().sum()
    }

    /// Counts what CubeCL told.
    fn of(log: &str) -> anyhow::Result<Self> {
        let mut counts = Self::default();
        for line in log.lines() {
            if let Some((_, kernel)) = line.split_once("Executing ") {
                *counts.kernels.entry(kernel.trim().to_owned()).or_default() += 1;
            } else if let Some((name, size)) = line.split_once("Reserved memory ") {
                let size = size.split(" using").next().unwrap_or(size);
                if name.contains("Main") {
                    let found = || format!("CubeCL told of memory of {size:?}");
                    counts.bytes += bytes(size).with_context(found)?;
                }
                counts.reads += usize::from(name.contains("Staging"));
            }
        }
        Ok(counts)
    }
}

/// A number and a unit, as CubeCL writes them.
fn bytes(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ').unwrap_or((text.trim(), "B"));
    let power = match unit {
        "B" => 0,
        "KB" => 1,
        "MB" => 2,
        "GB" => 3,
        _ => return None,
    };
    let number = number.parse::<f64>().ok()?;
    Some(number * 1000f64.powi(power))
}

impl BenchLaunches {
    pub fn run(self) -> anyhow::Result<()> {
        ensure!(
            self.rounds > 0,
            "`--rounds` is 0; count one step at the least"
        );
        let program = Bench::Step.build(std::slice::from_ref(&self.backend))?;
        let peer = self.peer.prepare()?;
        let size = Size {
            batch: BATCH,
            ..Named::Large.size()
        };
        let theirs = match &peer {
            Some(peer) => {
                let workers =
                    self.peer
                        .workers(peer, &peer::script("step.py"), &size.arguments())?;
                let mut worker = workers.into_iter().next().context("a form of the peer")?;
                Some(worker.launches()?)
            }
            None => None,
        };
        let mut report = format!("Hardware: {}, {}", machine::describe(), self.backend);
        if let Some(peer) = &peer {
            write!(report, "; {}", self.peer.text(peer))?;
        }
        writeln!(
            report,
            ".\n{size}: medians of {} alternating steps; M = {}.\n",
            self.rounds, size.draws
        )?;
        report.push_str(match theirs {
            Some(_) => "| execution | launches | MiB asked for | host reads | PyTorch's operations | ratio |\n|---|---|---|---|---|---|\n",
            None => "| execution | launches | MiB asked for | host reads |\n|---|---|---|---|\n",
        });
        let mut kinds = String::new();
        for execution in &self.execution {
            let steps = self.count(&program, &size, execution)?;
            let of =
                |number: fn(&Counts) -> f64| median(&steps.iter().map(number).collect::<Vec<_>>());
            let launches = of(|step| step.launches() as f64);
            let mib = of(|step| step.bytes) / 2f64.powi(20);
            let reads = of(|step| step.reads as f64);
            write!(report, "| {execution} | {launches} | {mib:.0} | {reads} |")?;
            if let Some(theirs) = theirs {
                write!(report, " {theirs} | {:.2} |", launches / theirs as f64)?;
            }
            report.push('\n');
            if let Some(last) = steps.last() {
                kinds.push_str(&kind_table(execution, last)?);
            }
        }
        report.push_str(&kinds);
        print!("{report}");
        if let Some(out) = &self.out {
            write_atomic(out, report)?;
        }
        Ok(())
    }

    /// What each of the steps that count did.
    fn count(&self, program: &Path, size: &Size, execution: &str) -> anyhow::Result<Vec<Counts>> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("cubecl.toml"), CONFIG)?;
        let log = folder.path().join("log");
        let mut command = Command::new(program);
        command
            .args(size.arguments())
            .args(["--backend", &self.backend, "--execution", execution])
            .current_dir(&folder)
            .stderr(File::create(&log)?);
        let mut worker = Worker::spawn(execution, command)?;
        let mut steps = Vec::new();
        let mut seen = 0;
        for step in 0..WARM_UP + self.rounds {
            eprintln!(
                "{execution}: step {} of {}",
                step + 1,
                WARM_UP + self.rounds
            );
            worker.step()?;
            let text = settled(&log)?;
            if step >= WARM_UP {
                steps.push(Counts::of(&text[seen..])?);
            }
            seen = text.len();
        }
        let launched = steps.iter().all(|step| step.launches() > 0);
        ensure!(launched, "{} told of no launch", self.backend);
        Ok(steps)
    }
}

/// What a log says once nothing is added any more: it is written by a thread of its own.
fn settled(log: &Path) -> anyhow::Result<String> {
    let mut before = fs::read_to_string(log)?;
    loop {
        thread::sleep(Duration::from_secs(1));
        let now = fs::read_to_string(log)?;
        if now.len() == before.len() {
            return Ok(now);
        }
        before = now;
    }
}

fn kind_table(execution: &str, step: &Counts) -> anyhow::Result<String> {
    let mut kinds: Vec<(&String, &usize)> = step.kernels.iter().collect();
    kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let mut table = format!("\n{execution}, the last step\n\n| kernel | launches |\n|---|---|\n");
    for (name, count) in kinds.iter().take(NAMED) {
        writeln!(table, "| {name} | {count} |")?;
    }
    let others: usize = kinds.iter().skip(NAMED).map(|(_, count)| **count).sum();
    if others > 0 {
        writeln!(table, "| others | {others} |")?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_memory_and_reads_are_told_apart() {
        let log = "\
Executing DepthwiseConv<f32>
[Main GPU Memory] Reserved memory 1.50 MB using dynamic pool
Executing DepthwiseConv<f32>
Executing Reduce
[Staging CPU Memory] Reserved memory 512 B using dynamic pool
some other line";
        let counts = Counts::of(log).unwrap();
        assert_eq!(counts.launches(), 3);
        assert_eq!(counts.kernels["DepthwiseConv<f32>"], 2);
        assert_eq!(counts.bytes, 1.5e6);
        assert_eq!(counts.reads, 1);
        assert!(Counts::of("[Main GPU Memory] Reserved memory 1 EB using dynamic pool").is_err());
    }
}
