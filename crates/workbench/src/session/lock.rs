//! The lock on a run folder: two processes that wrote into one would destroy each other's run.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::PathBuf;

use crate::run_folder::{RunFolder, utc_now};
use crate::{Result, WorkbenchError};

/// Held as long as it lives; the system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks a folder, and notes in its `.lock` who holds it.
    ///
    /// # Errors
    ///
    /// When another process or another session of this one holds it.
    pub(super) fn take(folder: &RunFolder) -> Result<Self> {
        loop {
            let lock = Self::try_take(folder)?;
            // Whoever held it may have removed the file between its opening and its locking.
            if lock.is_in_place() {
                return Ok(lock);
            }
        }
    }

    fn try_take(folder: &RunFolder) -> Result<Self> {
        let path = folder.lock();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = file.map_err(WorkbenchError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            // Some network file systems have no locks; a run there is as safe as its owner is careful.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => {
                return Err(WorkbenchError::io("lock", &path)(error));
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Where a locked file cannot be read, who holds it stays unknown.
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if known {
                    holder.trim()
                } else {
                    "another process"
                };
                return Err(WorkbenchError::RunFolder {
                    path: folder.path().to_path_buf(),
                    problem: format!(
                        "is in use by {holder}; valid is a folder that nobody writes to"
                    ),
                });
            }
        }
        let note = format!("process {}, since {} UTC\n", std::process::id(), utc_now());
        let written = file
            .rewind()
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.write_all(note.as_bytes()));
        written.map_err(WorkbenchError::io("write", &path))?;
        Ok(Self { file, path })
    }

    /// Whether the file that is locked is the one that others find.
    #[cfg(unix)]
    fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(&self.path);
        let same = |own: std::fs::Metadata| found.is_ok_and(|found| found.ino() == own.ino());
        self.file.metadata().is_ok_and(same)
    }

    #[cfg(not(unix))]
    fn is_in_place(&self) -> bool {
        true
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A finished run leaves no trace of it. Where the file cannot be removed, it is locked anew by
        // the next.
        if cfg!(unix) && self.is_in_place() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
