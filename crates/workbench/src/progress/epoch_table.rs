use super::Progress;
use crate::columns::Columns;
use crate::session::{EpochRecord, Present, Reporter};

/// A run on standard error: its progress, and below it a line for each epoch under one head.
#[derive(Debug)]
pub struct EpochTable<R> {
    progress: Progress,
    /// Known from the first epoch on.
    columns: Option<Columns>,
    head: fn(&R) -> Columns,
    cells: fn(&R) -> Vec<String>,
}

impl<R: EpochRecord> EpochTable<R> {
    /// A table without epochs yet. `head` gives the columns, of which those of the first epoch stand for all, and
    /// `cells` what stands in them.
    pub fn new(progress: Progress, head: fn(&R) -> Columns, cells: fn(&R) -> Vec<String>) -> Self {
        Self {
            progress,
            columns: None,
            head,
            cells,
        }
    }

    /// Ends the progress.
    pub fn finish(self) {
        self.progress.finish();
    }
}

impl<R: EpochRecord> Reporter<R> for EpochTable<R> {
    fn step(&mut self, epoch: usize, loss: Option<f64>) {
        if let Some(loss) = loss {
            self.progress.loss(epoch, loss);
        }
        self.progress.advance(1);
    }

    fn note(&mut self, text: &str) {
        self.progress.note(text);
    }

    fn epoch(&mut self, record: &R) {
        let progress = &mut self.progress;
        let columns = self.columns.get_or_insert_with(|| {
            let columns = (self.head)(record);
            columns.head().iter().for_each(|line| progress.line(line));
            columns
        });
        progress.line(&columns.line((self.cells)(record)));
        progress.epochs_done(record.epoch());
    }

    fn present(&mut self, present: Present) {
        self.progress.present(present);
    }
}
