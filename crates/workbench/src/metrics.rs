//! Append-only logs with one JSON record a line.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, WorkbenchError, files};

/// A log that is open for appending; each record reaches the file before [`append`] returns.
///
/// [`append`]: JsonLines::append
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: File,
}

impl JsonLines {
    /// Starts an empty log, replacing one of the same name.
    ///
    /// # Errors
    ///
    /// When the file cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        files::write_atomic(&path, "")?;
        Self::open(path.as_ref())
    }

    /// Opens an existing log for a resumed run and gives the records that stay: the first `most` of
    /// them, up to the first that `keep` refuses or that is half written. What follows is dropped unread.
    /// A missing log is started empty.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, or a line that would stay is not a record.
    pub fn reopen<T: DeserializeOwned>(
        path: impl AsRef<Path>,
        most: usize,
        keep: impl Fn(&T) -> bool,
    ) -> Result<(Self, Vec<T>)> {
        let path = path.as_ref();
        if !path.exists() {
            return Ok((Self::create(path)?, Vec::new()));
        }
        let text = read_lossy(path)?;
        let (mut kept, mut records) = (String::new(), Vec::new());
        for parsed in parse::<T>(path, &text).take(most) {
            let (line, record) = parsed?;
            if !keep(&record) {
                break;
            }
            kept.push_str(line);
            kept.push('\n');
            records.push(record);
        }
        if kept != text {
            files::write_atomic(path, kept)?;
        }
        Ok((Self::open(path)?, records))
    }

    /// Appends one record.
    ///
    /// # Errors
    ///
    /// When the record has no JSON form or the file cannot be written.
    pub fn append(&mut self, record: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_string(record).map_err(|source| WorkbenchError::Json {
            what: "a log record",
            source,
        })?;
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(WorkbenchError::io("append to", &self.path))
    }

    /// Waits until all records are on the disk.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn sync(&self) -> Result<()> {
        let synced = self.file.sync_data();
        synced.map_err(WorkbenchError::io("write", &self.path))
    }

    fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).open(path);
        let file = file.map_err(WorkbenchError::io("open", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
        })
    }
}

/// Reads all records of a log; a half-written last line is left out.
///
/// # Errors
///
/// When the file cannot be read, or a line before the last is not a record of this form.
pub fn read<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Vec<T>> {
    let path = path.as_ref();
    let text = read_lossy(path)?;
    let records = parse(path, &text);
    records
        .map(|parsed| parsed.map(|(_, record)| record))
        .collect()
}

/// A kill can cut a character in two, so that a log need not be UTF-8 to its last byte.
fn read_lossy(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&files::read(path)?).into_owned())
}

/// The lines with their records, up to a half-written one.
fn parse<'a, T: DeserializeOwned>(
    path: &Path,
    text: &'a str,
) -> impl Iterator<Item = Result<(&'a str, T)>> {
    let lines = text.split_inclusive('\n').enumerate();
    lines.map_while(move |(index, line)| {
        let complete = line.ends_with('\n');
        let line = line.trim_end_matches('\n');
        match serde_json::from_str(line) {
            Ok(record) => Some(Ok((line, record))),
            Err(_) if !complete => None,
            Err(error) => Some(Err(WorkbenchError::Log {
                path: path.to_path_buf(),
                line: index + 1,
                found: error.to_string(),
            })),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::fs;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Record {
        step: u64,
        loss: f64,
    }

    fn log_of(steps: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = JsonLines::create(&path).unwrap();
        for step in 0..steps {
            log.append(&Record {
                step,
                loss: 0.1 * step as f64,
            })
            .unwrap();
        }
        (folder, path)
    }

    fn steps(path: &Path) -> Vec<u64> {
        read::<Record>(path)
            .unwrap()
            .iter()
            .map(|record| record.step)
            .collect()
    }

    #[test]
    fn records_come_back_exactly() {
        let (_folder, path) = log_of(4);
        assert_eq!(
            read::<Record>(&path).unwrap()[3],
            Record {
                step: 3,
                loss: 0.1 * 3.0
            }
        );
    }

    #[test]
    fn a_resume_drops_records_after_the_checkpoint_and_goes_on() {
        let (_folder, path) = log_of(5);
        let (mut log, kept) = JsonLines::reopen(&path, 9, |r: &Record| r.step <= 2).unwrap();
        assert_eq!(kept.len(), 3);
        log.append(&Record {
            step: 30,
            loss: 0.0,
        })
        .unwrap();
        assert_eq!(steps(&path), [0, 1, 2, 30]);
    }

    #[test]
    fn a_half_written_last_line_is_dropped() {
        let (_folder, path) = log_of(2);
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 4);
        fs::write(&path, bytes).unwrap();
        assert_eq!(steps(&path), [0]);
        let (mut log, _) = JsonLines::reopen(&path, 9, |_: &Record| true).unwrap();
        log.append(&Record { step: 7, loss: 0.0 }).unwrap();
        assert_eq!(steps(&path), [0, 7]);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_that_names_it() {
        let (_folder, path) = log_of(1);
        fs::write(
            &path,
            "{\"step\":0,\"loss\":0}\n{\"step\":\n{\"step\":2,\"loss\":0}\n",
        )
        .unwrap();
        let message = read::<Record>(&path).unwrap_err().to_string();
        assert!(
            message.contains("metrics.jsonl`, line 2: found "),
            "{message}"
        );
    }

    #[test]
    fn what_is_dropped_is_not_read() {
        let (_folder, path) = log_of(2);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("of another form\n{}\n");
        fs::write(&path, &text).unwrap();
        let keep = |_: &Record| true;
        let message = JsonLines::reopen(&path, 3, keep).unwrap_err().to_string();
        assert!(message.contains("line 3: found "), "{message}");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            text,
            "a refusal changes nothing"
        );
        let (_, kept) = JsonLines::reopen(&path, 2, keep).unwrap();
        assert_eq!((kept.len(), steps(&path)), (2, vec![0, 1]));
    }
}
