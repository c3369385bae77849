//! What a machine with a GPU needs to be measured: binaries, data and one script, in one file that can be copied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use workbench::files::write_atomic;

use crate::{cargo, peer};

#[derive(Args)]
pub struct Gpu {
    /// Build for a machine with a GPU, and put what it needs into this folder.
    #[arg(long, value_name = "FOLDER")]
    prepare: PathBuf,
    /// Backends to build.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "cuda,vulkan")]
    features: Vec<Backend>,
    /// Version of CUDA on that machine, or a lower one; libraries are looked for when a binary runs.
    #[arg(long, default_value = "13.0", value_name = "MAJOR.MINOR")]
    cuda: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    Cuda,
    Vulkan,
    Wgpu,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
        }
    }

    /// The feature of crates that know WGPU alone.
    fn of_kernels(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Vulkan | Self::Wgpu => "wgpu",
        }
    }
}

/// What is built: a name of the program, cargo's name of its target, and the option that selects it.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("search", "search", "--bin"),
    ("step", "step", "--bench"),
    ("egs", "egs", "--bench"),
    ("egs-core", "gpu", "--test"),
    ("supernet", "kernels_gpu", "--test"),
];

/// The archive that the script unpacks.
const ARCHIVE: &str = "files.tar.xz";

const RUN: &str = r#"#!/bin/sh
# Measures this machine: sh run.sh [--out FOLDER] [--minutes N] [--parts NAMES]; --help says more.
set -e
here=$(cd "$(dirname "$0")" && pwd)
files="$here/files"
if [ ! -f "$files/run.py" ]; then
  mkdir -p "$files"
  tar -xJf "$here/files.tar.xz" -C "$files" 2>/dev/null ||
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/files.tar.xz" "$files"
fi
exec python3 "$files/run.py" "$@"
"#;

impl Gpu {
    pub fn run(self) -> anyhow::Result<()> {
        let folder = &self.prepare;
        let files = folder.join("files");
        std::fs::create_dir_all(files.join("bin"))
            .and_then(|()| std::fs::create_dir_all(files.join("peer")))
            .with_context(|| format!("cannot make the folder `{}`", files.display()))?;
        for (program, path) in self.build()? {
            let to = files.join("bin").join(program);
            std::fs::copy(&path, &to)
                .with_context(|| format!("cannot copy {} to {}", path.display(), to.display()))?;
            strip(&to)?;
        }
        let script = peer::script("step.py");
        std::fs::copy(&script, files.join("peer/step.py"))
            .with_context(|| format!("cannot copy {}", script.display()))?;
        write_atomic(files.join("run.py"), include_str!("../gpu/run.py"))?;
        let names: Vec<_> = self.features.iter().map(|backend| backend.name()).collect();
        write_atomic(files.join("backends"), names.join(" "))?;
        pack(folder)?;
        write_atomic(folder.join("run.sh"), RUN)?;
        std::fs::remove_dir_all(&files)
            .with_context(|| format!("cannot remove `{}`", files.display()))?;
        let size = std::fs::metadata(folder.join(ARCHIVE))?.len();
        println!(
            "{} holds {ARCHIVE} ({} MiB) and run.sh; copy it to the machine and run `sh run.sh` there",
            folder.display(),
            size >> 20
        );
        Ok(())
    }

    /// Builds everything at once, so that all of it shares one build of what it depends on.
    fn build(&self) -> anyhow::Result<BTreeMap<&'static str, PathBuf>> {
        let version = self.cuda_version()?;
        let mut command = cargo::command();
        command
            .args(["build", "-p", "search", "-p", "egs-core", "-p", "supernet"])
            .env("CUDARC_CUDA_VERSION", version);
        for (_, target, option) in PROGRAMS {
            command.args([option, target]);
        }
        for backend in &self.features {
            let kernels = backend.of_kernels();
            let features = format!(
                "search/{},egs-core/{kernels},supernet/{kernels}",
                backend.name()
            );
            command.args(["--features", &features]);
        }
        let mut programs = BTreeMap::new();
        for built in cargo::build(command, "what measures")? {
            let named = PROGRAMS.iter().find(|(_, name, option)| {
                *name == built.target && built.kinds.iter().any(|kind| option.ends_with(kind))
            });
            if let Some((name, ..)) = named {
                programs.insert(*name, built.program);
            }
        }
        for (name, ..) in PROGRAMS {
            ensure!(
                programs.contains_key(name),
                "cargo named no program for {name}"
            );
        }
        Ok(programs)
    }

    /// `13.0` as the build of CUDA's bindings has it, `13000`.
    fn cuda_version(&self) -> anyhow::Result<String> {
        let numbers = self.cuda.split_once('.').and_then(|(major, minor)| {
            let number = |text: &str| text.parse::<u8>().ok();
            Some((number(major)?, number(minor)?))
        });
        match numbers {
            Some((major, minor)) if minor < 10 => Ok(format!("{major}0{minor}0")),
            _ => bail!("`--cuda` is `{}`; valid: a version such as 12.8", self.cuda),
        }
    }
}

/// Names of functions are of no use there.
fn strip(program: &Path) -> anyhow::Result<()> {
    let status = Command::new("strip").arg(program).status();
    let status = status.context("`strip` of binutils could not be started")?;
    ensure!(
        status.success(),
        "{} could not be stripped",
        program.display()
    );
    Ok(())
}

fn pack(folder: &Path) -> anyhow::Result<()> {
    let status = Command::new("tar")
        .args([
            "-cf",
            ARCHIVE,
            "-C",
            "files",
            "--use-compress-program",
            // Programs share most of their code, which one block with a window over all of them stores once.
            "xz --lzma2=preset=6,dict=192MiB",
            ".",
        ])
        .current_dir(folder)
        .status();
    let status = status.context("`tar` could not be started")?;
    ensure!(
        status.success(),
        "the files could not be packed; `tar` and `xz` do it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(cuda: &str) -> Gpu {
        Gpu {
            prepare: PathBuf::from("x"),
            features: vec![Backend::Cuda],
            cuda: cuda.into(),
        }
    }

    #[test]
    fn a_version_of_cuda_is_written_as_its_bindings_read_it() {
        assert_eq!(gpu("13.0").cuda_version().unwrap(), "13000");
        assert_eq!(gpu("12.8").cuda_version().unwrap(), "12080");
        for wrong in ["13", "a.b", "12.80"] {
            let message = gpu(wrong).cuda_version().unwrap_err().to_string();
            assert!(
                message.contains(wrong) && message.contains("12.8"),
                "{message}"
            );
        }
    }
}
