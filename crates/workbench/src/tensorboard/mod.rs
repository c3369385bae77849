//! A run's curves as TensorBoard reads them: an event file, made of the log of metrics at any time, or while the
//! run goes on.

mod event;
mod live;
mod log;
mod recording;

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::run_folder::RunFolder;
use crate::{Result, WorkbenchError, files, metrics};

pub use event::{Event, event_file};
pub use live::LiveEvents;
use log::{points, seconds, test_scores};
pub use recording::Recording;

/// TensorBoard reads every file that has `tfevents` in its name. Ours begin so, and a folder has one of them, so
/// that no point is read twice.
const NAME: &str = "events.out.tfevents.metrics";

/// An event file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFile {
    /// The file.
    pub path: PathBuf,
    /// Number of curves.
    pub curves: usize,
    /// Number of epochs.
    pub epochs: usize,
}

/// Writes the event file of a run, finished or not, into its folder, or into a folder of its name in `out`.
///
/// Curves are named after what is measured and then whose it is, `loss/train` and `error/validation`, so that
/// TensorBoard shows those of one kind together; steps are epochs.
///
/// # Errors
///
/// When the log or the result of the run cannot be read, there is no epoch yet, or the file cannot be written.
pub fn write_events(run: &RunFolder, out: Option<&Path>) -> Result<EventFile> {
    let records: Vec<Value> = metrics::read(run.metrics())?;
    if records.is_empty() {
        return Err(run.refused(
            "has no finished epoch in its `metrics.jsonl`; valid is a run of at least one finished epoch",
        ));
    }
    let mut events = events(&records, began(run, &records));
    let epochs = records.len();
    let time = events.last().map_or(0.0, |event| event.seconds);
    events.extend(end(run, epochs, time)?);
    let folder = match out {
        None => run.path().to_path_buf(),
        Some(out) => out.join(name_of(run)?),
    };
    std::fs::create_dir_all(&folder).map_err(WorkbenchError::io("create", &folder))?;
    let path = match files_in(&folder)?.pop() {
        Some(path) => path,
        None => folder.join(NAME),
    };
    files::write_atomic(&path, event_file(&events))?;
    let mut tags: Vec<&str> = events.iter().map(|event| event.tag.as_str()).collect();
    tags.sort_unstable();
    tags.dedup();
    Ok(EventFile {
        path,
        curves: tags.len(),
        epochs,
    })
}

/// The events of records, the first of which began at a time in seconds.
fn events(records: &[Value], began: f64) -> Vec<Event> {
    let mut now = began;
    let mut events = Vec::new();
    for record in records {
        now += seconds(record);
        let step = record["epoch"].as_i64().unwrap_or_default();
        events.extend(points(record).into_iter().map(|(tag, value)| Event {
            seconds: now,
            step,
            tag,
            value,
        }));
    }
    events
}

/// The events of the result of a run, where it has one.
fn end(run: &RunFolder, epochs: usize, seconds: f64) -> Result<Vec<Event>> {
    let Some(result) = run.outcome::<Value>()? else {
        return Ok(Vec::new());
    };
    let scores = test_scores(&result, epochs);
    let event = |(tag, step, value)| Event {
        seconds,
        step,
        tag,
        value,
    };
    Ok(scores.map(event).collect())
}

/// Our event files in a folder, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(WorkbenchError::io("read", folder))?;
    let is_ours = |name: &str| {
        let rest = name.strip_prefix(NAME);
        rest.is_some_and(|rest| rest.chars().all(|c| c == '.' || c.is_ascii_digit()))
    };
    let named = entries.flatten().map(|entry| entry.path());
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        is_ours(&name.to_string_lossy())
    };
    let mut paths: Vec<PathBuf> = named.filter(ours).collect();
    paths.sort();
    Ok(paths)
}

/// When the run began, had it run without a pause until its log was last written; a log has durations alone.
fn began(run: &RunFolder, records: &[Value]) -> f64 {
    let written = std::fs::metadata(run.metrics()).and_then(|data| data.modified());
    let written = written
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let took: f64 = records.iter().map(seconds).sum();
    (written.unwrap_or_default().as_secs_f64() - took).max(0.0)
}

/// The name of a run's folder, however it was written.
fn name_of(run: &RunFolder) -> Result<String> {
    let whole = run.path().canonicalize();
    let whole = whole.map_err(WorkbenchError::io("read", run.path()))?;
    Ok(whole
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned())
}

#[cfg(test)]
mod tests;
