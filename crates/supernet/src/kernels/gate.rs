//! What a step of a recurrent cell adds up.

/// What a candidate state is passed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateActivation {
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`, with gradient 0 at 0.
    Relu,
    /// Logistic function.
    Sigmoid,
    /// The candidate itself.
    Identity,
}

impl GateActivation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tanh, Self::Relu, Self::Sigmoid, Self::Identity];
}

/// One summand of a [`gated_mix`](super::gated_mix).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateTerm {
    /// Number of the state that it reads.
    pub state: usize,
    /// What its candidate is passed through.
    pub activation: GateActivation,
    /// Place of its weight in the table.
    pub entry: [usize; 2],
    /// Whether it is part of the sum. One that is not has a gradient of its weight all the same.
    pub on: bool,
}
