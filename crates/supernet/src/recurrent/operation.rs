use std::fmt;

use super::PublishedRecurrent::{DartsV1, DartsV2};
use crate::architecture::OperationSet;
use crate::kernels::GateActivation;

/// A candidate operation of the recurrent cell, in the order of DARTS (Liu et al. 2019, section 3.1.2):
/// what the candidate state is passed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecurrentOperation {
    /// No connection: contributes zero.
    None,
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// Logistic function.
    Sigmoid,
    /// The candidate itself.
    Identity,
}

impl OperationSet for RecurrentOperation {
    const ALL: &'static [Self] = &[
        Self::None,
        Self::Tanh,
        Self::Relu,
        Self::Sigmoid,
        Self::Identity,
    ];
    const NONE: Option<Self> = Some(Self::None);
    const CELLS: &'static [&'static str] = &["cell"];
    /// The first state.
    const INPUTS: usize = 1;
    const NODES: usize = 8;
    /// State 0 is the first, of input and hidden state.
    const FIRST_NODE: usize = 1;
    const OUTPUT: &'static str = "h";
    const JOINED: &'static str = "mean";
    const FIELDS: &'static [(&'static str, &'static str)] =
        &[("recurrent", "cell"), ("concat", "cell_concat")];
    const PUBLISHED: &'static [(&'static str, &'static str)] = &[
        (DartsV1.name(), DartsV1.text()),
        (DartsV2.name(), DartsV2.text()),
    ];

    fn input_label(_input: usize) -> String {
        "0: x, h".into()
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Identity => "identity",
        }
    }
}

impl RecurrentOperation {
    /// The activation, unless it is [`None`](Self::None).
    pub(super) fn activation(self) -> Option<GateActivation> {
        match self {
            Self::None => None,
            Self::Tanh => Some(GateActivation::Tanh),
            Self::Relu => Some(GateActivation::Relu),
            Self::Sigmoid => Some(GateActivation::Sigmoid),
            Self::Identity => Some(GateActivation::Identity),
        }
    }
}

impl fmt::Display for RecurrentOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::SearchSpace;

    #[test]
    fn the_papers_space_has_eight_steps_and_thirty_six_edges_of_five() {
        let space = SearchSpace::<RecurrentOperation>::default();
        assert_eq!((space.nodes, space.edges(), space.ops()), (8, 36, 5));
        assert_eq!(
            RecurrentOperation::names(),
            "none, tanh, relu, sigmoid, identity"
        );
    }
}
