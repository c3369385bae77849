//! Records of cells with inherited weights.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Metric;
use crate::{Result, files};

/// Scores of cells with the weights that a search left: what `search score --result` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InheritedScores {
    /// Epochs that the search had run.
    pub epoch: usize,
    /// What networks are judged by.
    pub metric: Metric,
    /// One for each of the cells, in the order they were given in.
    pub cells: Vec<InheritedScore>,
}

/// The score of one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InheritedScore {
    /// How they were named.
    pub named: String,
    /// Their text form.
    pub genotype: String,
    /// Mean validation loss, in nats.
    pub loss: f64,
    /// Validation score, in the unit of the metric, with the statistics of the batch.
    pub value: f64,
}

impl InheritedScores {
    /// Reads what [`InheritedScores`] was written to.
    ///
    /// # Errors
    ///
    /// When it cannot be read or holds something else.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        files::read_json(path)
    }
}
