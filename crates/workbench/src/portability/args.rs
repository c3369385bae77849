//! The command `portability` of both binaries.

use std::path::PathBuf;

use clap::Args;

use super::page;
use super::processes::Processes;
use super::{Contestant, Portability};
use crate::backend::BackendName;
use crate::cli::{RunArgs, RunsOn, this_command};
use crate::machine::versions;
use crate::run_folder::RunFolder;
use crate::{Result, WorkbenchError, columns, files};

/// What is compared, and with whom.
#[derive(Debug, Clone, Default, Args)]
pub struct PortabilityArgs {
    /// Steps that every backend takes.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub steps: usize,
    /// Backends to compare, such as flex,vulkan; by default all that are compiled in.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    backends: Vec<String>,
    /// A portability.json that was made on another machine with the same workload; may be given several times.
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Be the process of one backend, and leave what it made of the workload in this file.
    #[arg(long, value_name = "FILE", hide = true)]
    trace: Option<PathBuf>,
    /// Be the process of one backend, and leave the names of its devices in this file.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "trace")]
    adapters: Option<PathBuf>,
}

/// What a process of one backend is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Take steps and leave a [`Trace`](super::Trace) in this file.
    Trace {
        /// The file.
        file: PathBuf,
        /// How many.
        steps: usize,
    },
    /// Leave the [names of devices](super::adapters) in this file.
    Adapters(PathBuf),
}

/// The workload of a command.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    /// Its name.
    pub name: &'a str,
    /// The binary that runs it, `search` or `train`.
    pub binary: &'a str,
    /// Its configuration as TOML.
    pub config: String,
    /// That of a run that nothing was said to.
    pub default: String,
    /// Of the configuration.
    pub fingerprint: String,
    /// The foot of its page.
    pub made_by: &'a str,
}

impl Errand {
    /// Whether steps are taken.
    pub fn is_trace(&self) -> bool {
        matches!(self, Self::Trace { .. })
    }
}

impl PortabilityArgs {
    /// What this process is to do where it is that of one backend.
    pub fn errand(&self) -> Option<Errand> {
        let trace = self.trace.clone().map(|file| Errand::Trace {
            file,
            steps: self.steps,
        });
        trace.or_else(|| self.adapters.clone().map(Errand::Adapters))
    }

    /// Runs the workload on every backend, compares, writes the results into a run folder and prints the table.
    ///
    /// # Errors
    ///
    /// When an option is impossible, a file cannot be read or written, or no backend ran.
    pub fn run(
        &self,
        workload: &Workload<'_>,
        run: &RunArgs,
        on: &RunsOn,
        compiled: &[BackendName],
    ) -> Result<()> {
        let backends = self.check(run, on, compiled)?;
        let mut result = Portability {
            name: workload.name.into(),
            kind: workload.binary.into(),
            config: workload.config.clone(),
            fingerprint: workload.fingerprint.clone(),
            steps: self.steps,
            versions: versions(),
            command: this_command(workload.binary),
            contestants: Vec::new(),
        };
        // Read first, so that a wrong file costs no time.
        let others = self.against.iter().map(|path| {
            let other = Portability::read_like(path, &result)?;
            Ok((path, other))
        });
        let others = others.collect::<Result<Vec<_>>>()?;
        let folder = match &run.out {
            Some(path) => RunFolder::create_at(path)?,
            None => RunFolder::create("runs", &format!("portability-{}", workload.name), None)?,
        };
        let processes = Processes {
            folder: folder.path(),
        };
        for backend in backends {
            let tell = |name: &str| on.say(&format!("{} steps on {name}", self.steps));
            let ran = processes.contestants(backend, compiled, tell)?;
            ran.iter().for_each(|contestant| report(contestant, on));
            result.contestants.extend(ran);
        }
        for (path, other) in others {
            result.add(path, other);
        }
        result.compare();
        files::write_json(
            folder.file("portability.json"),
            "how far backends agree",
            &result,
        )?;
        files::write_atomic(folder.file("portability.md"), page::markdown(&result))?;
        let page = page::page(&result, workload)?;
        crate::report::write_page(&folder, &page)?;
        print!("{}", page::text(&result));
        on.tell(&[("files", folder.content().join(", "))]);
        match result.first() {
            Some(_) => Ok(()),
            None => Err(WorkbenchError::field(
                "backends",
                "none that ran",
                "one that works on this machine, such as flex",
            )),
        }
    }

    /// The backends to compare.
    fn check(
        &self,
        run: &RunArgs,
        on: &RunsOn,
        compiled: &[BackendName],
    ) -> Result<Vec<BackendName>> {
        if self.steps == 0 {
            return Err(WorkbenchError::field("steps", 0, "1 or more"));
        }
        if let Some(seeds) = &run.seeds {
            let valid = "--seed, one seed for all backends";
            return Err(WorkbenchError::field("seeds", seeds, valid));
        }
        if let Some(backend) = &on.backend {
            let valid = "--backends, all that are to be compared";
            return Err(WorkbenchError::field("backend", backend, valid));
        }
        match self.backends.is_empty() {
            // The CPU first, with which all others are compared.
            true => Ok(compiled.iter().rev().copied().collect()),
            false => self.backends.iter().map(|name| name.parse()).collect(),
        }
    }
}

/// Tells how a backend did.
fn report(contestant: &Contestant, on: &RunsOn) {
    if let Some(error) = &contestant.error {
        on.say(columns::field(&contestant.name, error).trim_end());
    }
}
