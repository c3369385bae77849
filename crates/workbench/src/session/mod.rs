//! An experiment in its run folder: log, checkpoints, lock, notes, going on after an interruption.

mod data;
mod experiment;
mod extension;
mod lock;
mod present;
mod run;
mod unreadable;
mod watched;

pub use crate::record::EpochRecord;
pub use data::RunData;
pub use experiment::{Ended, Experiment, Reporter, Silent};
pub use extension::Extension;
pub use present::{Present, PresentCell, PresentInput, PresentNode};
pub use run::Session;
pub use unreadable::UnreadableReport;

#[cfg(test)]
mod tests;
