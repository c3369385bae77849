//! What all records of an epoch have in common.

use serde::{Serialize, de::DeserializeOwned};

/// What is known at the end of an epoch: one line of a run's log.
pub trait EpochRecord: Serialize + DeserializeOwned + Clone {
    /// The epoch, counted from 1.
    fn epoch(&self) -> usize;

    /// The figures by their names; a run in which one of them is not finite has diverged.
    fn figures(&self) -> Vec<(&'static str, f64)>;
}
