use clap::Args;

use crate::backend::BackendName;
use crate::machine::{Bytes, Memory};
use crate::problem::Fact;
use crate::progress::Verbosity;
use crate::run_folder::RunFolder;
use crate::{Result, columns};

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

/// What a step is expected to need of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryNeed {
    /// Memory of this process, and the system tells how much there is.
    Checked {
        /// What the process then holds.
        peak: Bytes,
        /// What it can still have.
        available: Bytes,
    },
    /// Memory of which nobody tells how much there is.
    Unchecked {
        /// Of the step alone.
        step: Bytes,
    },
}

impl MemoryNeed {
    /// It, as a line.
    pub fn line(&self) -> String {
        let told = match self {
            Self::Checked { peak, available } => {
                format!("about {peak} while a step runs, {available} available")
            }
            Self::Unchecked { step } => {
                format!("about {step} a step, unchecked: how much there is is not told")
            }
        };
        columns::field("memory", &told).trim_end().to_string()
    }

    /// It, in a few words.
    pub fn expected(&self) -> String {
        match self {
            Self::Checked { peak, .. } => format!("about {peak} expected"),
            Self::Unchecked { step } => format!("about {step} a step expected of the device"),
        }
    }
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

    /// How much a command says.
    pub fn verbosity(&self) -> Verbosity {
        match self.quiet {
            true => Verbosity::Quiet,
            false => Verbosity::Normal,
        }
    }

    /// What a step is expected to need, having checked that there is so much where the system
    /// tells: of a GPU's memory none does. `step` is in bytes; without it, none.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`], unless told not to.
    pub fn check_memory(
        &self,
        backend: BackendName,
        step: Option<u64>,
        advice: impl FnOnce(&dyn Fn(u64) -> bool) -> String,
    ) -> Result<Option<MemoryNeed>> {
        let Some(step) = step else {
            return Ok(None);
        };
        let memory = Memory::now().filter(|_| backend == BackendName::Flex);
        let Some(memory) = memory else {
            return Ok(Some(MemoryNeed::Unchecked { step: Bytes(step) }));
        };
        if !self.no_memory_check {
            memory.check(step, advice)?;
        }
        Ok(Some(MemoryNeed::Checked {
            peak: Bytes(memory.held.0.saturating_add(step)),
            available: memory.available,
        }))
    }

    /// Writes facts to standard error, a field each, unless quiet.
    pub fn tell(&self, facts: &[Fact]) {
        if !self.quiet {
            let fields = facts
                .iter()
                .map(|(name, value)| columns::field(name, value));
            eprint!("{}", fields.collect::<String>());
        }
    }

    /// Writes what lies in a run folder and which commands make something of it to standard error,
    /// unless quiet.
    pub fn tell_end(&self, folder: &RunFolder, next: &[String]) {
        self.tell(&[("files", folder.content().join(", "))]);
        // A command that is broken into lines can no longer be copied.
        for command in next {
            self.say(&format!("{:<10}{command}", "next"));
        }
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
        on: RunsOn,
    }

    #[test]
    fn a_step_is_told_and_checked_where_the_machine_has_its_memory() {
        let told = |words: &[&str], backend, step| {
            let words = ["x"].iter().chain(words);
            let on = Cli::parse_from(words).on;
            let need = on.check_memory(backend, step, |_| "less".into())?;
            Ok::<_, crate::WorkbenchError>(need.map(|need| need.line()))
        };
        let (huge, flex) = (Some(1 << 60), BackendName::Flex);
        let refused = told(&[], flex, huge).unwrap_err().to_string();
        assert!(
            refused.contains("valid: less, or --no-memory-check"),
            "{refused}"
        );
        let nevertheless = told(&["--no-memory-check"], flex, huge).unwrap().unwrap();
        assert!(
            nevertheless.starts_with("memory    about 107374182"),
            "{nevertheless}"
        );
        let device = told(&[], BackendName::Cuda, huge).unwrap().unwrap();
        assert!(device.contains(" a step, unchecked: "), "{device}");
        assert_eq!(told(&[], flex, None).unwrap(), None);
        let small = told(&[], flex, Some(1 << 20)).unwrap().unwrap();
        assert!(small.contains(" MiB while a step runs, "), "{small}");
    }
}
