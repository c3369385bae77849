//! The PyTorch peer: a virtual environment below the target folder, and scripts of ours in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::worker::Worker;

/// A Python that has torch.
pub struct Peer {
    pub python: PathBuf,
    /// Version of torch.
    pub version: String,
}

/// How PyTorch runs a network.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// An operation after the other
    Eager,
    /// Channel by channel of each pixel; not of languages
    ChannelsLast,
    /// Each cell by torch.compile, which needs a C++ compiler
    Compiled,
}

impl Form {
    /// As the scripts know it.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().into())
    }
}

/// Options of what is measured beside PyTorch.
#[derive(Args)]
pub struct PeerArgs {
    /// Measure PyTorch's step as well, and the ratio; needs python3 and network for the first time.
    #[arg(long)]
    peer: bool,
    /// A Python that has torch, instead of an environment of our own.
    #[arg(long, value_name = "FILE", requires = "peer")]
    python: Option<PathBuf>,
    /// Device of the peer.
    #[arg(long, default_value = "cpu", value_name = "NAME")]
    peer_device: String,
    /// Forms of the peer to measure; of several the fastest one is named, too.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "eager",
        requires = "peer"
    )]
    peer_form: Vec<Form>,
}

impl PeerArgs {
    /// The forms to measure, none without a peer.
    pub fn forms(&self) -> &[Form] {
        match self.peer {
            true => &self.peer_form,
            false => &[],
        }
    }

    /// The Python to measure with, where one is wanted.
    pub fn prepare(&self) -> anyhow::Result<Option<Peer>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        self.peer
            .then(|| Peer::prepare(self.python.clone(), &root))
            .transpose()
    }

    /// A worker for each form of a script that takes these arguments.
    pub fn workers(
        &self,
        peer: &Peer,
        script: &Path,
        arguments: &[String],
    ) -> anyhow::Result<Vec<Worker>> {
        let start = |form: &Form| {
            // Without leaving compiled scripts in the source folder.
            let mut words = vec!["-B".into(), script.display().to_string()];
            words.extend_from_slice(arguments);
            words.extend(["--device".into(), self.peer_device.clone()]);
            words.extend(["--form".into(), form.name()]);
            Worker::start("PyTorch", &peer.python, words)
        };
        self.forms().iter().map(start).collect()
    }

    /// What a report says of the peer.
    pub fn text(&self, peer: &Peer) -> String {
        format!("PyTorch {} on {}", peer.version, self.peer_device)
    }
}

/// A script of the folder `peer`, which takes the arguments of the step benchmark.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peer")
        .join(name)
}

impl Peer {
    /// Makes the environment and installs torch from PyPI, unless that was done before or `python`
    /// is one that has it.
    pub fn prepare(python: Option<PathBuf>, root: &Path) -> anyhow::Result<Self> {
        let python = match python {
            Some(python) => python,
            None => install(&root.join("target/peer"))?,
        };
        let version = Command::new(&python)
            .args(["-c", "import torch; print(torch.__version__)"])
            .output()
            .with_context(|| format!("cannot start {}", python.display()))?;
        ensure!(
            version.status.success(),
            "{} has no torch: {}",
            python.display(),
            String::from_utf8_lossy(&version.stderr).trim()
        );
        Ok(Self {
            python,
            version: String::from_utf8_lossy(&version.stdout).trim().to_owned(),
        })
    }
}

fn install(folder: &Path) -> anyhow::Result<PathBuf> {
    let python = folder.join("bin/python");
    // Written last, so that an interrupted installation is repeated.
    let done = folder.join("installed");
    if !done.exists() {
        eprintln!("installing torch from PyPI into {}", folder.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "torch", "numpy"]))?;
        std::fs::write(&done, "")?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "{} failed: {status}", program.display());
    Ok(())
}
