use super::Progress;
use crate::columns::Columns;
use crate::session::Present;

/// Progress of a run, and below it a line for each epoch under one head.
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

    /// A step of an epoch is done; the loss, where it is known, stands beside the progress.
    pub fn step(&mut self, epoch: usize, loss: Option<f64>) {
        if let Some(loss) = loss {
            self.progress.loss(epoch, loss);
        }
        self.progress.advance(1);
    }

    /// Writes a sentence that a person should know.
    pub fn note(&mut self, text: &str) {
        self.progress.note(text);
    }

    /// Shows what became of curves and cells, where there is room for more than a line.
    pub fn present(&mut self, present: Present) {
        self.progress.present(present);
    }

    /// Writes the cells of an epoch that is done, the first time with a head over them: the columns are those
    /// of the first epoch.
    pub fn epoch(&mut self, epoch: usize, columns: impl FnOnce() -> Columns, cells: Vec<String>) {
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
        progress.epochs_done(epoch);
    }

    /// Ends the progress.
    pub fn finish(self) {
        self.progress.finish();
    }
}
