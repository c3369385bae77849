//! Checkpoints: self-checking files that hold a JSON header and named binary sections, the newest
//! two of a run.

mod content;
mod format;
mod loaded;
mod record;
mod store;

pub use content::{Checkpoint, RunIdentity};
pub use loaded::Loaded;
pub use record::encode_record;
pub use store::{load_latest, save};
