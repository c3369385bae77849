//! A process for each backend.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde::de::DeserializeOwned;

use super::adapters::chooses;
use super::{Contestant, Trace};
use crate::backend::BackendName;
use crate::{Result, WorkbenchError, files};

/// Runs one backend's share: this command again, as a process that is told to.
pub(super) struct Processes<'a> {
    /// Where processes leave what they found.
    pub(super) folder: &'a Path,
}

impl Processes<'_> {
    /// The backend on each of its devices.
    pub(super) fn contestants(
        &self,
        backend: BackendName,
        compiled: &[BackendName],
        mut tell: impl FnMut(&str),
    ) -> Result<Vec<Contestant>> {
        let name = backend.name();
        if !compiled.contains(&backend) {
            let error = backend.not_compiled(compiled).to_string();
            return Ok(vec![Contestant::failed(name, error)]);
        }
        let adapters: Vec<String> = match backend {
            BackendName::Flex => Vec::new(),
            _ => match self.run(backend, None, "--adapters")? {
                Ok(adapters) => adapters,
                Err(error) => return Ok(vec![Contestant::failed(name, error)]),
            },
        };
        let mut contestants = Vec::new();
        let several = adapters.len() > 1;
        let adapters: Vec<Option<&str>> = match adapters.is_empty() {
            true => vec![None],
            false => adapters.iter().map(|name| Some(name.as_str())).collect(),
        };
        for adapter in adapters {
            let name = match adapter {
                Some(adapter) if several => format!("{name}, {adapter}"),
                _ => name.to_string(),
            };
            tell(&name);
            contestants.push(match self.run::<Trace>(backend, adapter, "--trace")? {
                Ok(trace) => Contestant::ran(&name, trace),
                Err(error) => Contestant::failed(&name, error),
            });
        }
        Ok(contestants)
    }

    /// What a process leaves in the file that the option names, or why it failed.
    fn run<T: DeserializeOwned>(
        &self,
        backend: BackendName,
        adapter: Option<&str>,
        option: &str,
    ) -> Result<std::result::Result<T, String>> {
        let file = self.folder.join("process.json");
        let this = std::env::current_exe().map_err(WorkbenchError::io("run", "this program"))?;
        let mut command = Command::new(this);
        command
            .args(std::env::args_os().skip(1))
            .args([option.as_ref(), file.as_os_str()])
            .args(["--backend", backend.name()])
            .stdin(Stdio::null());
        if let Some((variable, value)) = adapter.and_then(|adapter| chooses(backend, adapter)) {
            command.env(variable, value);
        }
        let output = command
            .output()
            .map_err(WorkbenchError::io("run", "this program"))?;
        if !output.status.success() {
            return Ok(Err(failure(&output)));
        }
        let read = files::read_json(&file);
        // The next process writes its own.
        let _ = std::fs::remove_file(&file);
        Ok(Ok(read?))
    }
}

/// Why a process failed: the last line that it wrote, or how it ended.
fn failure(output: &Output) -> String {
    let written = String::from_utf8_lossy(&output.stderr);
    let mut lines = written
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let line = lines.clone().find(|line| line.starts_with("error: "));
    match line.or_else(|| lines.next()) {
        Some(line) => line.trim_start_matches("error: ").into(),
        None => format!("its process ended with {}", output.status),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn a_failure_is_the_error_that_was_told_or_how_the_process_ended() {
        let output = |text: &str| Output {
            status: ExitStatus::from_raw(11),
            stdout: Vec::new(),
            stderr: text.into(),
        };
        assert_eq!(
            failure(&output("note: x\nerror: no device\n\n")),
            "no device"
        );
        assert_eq!(failure(&output("stack overflow\n")), "stack overflow");
        assert!(failure(&output("")).contains("signal: 11"));
    }
}
