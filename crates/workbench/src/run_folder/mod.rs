//! The folder that one run writes into.

mod cells;
mod kind;

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::{Result, WorkbenchError, files, metrics};

pub use cells::{CellsText, read_cells};
pub use kind::RunKind;

/// An existing run folder and the names of what lies in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates `<parent>/<name>-<suffix>`; without a suffix it is the present time in UTC.
    ///
    /// # Errors
    ///
    /// When the name is not a plain folder name, the folder exists already, or it cannot be
    /// created.
    pub fn create(parent: impl AsRef<Path>, name: &str, suffix: Option<&str>) -> Result<Self> {
        let suffix = suffix.map_or_else(|| stamp(Timestamp::now()), str::to_string);
        let folder = format!("{name}-{suffix}");
        let path = parent.as_ref().join(&folder);
        let plain = folder
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.+".contains(c));
        if name.is_empty() || !plain {
            let problem = "has a name of other characters; valid are letters, digits, `-`, `_`, \
                           `+` and `.`";
            return Err(WorkbenchError::RunFolder {
                path,
                problem: problem.into(),
            });
        }
        // Two runs that begin in the same second must not share it.
        if path.exists() {
            return Err(Self { path }.taken());
        }
        Self::create_at(path)
    }

    /// The folder of this path, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Creates a run folder at exactly this path; a folder is taken that is empty or holds what a process
    /// leaves that is killed at once: a lock, a file half written.
    ///
    /// # Errors
    ///
    /// When it holds something or cannot be created.
    pub fn create_at(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let left_behind = |entry: fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name == LOCK || files::is_temporary(&name)
        };
        let empty = fs::read_dir(&path)
            .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(left_behind)));
        if path.exists() && !empty {
            return Err(Self { path }.taken());
        }
        fs::create_dir_all(&path).map_err(WorkbenchError::io("create", &path))?;
        Ok(Self { path })
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    ///
    /// When it is missing or holds no `config.toml`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let folder = Self { path: path.into() };
        match folder.config().is_file() {
            true => Ok(folder),
            false => Err(folder.refused(kind::instead_of_a_run(&folder))),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of this name in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The resolved configuration, `config.toml`.
    pub fn config(&self) -> PathBuf {
        self.file("config.toml")
    }

    /// The log of metrics, `metrics.jsonl`.
    pub fn metrics(&self) -> PathBuf {
        self.file("metrics.jsonl")
    }

    /// The outcome of a finished run, `result.json`.
    pub fn result(&self) -> PathBuf {
        self.file("result.json")
    }

    /// The records of its epochs; none where no epoch is logged yet.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn records<R: DeserializeOwned>(&self) -> Result<Vec<R>> {
        match self.metrics().is_file() {
            true => metrics::read(self.metrics()),
            false => Ok(Vec::new()),
        }
    }

    /// How the run ended, as `result.json` tells; none where it is not finished.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or tells something else.
    pub fn outcome<O: DeserializeOwned>(&self) -> Result<Option<O>> {
        match self.result().is_file() {
            true => files::read_json(self.result()).map(Some),
            false => Ok(None),
        }
    }

    /// The file that is locked while a process writes into the folder, `.lock`.
    pub fn lock(&self) -> PathBuf {
        self.file(LOCK)
    }

    /// The derived architecture, `genotype.json`.
    pub fn genotype(&self) -> PathBuf {
        self.file("genotype.json")
    }

    /// The network that a finished search ends with, `child`: an exported network.
    pub fn child(&self) -> PathBuf {
        self.file("child")
    }

    /// The drawing of the derived cells, `cells.svg`.
    pub fn cells(&self) -> PathBuf {
        self.file("cells.svg")
    }

    /// What a person opens to see a run, `report.html`.
    pub fn page(&self) -> PathBuf {
        self.file("report.html")
    }

    /// What the page tells that no other record holds, `report.json`.
    pub fn particulars(&self) -> PathBuf {
        self.file("report.json")
    }

    /// Names of what is in the folder, sorted, folders with a `/`, without what is hidden; empty where it
    /// cannot be read.
    pub fn content(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let names = entries.map(|entry| {
            let end = if entry.path().is_dir() { "/" } else { "" };
            format!("{}{end}", entry.file_name().to_string_lossy())
        });
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// That it holds something already.
    pub(crate) fn taken(&self) -> WorkbenchError {
        self.refused("exists already; give a name that is not taken, or resume that run")
    }

    /// An error about the folder: what is wrong with it and what would be valid.
    pub fn refused(&self, problem: impl Into<String>) -> WorkbenchError {
        WorkbenchError::RunFolder {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }
}

const LOCK: &str = ".lock";

/// `YYYYMMDD-HHMMSS` in UTC.
fn stamp(time: Timestamp) -> String {
    time.strftime("%Y%m%d-%H%M%S").to_string()
}

/// The present date and time in UTC, for a person.
#[cfg(feature = "burn")]
pub(crate) fn utc_now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_stamp_is_the_date_and_time_in_utc() {
        // `date -u -d @1709210096`
        let stamp = |seconds| super::stamp(Timestamp::from_second(seconds).unwrap());
        assert_eq!(stamp(1_709_210_096), "20240229-123456");
        assert_eq!(stamp(1_735_689_599), "20241231-235959");
    }

    #[test]
    fn an_empty_folder_is_taken_where_it_is_named_exactly() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_at(parent.path().join("mine")).unwrap();
        // What a process leaves that is killed before it has written anything.
        fs::write(run.lock(), "process 1").unwrap();
        fs::write(run.file(".config.toml.7-0.tmp"), "na").unwrap();
        let again = RunFolder::create_at(run.path()).unwrap();
        fs::write(again.config(), "").unwrap();
        assert!(RunFolder::create_at(run.path()).is_err());
    }

    #[test]
    fn a_taken_name_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create(parent.path(), "digits", Some("seed1")).unwrap();
        assert!(run.path().ends_with("digits-seed1"));
        let message = RunFolder::create(parent.path(), "digits", Some("seed1")).unwrap_err();
        assert!(
            message
                .to_string()
                .contains("digits-seed1` exists already; "),
            "{message}"
        );
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_parent() {
        let parent = tempfile::tempdir().unwrap();
        let message = RunFolder::create(parent.path(), "../x", None)
            .unwrap_err()
            .to_string();
        assert!(message.contains("valid are letters"), "{message}");
    }

    #[test]
    fn a_folder_without_a_configuration_is_no_run() {
        let parent = tempfile::tempdir().unwrap();
        let message = RunFolder::open(parent.path()).unwrap_err().to_string();
        assert!(message.contains("has no `config.toml`"), "{message}");
        fs::write(parent.path().join("config.toml"), "").unwrap();
        assert_eq!(
            RunFolder::open(parent.path()).unwrap().path(),
            parent.path()
        );
    }
}
