//! Checkpoints in a run folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::content::Checkpoint;
use super::format;
use super::loaded::Loaded;
use crate::{Result, WorkbenchError, files};

const FOLDER: &str = "checkpoints";

/// Writes `<run>/checkpoints/step-<index>.ckpt` atomically and returns its path.
///
/// Two checkpoints stay: this one and the newest before it. Files of a larger index are removed
/// too, because they belong to a future that a resume has left, and so is what a killed process left
/// half written.
///
/// # Errors
///
/// When the folder or the file cannot be written.
pub fn save(run: impl AsRef<Path>, index: u64, checkpoint: &Checkpoint) -> Result<PathBuf> {
    let folder = run.as_ref().join(FOLDER);
    fs::create_dir_all(&folder).map_err(WorkbenchError::io("create", &folder))?;
    let path = folder.join(format!("step-{index}.ckpt"));
    files::write_atomic(&path, format::encode(checkpoint)?)?;

    let saved = list(&folder)?;
    let previous = saved
        .iter()
        .map(|(other, _)| *other)
        .filter(|other| *other < index)
        .max();
    for (other, stale) in saved {
        if other != index && Some(other) != previous {
            fs::remove_file(&stale).map_err(WorkbenchError::io("remove", &stale))?;
        }
    }
    files::remove_temporary(&folder)?;
    Ok(path)
}

/// Reads the newest readable checkpoint of a run; `None` when none was ever saved.
///
/// # Errors
///
/// When checkpoints exist and not one of them is readable.
pub fn load_latest(run: impl AsRef<Path>) -> Result<Option<Loaded>> {
    let folder = run.as_ref().join(FOLDER);
    if !folder.exists() {
        return Ok(None);
    }
    let mut first_failure = None;
    for (index, path) in list(&folder)?.into_iter().rev() {
        match files::read(&path).and_then(|bytes| format::decode(&path, &bytes)) {
            Ok(checkpoint) => {
                let warning = first_failure.map(|error: WorkbenchError| {
                    format!("{error}; continuing from the older `{}`", path.display())
                });
                return Ok(Some(Loaded {
                    index,
                    path,
                    checkpoint,
                    warning,
                }));
            }
            Err(error) => {
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(None), Err)
}

/// All checkpoints of a folder by rising index.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(WorkbenchError::io("list", folder))? {
        let path = entry.map_err(WorkbenchError::io("list", folder))?.path();
        let index = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| {
                name.strip_prefix("step-")?
                    .strip_suffix(".ckpt")?
                    .parse::<u64>()
                    .ok()
            });
        if let Some(index) = index {
            found.push((index, path));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
