//! What a folder is a run of, and what a person may have meant who named another one.

use std::path::{Path, PathBuf};

use super::RunFolder;
use crate::config::parse_table;
use crate::{Result, files};

/// What a run was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// A run of `search`.
    Search,
    /// A run of `train`.
    Training,
}

impl RunFolder {
    /// What the folder is a run of, by the section of the loop in its `config.toml`; none where that has
    /// neither.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not TOML.
    pub fn kind(&self) -> Result<Option<RunKind>> {
        let path = self.config();
        let text = files::read_to_string(&path)?;
        let table = parse_table(&text, &path.display().to_string())?;
        let has = |section: &str| table.contains_key(section);
        Ok(match (has("search"), has("fit")) {
            (true, false) => Some(RunKind::Search),
            (false, true) => Some(RunKind::Training),
            _ => None,
        })
    }

    /// Opens the folder of an earlier run of this kind.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and when the run was of the other kind.
    pub fn open_as(path: impl Into<PathBuf>, kind: RunKind) -> Result<Self> {
        let folder = Self::open(path)?;
        match folder.kind()? {
            Some(found) if found != kind => Err(folder.refused(folder.of_the_other_kind(found))),
            _ => Ok(folder),
        }
    }

    fn of_the_other_kind(&self, found: RunKind) -> String {
        let shown = self.path.display();
        match found {
            RunKind::Search => format!(
                "is of a search, not of a training; its cells are `{}`, which `train fit {shown}` \
                 trains; `search resume {shown}` goes on with it",
                self.genotype().display()
            ),
            RunKind::Training => format!(
                "is of a training, not of a search; its cells are in `{}`, and `search draw {shown} \
                 cells.svg` draws them; `train resume {shown}` goes on with it",
                self.config().display()
            ),
        }
    }
}

/// Whether a folder looks like an exported network.
pub(super) fn is_exported(folder: &Path) -> bool {
    folder.join("config.json").is_file()
}

/// A run in a folder of runs: the first by its name.
pub(super) fn run_inside(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.join("config.toml").is_file())
        .min()
}

/// What is wrong with a folder that has no `config.toml`.
pub(super) fn instead_of_a_run(folder: &RunFolder) -> String {
    let path = folder.path();
    if path.is_file() {
        return "is a file; valid is a folder that a run created".into();
    }
    if !path.is_dir() {
        return "does not exist; valid is a folder that a run created".into();
    }
    if is_exported(path) {
        return "is an exported network, not a run; `train eval` and `train predict` take it"
            .into();
    }
    match run_inside(path) {
        Some(run) => format!(
            "holds several runs; valid is one of them, such as `{}`",
            run.display()
        ),
        None => "has no `config.toml`; valid is a folder that a run created".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_of_the_other_kind_says_what_it_is_and_what_may_be_meant() {
        let parent = tempfile::tempdir().unwrap();
        let write = |name: &str, file: &str, text: &str| {
            let path = parent.path().join(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join(file), text).unwrap();
            path
        };
        let search = write("search", "config.toml", "[search]\nepochs = 1");
        let fit = write("fit", "config.toml", "[fit]\nepochs = 1");
        RunFolder::open_as(&search, RunKind::Search).unwrap();
        RunFolder::open_as(&fit, RunKind::Training).unwrap();
        let message = |path: &Path, kind| RunFolder::open_as(path, kind).unwrap_err().to_string();
        let (named, shown) = (message(&search, RunKind::Training), search.display());
        for part in [
            format!("run folder `{shown}` is of a search, not of a training"),
            format!("`{shown}/genotype.json`, which `train fit {shown}` trains"),
            format!("`search resume {shown}`"),
        ] {
            assert!(named.contains(&part), "{named}");
        }
        let (named, shown) = (message(&fit, RunKind::Search), fit.display());
        for part in [
            format!("run folder `{shown}` is of a training, not of a search"),
            format!("`search draw {shown} cells.svg`"),
            format!("`train resume {shown}`"),
        ] {
            assert!(named.contains(&part), "{named}");
        }
        // Of neither, and then the errors of its fields say more.
        let other = write("other", "config.toml", "seed = 1");
        RunFolder::open_as(&other, RunKind::Search).unwrap();

        let seeds = write("seeds/seed-1", "config.toml", "");
        let exported = write("exported", "config.json", "{}");
        let file = other.join("config.toml");
        for (path, part) in [
            (
                seeds.parent().unwrap(),
                "holds several runs; valid is one of them, such as `",
            ),
            (exported.as_path(), "is an exported network"),
            (file.as_path(), "is a file"),
            (Path::new("no/such"), "does not exist"),
        ] {
            let named = message(path, RunKind::Search);
            assert!(named.contains(part), "{named}");
        }
        assert!(message(seeds.parent().unwrap(), RunKind::Search).ends_with("seed-1`"));
    }
}
