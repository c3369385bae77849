use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::event::{event_records, head, restart};
use super::{NAME, began, end, events, files_in};
use crate::run_folder::RunFolder;
use crate::{Result, WorkbenchError, files, metrics};

/// The event file of a run that goes on, in its folder.
///
/// It grows at its end, as TensorBoard goes on to read where it was. A run that is resumed may have dropped
/// epochs; it has a new file in place of the one of before, which tells a TensorBoard that looks on to read all
/// epochs anew.
#[derive(Debug)]
pub struct LiveEvents {
    run: RunFolder,
    path: PathBuf,
    /// Bytes that were written.
    length: u64,
    epochs: usize,
}

impl LiveEvents {
    /// Writes a file of the epochs that a run has in its log, in place of those of before.
    ///
    /// # Errors
    ///
    /// When the log cannot be read or the folder not be written.
    pub fn start(run: &RunFolder) -> Result<Self> {
        let records: Vec<Value> = metrics::read(run.metrics())?;
        let (began, before) = (began(run, &records), files_in(run.path())?);
        let mut events = events(&records, began);
        let time = events.last().map_or(began, |event| event.seconds);
        events.extend(end(run, records.len(), time)?);
        let content = [head(began), restart(began, 0), event_records(&events)].concat();
        let path = after(run.path(), before.last());
        files::write_atomic(&path, &content)?;
        for path in before {
            std::fs::remove_file(&path).map_err(WorkbenchError::io("remove", &path))?;
        }
        Ok(Self {
            run: run.clone(),
            path,
            length: content.len() as u64,
            epochs: records.len(),
        })
    }

    /// Adds the epoch that a run has logged, and which is the last of its log.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn epoch(&mut self, record: &Value) -> Result<()> {
        self.epochs += 1;
        self.append(&event_records(&events(
            std::slice::from_ref(record),
            now() - super::seconds(record),
        )))
    }

    /// Adds the result of the run.
    ///
    /// # Errors
    ///
    /// When it cannot be read or the file not be written.
    pub fn end(&mut self) -> Result<()> {
        let events = end(&self.run, self.epochs, now())?;
        self.append(&event_records(&events))
    }

    /// Somebody may have converted the run meanwhile; then its epochs are there already.
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let length = std::fs::metadata(&self.path).map(|data| data.len());
        if length.ok() != Some(self.length) {
            *self = Self::start(&self.run)?;
            return Ok(());
        }
        let written = OpenOptions::new().append(true).open(&self.path);
        let written = written.and_then(|mut file| file.write_all(bytes));
        written.map_err(WorkbenchError::io("append to", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// A name that comes after that of the last file of before.
fn after(folder: &Path, last: Option<&PathBuf>) -> PathBuf {
    let Some(last) = last else {
        return folder.join(NAME);
    };
    let number = last.extension().and_then(|number| number.to_str());
    let number: u32 = number.and_then(|number| number.parse().ok()).unwrap_or(0);
    folder.join(format!("{NAME}.{:04}", number + 1))
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
