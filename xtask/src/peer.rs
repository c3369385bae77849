//! The PyTorch peer: a virtual environment below the target folder, and scripts of ours in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// A Python that has torch.
pub struct Peer {
    pub python: PathBuf,
    /// Version of torch.
    pub version: String,
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
