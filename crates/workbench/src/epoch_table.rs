//! A loop on standard error: its progress, and a table of its epochs.

use crate::columns::Columns;
use crate::progress::Progress;

/// Progress of a loop, and below it a line for each epoch under one head.
#[derive(Debug)]
pub struct EpochTable {
    progress: Progress,
    /// Known from the first epoch on.
    columns: Option<Columns>,
}

impl EpochTable {
    /// A table without epochs yet.
    pub fn new(progress: Progress) -> Self {
        let columns = None;
        Self { progress, columns }
    }

    /// A step is done; `message` stands beside the progress.
    pub fn step(&mut self, message: Option<String>) {
        if let Some(message) = message {
            self.progress.message(message);
        }
        self.progress.advance(1);
    }

    /// Writes a sentence that a person should know.
    pub fn note(&mut self, text: &str) {
        self.progress.line(&format!("note: {text}"));
    }

    /// Writes an epoch's cells, the first time with a head over them: the columns are those of the first
    /// epoch.
    pub fn epoch(&mut self, columns: impl FnOnce() -> Columns, cells: Vec<String>) {
        let Self {
            progress,
            columns: known,
        } = self;
        let columns = known.get_or_insert_with(|| {
            let columns = columns();
            columns.head().iter().for_each(|line| progress.line(line));
            columns
        });
        progress.line(&columns.line(cells));
    }

    /// Ends the progress.
    pub fn finish(self) {
        self.progress.finish();
    }
}
