//! Checkpoints: self-checking files that hold a JSON header and named binary sections, the newest
//! two of a run.

mod format;
mod record;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{Result, WorkbenchError, files};

pub use record::encode_record;

const FOLDER: &str = "checkpoints";

/// What a checkpoint file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    /// Small facts: the fingerprint of the configuration, the epoch, the step.
    pub header: Value,
    /// Recorded state by name, such as weights and optimiser moments.
    pub sections: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    /// A checkpoint with this header and no section yet.
    pub fn new(header: Value) -> Self {
        Self {
            header,
            sections: BTreeMap::new(),
        }
    }

    /// A checkpoint of a run after so many epochs, without a section yet.
    pub fn of_run(run: &RunIdentity, epoch: usize) -> Self {
        Self::new(json!({
            "config": run.fingerprint,
            "backend": run.backend,
            "data": run.data,
            "epoch": epoch,
        }))
    }

    /// Adds a section, replacing one of the same name.
    pub fn with_section(mut self, name: impl Into<String>, content: Vec<u8>) -> Self {
        self.sections.insert(name.into(), content);
        self
    }
}

/// What every checkpoint of a run says of it.
#[derive(Debug, Clone)]
pub struct RunIdentity {
    /// Fingerprint of its configuration.
    pub fingerprint: String,
    /// Backend and device it runs on.
    pub backend: String,
    /// What is remembered of its data.
    pub data: Value,
}

/// A checkpoint that was found on disk.
#[derive(Debug)]
pub struct Loaded {
    /// The index it was saved under.
    pub index: u64,
    /// The file it was read from.
    pub path: PathBuf,
    /// Its content.
    pub checkpoint: Checkpoint,
    /// Why a newer file was passed over, as a sentence for the user.
    pub warning: Option<String>,
}

impl Loaded {
    /// Checks that the checkpoint is of a run whose configuration has this fingerprint.
    ///
    /// # Errors
    ///
    /// [`WorkbenchError::OtherConfig`] when it is not.
    pub fn check_config(&self, fingerprint: &str) -> Result<()> {
        let found = self.checkpoint.header["config"].as_str().unwrap_or("none");
        if found == fingerprint {
            return Ok(());
        }
        let run = self.path.parent().and_then(Path::parent);
        let short = |text: &str| text.chars().take(12).collect();
        Err(WorkbenchError::OtherConfig {
            run: run.unwrap_or(&self.path).to_path_buf(),
            found: short(found),
            expected: short(fingerprint),
        })
    }

    /// What the run remembers of its data.
    ///
    /// # Errors
    ///
    /// When the checkpoint does not say.
    pub fn data(&self) -> Result<&Value> {
        let header = &self.checkpoint.header;
        header.get("data").ok_or_else(|| {
            let problem = "it does not say what the run's data are";
            broken(&self.path, problem.into())
        })
    }

    /// What a person should know when the run goes on from here on this backend, a sentence each.
    pub fn notes(&self, backend: &str) -> Vec<String> {
        let before = self.checkpoint.header["backend"].as_str();
        let before = before.unwrap_or("unknown");
        let moved = (before != backend).then(|| {
            format!(
                "the run began on {before} and goes on on {backend}: results will differ slightly"
            )
        });
        moved.into_iter().chain(self.warning.clone()).collect()
    }

    /// The content of a section.
    ///
    /// # Errors
    ///
    /// When the checkpoint has no section of this name.
    pub fn section(&self, name: &str) -> Result<&[u8]> {
        self.checkpoint
            .sections
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| {
                let names: Vec<_> = self
                    .checkpoint
                    .sections
                    .keys()
                    .map(String::as_str)
                    .collect();
                broken(
                    &self.path,
                    format!("no section `{name}`, only: {}", names.join(", ")),
                )
            })
    }
}

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

fn broken(path: &Path, problem: String) -> WorkbenchError {
    WorkbenchError::Checkpoint {
        path: path.to_path_buf(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(step: u64) -> Checkpoint {
        Checkpoint::new(json!({ "step": step, "lr": 0.1 }))
            .with_section("weights", vec![1, 2, 3, step as u8])
            .with_section("empty", vec![])
    }

    #[test]
    fn what_is_saved_comes_back() {
        let run = tempfile::tempdir().unwrap();
        save(run.path(), 7, &example(7)).unwrap();
        let loaded = load_latest(run.path()).unwrap().unwrap();
        assert_eq!(
            (loaded.index, &loaded.checkpoint, &loaded.warning),
            (7, &example(7), &None)
        );
        assert_eq!(loaded.section("weights").unwrap(), [1, 2, 3, 7]);
        let message = loaded.section("alpha").unwrap_err().to_string();
        assert!(
            message.contains("no section `alpha`, only: empty, weights"),
            "{message}"
        );
    }

    #[test]
    fn a_checkpoint_knows_its_configuration_and_backend() {
        let run = tempfile::tempdir().unwrap();
        let identity = RunIdentity {
            fingerprint: "0123456789abcdef".into(),
            backend: "flex".into(),
            data: json!({ "images": 7 }),
        };
        save(run.path(), 3, &Checkpoint::of_run(&identity, 3)).unwrap();
        let loaded = load_latest(run.path()).unwrap().unwrap();
        assert_eq!(*loaded.data().unwrap(), identity.data);
        loaded.check_config("0123456789abcdef").unwrap();
        let message = loaded.check_config("fedcba").unwrap_err().to_string();
        let run = run.path();
        let name = run.display().to_string();
        for piece in [&name, "fingerprint 0123456789ab, expected fedcba"] {
            assert!(message.contains(piece), "{message}");
        }
        assert!(loaded.notes("flex").is_empty());
        let notes = loaded.notes("cuda");
        assert!(notes.len() == 1 && notes[0].contains("on flex and goes on on cuda"));
        save(run, 4, &example(4)).unwrap();
        let message = load_latest(run).unwrap().unwrap().data().unwrap_err();
        assert!(message.to_string().contains("what the run's data are"));
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_removed() {
        let run = tempfile::tempdir().unwrap();
        save(run.path(), 1, &example(1)).unwrap();
        let left = run.path().join(FOLDER).join(".step-2.ckpt.7-0.tmp");
        fs::write(&left, "half").unwrap();
        save(run.path(), 2, &example(2)).unwrap();
        assert!(!left.exists());
        assert_eq!(load_latest(run.path()).unwrap().unwrap().index, 2);
    }

    #[test]
    fn a_run_without_checkpoints_has_none() {
        let run = tempfile::tempdir().unwrap();
        assert!(load_latest(run.path()).unwrap().is_none());
    }

    #[test]
    fn the_newest_two_are_kept_in_numeric_order() {
        let run = tempfile::tempdir().unwrap();
        for step in [8, 9, 10] {
            save(run.path(), step, &example(step)).unwrap();
        }
        let kept = list(&run.path().join(FOLDER)).unwrap();
        assert_eq!(
            kept.iter().map(|(index, _)| *index).collect::<Vec<_>>(),
            [9, 10]
        );
    }

    #[test]
    fn a_file_from_an_abandoned_future_is_removed() {
        let run = tempfile::tempdir().unwrap();
        for step in [10, 20, 15] {
            save(run.path(), step, &example(step)).unwrap();
        }
        assert_eq!(load_latest(run.path()).unwrap().unwrap().index, 15);
    }

    #[test]
    fn every_cut_and_every_changed_byte_falls_back_with_a_warning() {
        let run = tempfile::tempdir().unwrap();
        save(run.path(), 1, &example(1)).unwrap();
        let path = save(run.path(), 2, &example(2)).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            for damaged in [&whole[..at], &changed] {
                fs::write(&path, damaged).unwrap();
                let loaded = load_latest(run.path()).unwrap().unwrap();
                assert_eq!(loaded.index, 1, "byte {at}");
                let warning = loaded.warning.unwrap();
                assert!(warning.contains("step-2.ckpt") && warning.contains("step-1.ckpt"));
            }
        }
    }

    #[test]
    fn nothing_readable_is_an_error_about_the_newest() {
        let run = tempfile::tempdir().unwrap();
        for step in [1, 2] {
            let path = save(run.path(), step, &example(step)).unwrap();
            fs::write(path, "WBCHK").unwrap();
        }
        let message = load_latest(run.path()).unwrap_err().to_string();
        assert!(
            message.contains("step-2.ckpt`: it is cut short; valid is"),
            "{message}"
        );
    }
}
