//! What runs on a backend: one search, several seeds, or the choice among them.

use std::path::{Path, PathBuf};

use supernet::TrainBackend;
use workbench::backend::BackendName;
use workbench::files;
use workbench::metrics;
use workbench::progress::Progress;
use workbench::run::RunFolder;

use crate::best::{Retraining, candidates, choose, retrain};
use crate::{EpochRecord, Reporter, SearchConfig, SearchError, Session, summary, write_outcome};

/// Something that is ready to run on some backend.
#[derive(Debug)]
pub struct Job {
    pub(crate) task: Task,
    pub(crate) quiet: bool,
    /// What it runs on.
    pub backend: BackendName,
}

#[derive(Debug)]
pub(crate) enum Task {
    Search {
        config: Box<SearchConfig>,
        start: Start,
    },
    /// One search for each seed, into `seed-SEED` of the folder.
    Seeds {
        config: Box<SearchConfig>,
        seeds: Vec<u64>,
        out: Option<PathBuf>,
    },
    /// Retrains what the searches of a folder found.
    Best { folder: PathBuf, how: Retraining },
}

#[derive(Debug)]
pub(crate) enum Start {
    New { out: Option<PathBuf> },
    Resume { folder: RunFolder },
}

/// More than anybody waits for.
const MOST_SEEDS: usize = 1000;

/// The seeds of `0..4`, which are 0, 1, 2 and 3, or of a list such as `0,2,5`.
///
/// # Errors
///
/// When the text is neither, or names no seed.
pub(crate) fn parse_seeds(text: &str) -> Result<Vec<u64>, SearchError> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let seeds: Option<Vec<u64>> = match text.split_once("..") {
        Some((from, to)) => number(from)
            .zip(number(to))
            // One more than there may be is enough to refuse them.
            .map(|(from, to)| (from..to).take(MOST_SEEDS + 1).collect()),
        None => text.split(',').map(number).collect(),
    };
    let some = seeds.filter(|seeds| (1..=MOST_SEEDS).contains(&seeds.len()));
    some.ok_or_else(|| {
        let valid = format!(
            "a range such as 0..4, which is 0, 1, 2 and 3, or a list such as 0,2,5, of at most \
             {MOST_SEEDS} seeds"
        );
        SearchError::field("seeds", text, &valid)
    })
}

/// The configuration that a run folder keeps.
pub(crate) fn read_config(folder: &RunFolder) -> Result<SearchConfig, SearchError> {
    let path = folder.config();
    let text = files::read_to_string(&path)?;
    SearchConfig::resolve(Some((&path.display().to_string(), &text)), &[])
}

struct Display {
    progress: Progress,
}

impl Reporter for Display {
    fn step(&mut self, epoch: usize, loss: Option<f64>) {
        if let Some(loss) = loss {
            self.progress
                .message(format!("epoch {epoch}, loss {loss:.3}"));
        }
        self.progress.advance(1);
    }

    fn note(&mut self, text: &str) {
        self.progress.line(&format!("note: {text}"));
    }

    fn epoch(&mut self, r: &EpochRecord) {
        self.progress.line(&format!(
            "epoch {:>3}: train loss {:.3}, supernet error {:.2} %, child error {:.2} %, gap {:+.2}, \
             entropy {:.2}/{:.2}, temperature {:.2}, {:.1} s",
            r.epoch,
            r.train_loss,
            r.supernet_error,
            r.child_error,
            r.gap,
            r.entropy_normal,
            r.entropy_reduce,
            r.temperature,
            r.timing.search_seconds + r.timing.validation_seconds,
        ));
    }
}

impl Task {
    /// Checks that a backend can do it.
    pub(crate) fn check(&self, backend: BackendName) -> Result<(), SearchError> {
        let precision = match self {
            Task::Search { config, .. } | Task::Seeds { config, .. } => config.search.precision,
            // Retrains in f32.
            Task::Best { .. } => return Ok(()),
        };
        let refuse = |valid: String| SearchError::field("search.precision", precision, &valid);
        precision.check(backend).map_err(refuse)
    }
}

impl Job {
    /// Does it on a backend and prints what came of it.
    ///
    /// # Errors
    ///
    /// Whatever stops it.
    pub fn run<B: TrainBackend>(
        self,
        device: B::Device,
        compiled: &[BackendName],
    ) -> Result<(), SearchError> {
        let selected = self.backend.probe::<B>(device, compiled)?;
        let place = Place::<B> {
            device: selected.device,
            label: selected.label,
            quiet: self.quiet,
        };
        match self.task {
            Task::Search { config, start } => place.search(*config, start),
            Task::Seeds { config, seeds, out } => place.seeds(&config, &seeds, out),
            Task::Best { folder, how } => place.best(&folder, &how),
        }
    }
}

/// Where a job runs.
struct Place<B: TrainBackend> {
    device: B::Device,
    label: String,
    quiet: bool,
}

impl<B: TrainBackend> Place<B> {
    fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    fn search(&self, config: SearchConfig, start: Start) -> Result<(), SearchError> {
        let (label, device) = (&self.label, &self.device);
        let session = match start {
            Start::New { out } => {
                let name = config.name.clone();
                let folder = || match out {
                    Some(path) => RunFolder::create_at(path),
                    None => RunFolder::create("runs", &name, None),
                };
                Session::<B>::start(config, folder, label, device)?
            }
            Start::Resume { folder } => {
                let (session, notes) = Session::<B>::resume(config, folder, label, device)?;
                for note in notes {
                    eprintln!("note: {note}");
                }
                session
            }
        };
        let (folder, config) = (session.folder().clone(), session.config().clone());
        self.say(&format!(
            "{} on {label}, into {}",
            config.name,
            folder.path().display()
        ));
        let learns = config.search.method.rules().learns;
        if learns && config.search.warmup_epochs >= config.search.epochs {
            self.say(
                "note: `search.warmup_epochs` is as long as the search; the architecture is not \
                 trained",
            );
        }
        if config.network.cells < 3 {
            self.say(
                "note: with fewer than 3 cells all of them reduce; the normal cell is not searched",
            );
        }
        let steps = session.steps_per_epoch();
        let (done, total) = (session.epoch() * steps, config.search.epochs * steps);
        let progress = Progress::new("search", done as u64, total as u64, self.quiet);
        let mut display = Display { progress };
        let outcome = session.run(&mut display)?;
        display.progress.finish();

        let records: Vec<EpochRecord> = metrics::read(folder.metrics())?;
        write_outcome(&folder, &outcome)?;
        print!("{}", summary(&folder, &config, &records, Some(&outcome)));
        Ok(())
    }

    /// Searches with every seed. What is finished is kept and what is begun is resumed, so the same
    /// command continues after an interruption.
    fn seeds(
        &self,
        config: &SearchConfig,
        seeds: &[u64],
        out: Option<PathBuf>,
    ) -> Result<(), SearchError> {
        let default = || PathBuf::from(format!("runs/{}-seeds", config.name));
        let folder = out.unwrap_or_else(default);
        for &seed in seeds {
            let config = SearchConfig {
                seed,
                ..config.clone()
            };
            let path = folder.join(format!("seed-{seed}"));
            let run = RunFolder::at(&path);
            if !run.config().exists() {
                self.search(config, Start::New { out: Some(path) })?;
                continue;
            }
            if read_config(&run)? != config {
                let problem = "was searched with other settings; valid with --out is a folder of the \
                               same settings or one that does not exist";
                return Err(refused(&path, problem));
            }
            if run.file("result.json").exists() {
                self.say(&format!("{} is finished", path.display()));
            } else {
                self.search(config, Start::Resume { folder: run })?;
            }
        }
        println!("search best {}", folder.display());
        Ok(())
    }

    fn best(&self, folder: &Path, how: &Retraining) -> Result<(), SearchError> {
        let note = |text: &str| eprintln!("note: {text}");
        let (config, mut found) = candidates(folder, note)?;
        for candidate in &mut found {
            let mut progress: Option<Progress> = None;
            let on_step = |total: usize| {
                let new = || Progress::new(&candidate.run, 0, total as u64, self.quiet);
                progress.get_or_insert_with(new).advance(1);
            };
            let retrained = retrain::<B>(&config, &candidate.genotype, how, &self.device, on_step)?;
            progress.into_iter().for_each(Progress::finish);
            candidate.retrained = Some(retrained);
        }
        let best = choose(folder, how, found)?;
        print!("{}", best.table());
        Ok(())
    }
}

pub(crate) fn refused(path: &Path, problem: &str) -> SearchError {
    let (path, problem) = (path.to_path_buf(), problem.into());
    workbench::WorkbenchError::RunFolder { path, problem }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_or_a_list() {
        assert_eq!(parse_seeds("0..4").unwrap(), [0, 1, 2, 3]);
        assert_eq!(parse_seeds("7, 2").unwrap(), [7, 2]);
        assert_eq!(parse_seeds("5").unwrap(), [5]);
        for wrong in [
            "4..4",
            "0..18446744073709551615",
            "",
            "a..3",
            "1,,2",
            "-1",
            "1..2..3",
        ] {
            let error = parse_seeds(wrong).unwrap_err().to_string();
            assert!(
                error.contains("`seeds` is") && error.contains("0..4"),
                "{error}"
            );
        }
    }
}
