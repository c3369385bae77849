use super::LiveEvents;
use crate::record::EpochRecord;
use crate::run_folder::RunFolder;
use crate::session::{Present, Reporter};
use crate::{Result, WorkbenchError};

/// Keeps an event file up to date beside another reporter. That it cannot be written is told once and ends
/// nothing.
pub struct Recording<'a, P> {
    reporter: &'a mut P,
    /// None once it failed.
    events: Option<LiveEvents>,
}

impl<'a, P> Recording<'a, P> {
    /// Begins the file of a run that begins or goes on.
    pub fn start<R>(run: &RunFolder, reporter: &'a mut P) -> Self
    where
        P: Reporter<R>,
    {
        let mut this = Self {
            reporter,
            events: None,
        };
        match LiveEvents::start(run) {
            Ok(events) => this.events = Some(events),
            Err(error) => this.failed::<R>(&error),
        }
        this
    }

    /// Adds the result of the run.
    pub fn finish<R>(mut self)
    where
        P: Reporter<R>,
    {
        self.add::<R>(LiveEvents::end);
    }

    fn add<R>(&mut self, what: impl FnOnce(&mut LiveEvents) -> Result<()>)
    where
        P: Reporter<R>,
    {
        if let Some(Err(error)) = self.events.as_mut().map(what) {
            self.failed::<R>(&error);
        }
    }

    fn failed<R>(&mut self, error: &WorkbenchError)
    where
        P: Reporter<R>,
    {
        self.events = None;
        self.reporter.note(&format!(
            "the event file for TensorBoard is no longer brought up to date: {error}; the command \
             `tensorboard` writes it anew"
        ));
    }
}

impl<R: EpochRecord, P: Reporter<R>> Reporter<R> for Recording<'_, P> {
    fn step(&mut self, epoch: usize, loss: Option<f64>) {
        self.reporter.step(epoch, loss);
    }

    fn note(&mut self, text: &str) {
        self.reporter.note(text);
    }

    fn epoch(&mut self, record: &R) {
        self.reporter.epoch(record);
        self.add::<R>(|events| {
            let record = serde_json::to_value(record).map_err(|source| WorkbenchError::Json {
                what: "an epoch",
                source,
            })?;
            events.epoch(&record)
        });
    }

    fn present(&mut self, present: Present) {
        self.reporter.present(present);
    }
}
