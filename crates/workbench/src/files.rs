//! Reading and writing whole files, with errors that name the file.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, WorkbenchError};

/// Reads a whole file as text.
///
/// # Errors
///
/// When the file cannot be read or is not UTF-8.
pub fn read_to_string(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(WorkbenchError::io("read", path))
}

/// Reads a whole file.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    fs::read(path).map_err(WorkbenchError::io("read", path))
}

/// Writes a whole file so that its name never holds a part of it: the bytes go to a temporary name
/// in the same folder, are flushed to the disk, and are then renamed.
///
/// The folder must exist. On any failure the temporary file is removed and a file that was there
/// before keeps its content.
///
/// # Errors
///
/// When the folder is missing or not writable, or the disk is full.
pub fn write_atomic(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let path = path.as_ref();
    write_and_rename(path, bytes.as_ref()).map_err(WorkbenchError::io("write", path))
}

/// Reads a JSON file that holds one record.
///
/// # Errors
///
/// When the file cannot be read or holds something else.
pub fn read_json<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<T> {
    let path = path.as_ref();
    serde_json::from_str(&read_to_string(path)?).map_err(|error| WorkbenchError::Record {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })
}

/// Writes a value as a JSON file for people to read, as [`write_atomic`] does; `what` is how an error
/// calls the value.
///
/// # Errors
///
/// When the value has no JSON form or the file cannot be written.
pub fn write_json(
    path: impl AsRef<Path>,
    what: &'static str,
    value: &impl Serialize,
) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|source| WorkbenchError::Json { what, source })?;
    write_atomic(path, text + "\n")
}

fn write_and_rename(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut temporary = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(TEMPORARY)
        // With the permissions of any new file; a temporary one would be for its owner alone.
        .make_in(folder_of(path), |path| File::create_new(path))?;
    let file = temporary.as_file_mut();
    file.write_all(bytes)?;
    file.sync_all()?;
    temporary.persist(path)?;
    sync_folder(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let named = folder.filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Makes the rename itself survive a power failure, where the system can do that.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// End of a temporary file's name; a dot begins it.
const TEMPORARY: &str = ".tmp";

/// Whether a file of this name is what a process leaves that is killed while it writes.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// Removes what killed processes left half written in a folder that nobody else writes to now.
///
/// # Errors
///
/// When the folder cannot be listed or a file not be removed.
pub fn remove_temporary(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(WorkbenchError::io("list", folder))? {
        let path = entry.map_err(WorkbenchError::io("list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_temporary(&name) {
            fs::remove_file(&path).map_err(WorkbenchError::io("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_second_write_replaces_the_first_and_leaves_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, "first, and longer").unwrap();
        write_atomic(&path, "second").unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "second");
        assert_eq!(names_in(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        // A folder under the final name makes the rename fail after the bytes were written.
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
        let message = write_atomic(&path, "text").unwrap_err().to_string();
        assert!(
            message.starts_with("cannot write `") && message.contains("taken"),
            "{message}"
        );
        assert_eq!(names_in(folder.path()), ["taken"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = read("no/such/file.toml").unwrap_err().to_string();
        assert!(
            message.starts_with("cannot read `no/such/file.toml`: "),
            "{message}"
        );
    }
}
