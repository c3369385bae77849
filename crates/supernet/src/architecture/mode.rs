use serde::{Deserialize, Serialize};

use crate::layers::Statistics;

/// Which operations of an edge a forward pass runs.
///
/// In every form an operation that is switched off moves no running statistics. In the sparse forms
/// its weights get no gradient at all, so an optimiser that skips weights without a gradient applies
/// neither decay nor momentum to them; in the dense form they get a zero gradient, and decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Runs every operation and records it: the reference.
    Dense,
    /// Runs what the gradients need and no more. Where weights are trained that is the operations
    /// switched on; where logits are, the others run too, but on constants, since only the inner
    /// product of their output with the node's gradient is needed. Loss and gradients equal the
    /// dense ones.
    #[default]
    ExactSparse,
    /// Runs only the operations switched on, whatever is trained. The logits of the others get no
    /// gradient through their own code: biased, as in GDAS, and faster.
    Sampled,
}

/// Which parameters a pass will be differentiated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trained {
    /// The network's weights; the codes are constants.
    Weights,
    /// The architecture logits, through the codes.
    Logits,
}

/// How a supernet runs forward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardMode {
    /// Which operations run.
    pub execution: Execution,
    /// What the pass will be differentiated by.
    pub trained: Trained,
    /// What batch normalisation uses.
    pub statistics: Statistics,
}

impl ForwardMode {
    /// A pass that is not differentiated, normalised with the batch's own statistics.
    pub const SCORE: ForwardMode = ForwardMode {
        execution: Execution::ExactSparse,
        trained: Trained::Weights,
        statistics: Statistics::Batch,
    };
}
