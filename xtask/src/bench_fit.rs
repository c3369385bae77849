//! The retraining step: time and memory, beside PyTorch's.

use std::path::PathBuf;

use clap::Args;
use workbench::files::write_atomic;

use crate::machine;
use crate::peer::{self, PeerArgs};
use crate::step_table::{StepTable, profile_table};
use crate::worker::{Bench, FitSize, Worker, measure};

#[derive(Args)]
pub struct BenchFit {
    #[command(flatten)]
    peer: PeerArgs,
    #[command(flatten)]
    size: FitSize,
    /// Steps of each, taken in turn, after one that does not count.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Also print what a step was spent on.
    #[arg(long)]
    profile: bool,
    /// Backend features to build with, such as cuda, vulkan or wgpu.
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// Write the report here as well.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What the profile does not know by name.
const REST: &str = "graph, products of the auxiliary head, optimiser";

impl BenchFit {
    pub fn run(self) -> anyhow::Result<()> {
        let mut features = self.features.clone();
        if self.profile {
            features.push("profile".into());
        }
        let program = Bench::Fit.build(&features)?;
        let peer = self.peer.prepare()?;
        let arguments = self.size.arguments();
        let mut workers = vec![Worker::start("the training", &program, arguments.clone())?];
        if let Some(peer) = &peer {
            let script = peer::script("fit_step.py");
            workers.extend(self.peer.workers(peer, &script, &arguments)?);
        }
        let size = self.size.to_string();
        let measured = measure(workers, self.rounds, &size)?;
        let mut table = StepTable::new(&["darts-v2"], self.peer.forms());
        let mut profile = String::new();
        if let [ours, peers @ ..] = measured.as_slice() {
            table.row(&[&size], ours, peers)?;
            if self.profile {
                profile = profile_table(&size, ours, REST)?;
            }
        }
        let with = match self.features.is_empty() {
            true => String::new(),
            false => format!(", with {}", self.features.join(", ")),
        };
        let beside = peer.map_or(String::new(), |peer| format!("; {}", self.peer.text(&peer)));
        let report = format!(
            "Hardware: {}{with}{beside}.\nMedians of {} steps of a training with auxiliary head and drop-path, \
             the contestants taking turns.\n\n{}{profile}",
            machine::describe(),
            self.rounds,
            table.text()
        );
        print!("{report}");
        if let Some(out) = &self.out {
            write_atomic(out, report)?;
        }
        Ok(())
    }
}
