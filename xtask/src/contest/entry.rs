//! One run of a contest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use workbench::record::{FitOutcome, SearchOutcome};

use crate::passed::BackendOptions;

/// Where the cells of an entry come from.
pub enum Source {
    /// A search: its arguments without the seed, the folder of all seeds' searches, and its seed.
    Search {
        arguments: Vec<String>,
        folder: PathBuf,
        seed: u64,
    },
    /// Cells as `train fit` takes them.
    Cells(String),
}

/// A lock for the folder of each search.
#[derive(Default)]
pub struct Searches(Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>>);

impl Searches {
    fn of(&self, folder: PathBuf) -> Arc<Mutex<()>> {
        let mut searches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        searches.entry(folder).or_default().clone()
    }
}

/// One contestant with one seed.
pub struct Entry {
    pub name: String,
    pub label: String,
    pub seed: u64,
    pub source: Source,
    /// Arguments of `train fit` beside cells, seed and folder.
    pub train: Vec<String>,
    /// The run folder of the training.
    pub folder: PathBuf,
}

impl Entry {
    /// Seed and run folder of its search, if it has one.
    pub fn search(&self) -> Option<(u64, PathBuf)> {
        match &self.source {
            Source::Search { folder, seed, .. } => {
                Some((*seed, folder.join(format!("seed-{seed}"))))
            }
            Source::Cells(_) => None,
        }
    }

    /// The run folder of its search, if it has one.
    pub fn search_folder(&self) -> Option<PathBuf> {
        self.search().map(|(_, folder)| folder)
    }

    /// Does what is not done yet, with so many threads. Both binaries keep what is finished, go on with
    /// what was begun, and refuse a folder of other settings. One of several that share a search does it,
    /// and the others wait.
    pub fn run(
        &self,
        on: &BackendOptions,
        threads: usize,
        searches: &Searches,
    ) -> anyhow::Result<()> {
        let environment = [("RAYON_NUM_THREADS", threads.to_string())];
        let cells = match &self.source {
            Source::Search {
                arguments,
                folder,
                seed,
            } => {
                let searched = searches.of(self.search_folder().unwrap_or_default());
                let _one = searched.lock().unwrap_or_else(PoisonError::into_inner);
                let mut words = vec!["run".to_string()];
                words.extend(arguments.iter().cloned());
                let folder = folder.display().to_string();
                words.extend(["--seeds".into(), seed.to_string(), "--out".into(), folder]);
                on.finish("search", words, &environment)?;
                let found = self.search_folder().unwrap_or_default();
                found.join("genotype.json").display().to_string()
            }
            Source::Cells(cells) => cells.clone(),
        };
        let mut words = vec!["fit".to_string(), cells];
        words.extend(self.train.iter().cloned());
        let folder = self.folder.display().to_string();
        words.extend([
            "--seed".into(),
            self.seed.to_string(),
            "--out".into(),
            folder,
        ]);
        words.push("--continue".into());
        on.finish("train", words, &environment)
    }

    /// How its training ended; none while it has not.
    pub fn outcome(&self) -> anyhow::Result<Option<FitOutcome>> {
        let file = self.folder.join("result.json");
        Ok(match file.exists() {
            true => Some(FitOutcome::read(file)?),
            false => None,
        })
    }

    /// How long its search took, if it has one that is finished.
    pub fn search_seconds(&self) -> anyhow::Result<Option<f64>> {
        let file = self
            .search_folder()
            .map(|folder| folder.join("result.json"));
        Ok(match file.filter(|file| file.exists()) {
            Some(file) => Some(SearchOutcome::read(file)?.seconds),
            None => None,
        })
    }
}
