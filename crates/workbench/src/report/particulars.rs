//! What a page tells that no other record of a run holds.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Chapter;
use crate::run_folder::RunFolder;
use crate::{Result, WorkbenchError, files};

/// `report.json` of a run folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Particulars {
    /// What is known of the data and the steps before a run begins, by name.
    pub facts: Vec<(String, String)>,
    /// What a person should know of the run, a sentence each.
    pub notes: Vec<String>,
    /// What the last part ran on, by name.
    pub hardware: Vec<(String, String)>,
    /// What the network of a finished run answers.
    pub answers: Vec<Chapter>,
}

impl Particulars {
    /// Reads those of a run; without any where the run wrote none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else.
    pub fn of_run(folder: &RunFolder) -> Result<Self> {
        let path = folder.particulars();
        match path.is_file() {
            true => Self::read(&path),
            false => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self> {
        let text = files::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|error| WorkbenchError::Record {
            path: path.to_path_buf(),
            problem: error.to_string(),
        })
    }

    /// Writes them into a run folder.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        files::write_json(folder.particulars(), "what a page tells", self)
    }
}
