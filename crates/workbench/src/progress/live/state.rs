use std::time::Instant;

use crate::progress::RunAbout;
use crate::progress::pace::Pace;
use crate::session::Present;

/// What a view shows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) about: RunAbout,
    pub(super) pace: Pace,
    /// When the last step was done.
    stepped: Instant,
    /// Of the last step whose loss was read.
    pub(super) loss: Option<f64>,
    pub(super) present: Present,
    /// The last sentence that a person should know.
    pub(super) note: Option<String>,
    /// The table of epochs, its head among the lines.
    pub(super) table: Vec<String>,
}

/// How far the epoch of now is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// So many of its steps are done.
    Steps { done: u64, of: u64 },
    /// All of its steps are done; what they led to is scored and saved.
    Scoring,
    /// No epoch is left.
    Ended,
}

impl State {
    pub(super) fn new(about: RunAbout, now: Instant) -> Self {
        let [position, total] = about.steps();
        Self {
            about,
            pace: Pace::new(position, total, now),
            stepped: now,
            loss: None,
            present: Present::default(),
            note: None,
            table: Vec::new(),
        }
    }

    pub(super) fn advance(&mut self, steps: u64, now: Instant) {
        self.pace.position += steps;
        self.stepped = now;
    }

    /// So many epochs are done; notes of the one before have been read.
    pub(super) fn epochs_done(&mut self, epochs: usize) {
        self.about.epochs_done = epochs;
        self.note = None;
    }

    /// Where the run is in its epoch.
    pub(super) fn stage(&self) -> Stage {
        let first = |epoch: usize| self.about.first_steps.get(epoch).map(|&step| step as u64);
        let done = self.about.epochs_done;
        match (first(done), first(done + 1)) {
            (Some(begin), Some(end)) if self.pace.position < end => Stage::Steps {
                done: self.pace.position.saturating_sub(begin),
                of: end - begin,
            },
            (Some(_), Some(_)) => Stage::Scoring,
            _ => Stage::Ended,
        }
    }

    /// Steps a second, and seconds left; what a step is waited for is time that has gone already.
    pub(super) fn rate(&self, now: Instant) -> Option<(f64, f64)> {
        let (rate, left) = self.pace.rate(self.stepped)?;
        let waited = now.duration_since(self.stepped).as_secs_f64();
        Some((rate, (left - waited).max(0.0)))
    }
}
