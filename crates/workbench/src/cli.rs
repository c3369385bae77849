//! Options that the binaries share.

use std::path::PathBuf;

use clap::Args;

use crate::backend::BackendName;
use crate::config::Source;
use crate::machine::{Bytes, Memory};
use crate::progress::Verbosity;
use crate::{Result, files};

/// Where a configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML); fields it leaves out take the default's values.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one field, such as network.cells=5; may be given several times.
    #[arg(long = "set", value_name = "SECTION.FIELD=VALUE")]
    pub set: Vec<String>,
}

/// A configuration file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its path.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        Ok(Self {
            text: files::read_to_string(&path)?,
            name: path.display().to_string(),
        })
    }

    /// The file as [`resolve`](crate::config::resolve) takes it.
    pub fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
        }
    }
}

impl ConfigArgs {
    /// Reads the file, if one was named.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn file(&self) -> Result<Option<ConfigFile>> {
        self.config.as_ref().map(ConfigFile::read).transpose()
    }
}

/// What a command runs on and how much it says.
#[derive(Debug, Clone, Default, Args)]
pub struct RunsOn {
    /// Backend: flex (CPU), wgpu, vulkan or cuda, of those compiled in; by default the most capable.
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Print nothing but the result.
    #[arg(long)]
    pub quiet: bool,
    /// Search or train even where a step is expected to need more memory than there is.
    #[arg(long)]
    pub no_memory_check: bool,
}

impl RunsOn {
    /// The backend that was asked for, or the most capable one.
    ///
    /// # Errors
    ///
    /// As [`BackendName::choose`].
    pub fn backend(&self, compiled: &[BackendName]) -> Result<BackendName> {
        BackendName::choose(self.backend.as_deref(), compiled)
    }

    /// Whether a person wants to see progress.
    pub fn verbosity(&self) -> Verbosity {
        match self.quiet {
            true => Verbosity::Quiet,
            false => Verbosity::Normal,
        }
    }

    /// What a step is expected to need, as a sentence, having checked that the machine has it where it runs
    /// there: of a GPU's memory nobody tells how much there is. `step` is in bytes; without it, none.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`], unless told not to.
    pub fn check_memory(
        &self,
        backend: BackendName,
        step: Option<u64>,
        advice: impl FnOnce(&dyn Fn(u64) -> bool) -> String,
    ) -> Result<Option<String>> {
        let Some(step) = step else {
            return Ok(None);
        };
        let memory = Memory::now().filter(|_| backend == BackendName::Flex);
        let Some(memory) = memory else {
            let step = Bytes(step);
            return Ok(Some(format!("memory: about {step} a step on the device")));
        };
        if !self.no_memory_check {
            memory.check(step, advice)?;
        }
        let peak = Bytes(memory.held.0.saturating_add(step));
        let available = memory.available;
        Ok(Some(format!(
            "memory: about {peak} while a step runs, {available} available"
        )))
    }

    /// Writes a line to standard error, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        on: RunsOn,
    }

    #[test]
    fn a_step_is_told_and_checked_where_the_machine_has_its_memory() {
        let told = |words: &[&str], backend, step| {
            let words = ["x"].iter().chain(words);
            let on = Cli::parse_from(words).on;
            on.check_memory(backend, step, |_| "less".into())
        };
        let (huge, flex) = (Some(1 << 60), BackendName::Flex);
        let refused = told(&[], flex, huge).unwrap_err().to_string();
        assert!(
            refused.contains("valid: less, or --no-memory-check"),
            "{refused}"
        );
        let nevertheless = told(&["--no-memory-check"], flex, huge).unwrap().unwrap();
        assert!(
            nevertheless.starts_with("memory: about 1073741824.0 GiB"),
            "{nevertheless}"
        );
        let device = told(&[], BackendName::Cuda, huge).unwrap().unwrap();
        assert!(device.ends_with("a step on the device"), "{device}");
        assert_eq!(told(&[], flex, None).unwrap(), None);
        let small = told(&[], flex, Some(1 << 20)).unwrap().unwrap();
        assert!(small.contains(" MiB while a step runs, "), "{small}");
    }

    #[test]
    fn both_groups_of_options_fit_one_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "seed = 3").unwrap();
        let words = ["x", "--set", "a.b=1", "--quiet", "--set", "c=2", "--config"];
        let words = words.map(String::from).into_iter();
        let cli = Cli::parse_from(words.chain([path.display().to_string()]));
        assert_eq!(cli.config.set, ["a.b=1", "c=2"]);
        assert_eq!(
            cli.config.file().unwrap().unwrap().source().text,
            "seed = 3"
        );
        assert_eq!(cli.on.verbosity(), Verbosity::Quiet);
        let compiled = [BackendName::Flex];
        assert_eq!(cli.on.backend(&compiled).unwrap(), BackendName::Flex);
        let missing = Cli::parse_from(["x", "--config", "no/such.toml"]);
        let message = missing.config.file().unwrap_err().to_string();
        assert!(message.contains("cannot read `no/such.toml`"), "{message}");
        assert_eq!(Cli::parse_from(["x"]).config.file().unwrap(), None);
    }
}
