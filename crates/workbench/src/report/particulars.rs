//! What a page tells that no other record of a run holds.

use serde::{Deserialize, Serialize};

use super::Chapter;
use crate::run_folder::RunFolder;
use crate::{Result, files};

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
            true => files::read_json(&path),
            false => Ok(Self::default()),
        }
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
