use super::{Present, Reporter};
use crate::interrupt;

/// Tells, once an epoch, that the run ends when the epoch does.
pub(super) struct Watched<'a, P> {
    reporter: &'a mut P,
    told: bool,
}

impl<'a, P> Watched<'a, P> {
    pub(super) fn new(reporter: &'a mut P) -> Self {
        Self {
            reporter,
            told: false,
        }
    }
}

impl<R, P: Reporter<R>> Reporter<R> for Watched<'_, P> {
    fn step(&mut self, epoch: usize, loss: Option<f64>) {
        self.reporter.step(epoch, loss);
        if interrupt::is_asked() && !self.told {
            self.told = true;
            self.reporter.note(&format!(
                "Ctrl-C: the run ends when epoch {epoch} is finished and saved; a second Ctrl-C ends it \
                 now and loses this epoch"
            ));
        }
    }

    fn note(&mut self, text: &str) {
        self.reporter.note(text);
    }

    fn epoch(&mut self, record: &R) {
        self.reporter.epoch(record);
    }

    fn present(&mut self, present: Present) {
        self.reporter.present(present);
    }
}
