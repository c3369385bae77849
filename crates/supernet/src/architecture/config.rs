use std::ops::Range;

use egs_core::{Activation, EgsConfig, Normalization};
use serde::{Deserialize, Serialize};

use super::{OperationSet, SearchSpace};
use crate::SupernetError;

/// What one row of the estimator covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// A row per edge: every edge keeps at least one operation.
    #[default]
    PerEdge,
    /// A row per node over all its incoming edges and their operations (the authors' "multi nodes"):
    /// edges compete, and some end up empty.
    PerNode,
}

/// What a supernet runs as: how the weights of the operations come from the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relaxation {
    /// A sampled binary code with straight-through gradients (Chang et al. 2019, section 3.2; with
    /// one draw the code of GDAS).
    Code,
    /// The relaxed draws themselves, their maximum where there are several: with one draw the
    /// concrete distribution of SNAS (Xie et al. 2019, section 2.2). Every operation is on.
    Relaxed,
    /// The probabilities p: the mixed operation of DARTS (Liu et al. 2019, equation 2). Every
    /// operation is on and nothing is drawn.
    Mixture,
}

/// How architectures are sampled; the temperature is an argument of each draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchitectureConfig {
    /// Size M of the ensemble: at most this many operations are switched on in a row.
    pub draws: usize,
    /// How probabilities come from logits.
    pub activation: Activation,
    /// Whether a row's code is divided by its sum.
    pub normalization: Normalization,
    /// What a row covers.
    pub sampling: Sampling,
}

impl Default for ArchitectureConfig {
    fn default() -> Self {
        Self {
            draws: 4,
            activation: Activation::Softmax,
            normalization: Normalization::None,
            sampling: Sampling::PerEdge,
        }
    }
}

impl ArchitectureConfig {
    /// The estimator at `temperature`.
    ///
    /// # Errors
    ///
    /// The estimator's own, for zero draws or a temperature that is not positive.
    pub fn estimator(&self, temperature: f64) -> Result<egs_core::Egs, SupernetError> {
        Ok(self.estimator_config(temperature).init()?)
    }

    pub(super) fn estimator_config(&self, temperature: f64) -> EgsConfig {
        EgsConfig::new(self.draws)
            .with_temperature(temperature)
            .with_activation(self.activation)
            .with_normalization(self.normalization)
    }

    /// The rows of one cell as lists of edges: one edge each, or all edges into a node.
    pub fn rows<O: OperationSet>(&self, space: &SearchSpace<O>) -> Vec<Range<usize>> {
        match self.sampling {
            Sampling::PerEdge => (0..space.edges()).map(|edge| edge..edge + 1).collect(),
            Sampling::PerNode => (0..space.nodes)
                .map(|node| space.first_edge(node)..space.first_edge(node + 1))
                .collect(),
        }
    }
}
