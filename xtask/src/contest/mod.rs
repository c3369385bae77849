//! A contest: what searches find, published cells, random cells and other networks, all trained alike.

mod entry;
mod ranking;
mod rules;
mod table;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, ensure};
use clap::Args;
use workbench::files::{read_to_string, write_atomic};

use self::entry::{Entry, Searches};
use self::rules::Rules;
use self::table::{Row, Table};
use crate::passed::BackendOptions;

/// Train what searches find beside other cells, as a file says, and write a table beside the file.
#[derive(Args)]
pub struct Contest {
    /// The file (TOML): who takes part, with which seeds, and how they are searched and trained.
    rules: PathBuf,
    /// Folder of the runs; by default `runs/NAME`, where NAME is the folder of the file. What is
    /// finished in it is kept, what was begun is resumed, and a run of other settings is refused.
    #[arg(long, value_name = "FOLDER")]
    runs: Option<PathBuf>,
    /// Runs side by side; each gets its share of the cores.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Run nothing: make the table of what is there.
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    on: BackendOptions,
}

impl Contest {
    pub fn run(self) -> anyhow::Result<()> {
        let text = read_to_string(&self.rules)?;
        let rules: Rules = toml::from_str(&text)
            .with_context(|| format!("{} is no contest", self.rules.display()))?;
        rules.check()?;
        let place = self.rules.parent().unwrap_or(Path::new("."));
        let runs = match &self.runs {
            Some(folder) => folder.clone(),
            None => {
                let name = place.file_name().context("the file lies in no folder")?;
                Path::new("runs").join(name)
            }
        };
        let entries = rules.entries(&runs);
        if !self.no_run {
            self.run_all(&entries)?;
        }
        let mut table = Table::new(&rules, &self.rules);
        for entry in &entries {
            match entry.outcome()? {
                Some(outcome) => table.rows.push(Row {
                    name: entry.label.clone(),
                    seed: entry.seed,
                    outcome,
                    search_seconds: entry.search_seconds()?,
                }),
                None => table
                    .missing
                    .push(format!("{} {}", entry.label, entry.seed)),
            }
        }
        ensure!(
            !table.rows.is_empty(),
            "no finished run in {}",
            runs.display()
        );
        if let Some(ranking) = &rules.ranking {
            table.ranking = ranking::ranking(ranking, &entries, &runs, &self.on, self.no_run)?;
        }
        let markdown = table.markdown();
        write_atomic(place.join("table.md"), &markdown)?;
        print!("{markdown}");
        Ok(())
    }

    /// Does what is not done yet, several entries side by side; after a failure nothing further begins.
    fn run_all(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = usize::from(self.jobs);
        let threads = (cores / jobs).max(1);
        let queue = Mutex::new(entries.iter().collect::<VecDeque<_>>());
        let searches = Searches::default();
        let take = || {
            queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
        };
        let work = || {
            while let Some(entry) = take() {
                let done = entry.run(&self.on, threads, &searches);
                if done.is_err() {
                    queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    return done.with_context(|| format!("{}, seed {}", entry.label, entry.seed));
                }
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let ended = workers.into_iter().map(|worker| match worker.join() {
                Ok(done) => done,
                Err(_) => Err(anyhow::anyhow!("a run ended in a panic")),
            });
            // All are waited for; the first failure is told.
            ended.collect::<Vec<_>>().into_iter().collect()
        })
    }
}
