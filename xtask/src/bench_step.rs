//! The search step: time and memory, beside the PyTorch peer, and what the time is spent on.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{Args, ValueEnum};
use workbench::files::write_atomic;

use crate::machine;
use crate::peer::{self, Form, Peer, PeerArgs};
use crate::step_table::{StepTable, profile_table};
use crate::worker::{Bench, LanguageSize, Measured, SceneSize, Size, Subject, Worker, measure};

#[derive(Args)]
pub struct BenchStep {
    /// What is searched for.
    #[arg(long, value_enum, default_value = "images")]
    task: Searched,
    #[command(flatten)]
    peer: PeerArgs,
    /// Sizes to measure.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "small,medium,large"
    )]
    size: Vec<Named>,
    /// Executions to measure.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "dense,exact-sparse,sampled"
    )]
    execution: Vec<String>,
    /// Keep the graph of one cell at a time; of images.
    #[arg(long)]
    checkpoint_cells: bool,
    /// Steps of each, taken in turn, after one that does not count.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Backend features to build with, such as cuda, vulkan or wgpu.
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// Write what each kind of operation costs, too.
    #[arg(long)]
    profile: bool,
    /// Write the report here as well.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Searched {
    Images,
    Language,
    Scenes,
}

impl Searched {
    fn subject(self, named: Named) -> Subject {
        let (argument, name, arguments) = match self {
            Self::Images => {
                let size = named.size();
                ("images", size.to_string(), size.arguments())
            }
            Self::Language => {
                let size = named.language_size();
                ("language", size.to_string(), size.arguments())
            }
            Self::Scenes => {
                let size = named.scene_size();
                ("scenes", size.to_string(), size.arguments())
            }
        };
        let task = ["--task".to_owned(), argument.to_owned()];
        Subject {
            name,
            arguments: task.into_iter().chain(arguments).collect(),
        }
    }

    /// What takes the same step in PyTorch.
    fn script(self) -> PathBuf {
        peer::script(match self {
            Self::Images => "step.py",
            Self::Language => "language_step.py",
            Self::Scenes => "scene_step.py",
        })
    }

    /// What the profile does not know by name.
    fn rest(self) -> &'static str {
        match self {
            Self::Images => "graph, sums of gradients, stem, optimisers",
            Self::Language => "graph, sums of gradients, embeddings, decoder, optimisers",
            Self::Scenes => "graph, sums of gradients, stem, pyramid, optimisers",
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Named {
    /// 8 channels, 5 cells, batch 32 of 1x28x28; 64 units, 1,000 words; batch 16 of 64x64
    Small,
    /// 12 channels, 6 cells, batch 48 of 3x32x32; 150 units, 5,000 words; batch 8 of 96x96
    Medium,
    /// 16 channels, 8 cells, batch 64 of 3x32x32; 300 units, 10,000 words; batch 8 of 192x192
    Large,
}

impl Named {
    pub fn size(self) -> Size {
        let [channels, cells, batch, image_channels, side] = match self {
            Named::Small => [8, 5, 32, 1, 28],
            Named::Medium => [12, 6, 48, 3, 32],
            Named::Large => [16, 8, 64, 3, 32],
        };
        Size {
            channels,
            cells,
            batch,
            image_channels,
            side,
            draws: 4,
        }
    }

    fn scene_size(self) -> SceneSize {
        let Size {
            channels,
            cells,
            draws,
            ..
        } = self.size();
        let [batch, side, stem_stride, output_stride, pyramid] = match self {
            Named::Small => [16, 64, 2, 4, 32],
            Named::Medium => [8, 96, 2, 4, 64],
            Named::Large => [8, 192, 4, 8, 128],
        };
        SceneSize {
            channels,
            cells,
            batch,
            side,
            stem_stride,
            output_stride,
            pyramid,
            rates: match self {
                Named::Large => "6,12,18",
                _ => "2,4,6",
            },
            draws,
        }
    }

    fn language_size(self) -> LanguageSize {
        let [hidden, words] = match self {
            Named::Small => [64, 1_000],
            Named::Medium => [150, 5_000],
            Named::Large => [300, 10_000],
        };
        LanguageSize {
            hidden,
            words,
            streams: 64,
            length: 35,
            draws: 4,
        }
    }
}

impl BenchStep {
    pub fn run(self) -> anyhow::Result<()> {
        ensure!(
            !self.checkpoint_cells || self.task == Searched::Images,
            "`--checkpoint-cells` is of images; leave it out with other tasks"
        );
        let forms = self.peer.forms();
        ensure!(
            !forms.contains(&Form::ChannelsLast) || self.task != Searched::Language,
            "`--peer-form channels-last` is of pictures; valid for languages are eager and compiled"
        );
        let mut features = self.features.clone();
        if self.profile {
            features.push("profile".into());
        }
        let program = Bench::Step.build(&features)?;
        let peer = self.peer.prepare()?;
        let mut report = format!("Hardware: {}", machine::describe());
        if !self.features.is_empty() {
            write!(report, ", with {}", self.features.join(", "))?;
        }
        if let Some(peer) = &peer {
            write!(report, "; {}", self.peer.text(peer))?;
        }
        if self.checkpoint_cells {
            report.push_str(", with the graph of one cell at a time");
        }
        writeln!(
            report,
            ".\nMedians of {} alternating steps, the contestants taking turns; M = 4.\n",
            self.rounds
        )?;
        let mut table = StepTable::new(&["size", "execution"], forms);
        let mut profiles = String::new();
        for named in &self.size {
            let subject = self.task.subject(*named);
            let mut measured = self.measure(&subject, &program, peer.as_ref())?;
            let peers = measured.split_off(self.execution.len());
            for (execution, measured) in self.execution.iter().zip(&measured) {
                table.row(&[&subject.name, execution], measured, &peers)?;
                if self.profile {
                    let name = format!("{}, {execution}", subject.name);
                    profiles.push_str(&profile_table(&name, measured, self.task.rest())?);
                }
            }
        }
        report.push_str(table.text());
        report.push_str(&profiles);
        print!("{report}");
        if let Some(out) = &self.out {
            write_atomic(out, report)?;
        }
        Ok(())
    }

    /// All executions, then the peer's forms if there is one, taking turns.
    fn measure(
        &self,
        subject: &Subject,
        program: &Path,
        peer: Option<&Peer>,
    ) -> anyhow::Result<Vec<Measured>> {
        let mut workers = Vec::new();
        for execution in &self.execution {
            let mut arguments = subject.arguments.clone();
            arguments.extend(["--execution".into(), execution.clone()]);
            if self.checkpoint_cells {
                arguments.push("--checkpoint-cells".into());
            }
            workers.push(Worker::start(execution, program, arguments)?);
        }
        if let Some(peer) = peer {
            let script = self.task.script();
            workers.extend(self.peer.workers(peer, &script, &subject.arguments)?);
        }
        measure(workers, self.rounds, &subject.name)
    }
}
