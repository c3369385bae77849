use burn::tensor::{Tensor, backend::Backend};

use crate::kernels::GateTerm;

/// What a cell reads, all of it with gradients.
#[derive(Debug, Clone)]
pub struct UnrollInputs<B: Backend> {
    /// Products of the inputs with their rows of the first matrix, `[time, batch, 2 * hidden]`.
    pub inputs: Tensor<B, 3>,
    /// The hidden state before the first moment, `[batch, hidden]`.
    pub hidden: Tensor<B, 2>,
    /// The hidden state's rows of the first matrix, `[hidden, 2 * hidden]`.
    pub first: Tensor<B, 2>,
    /// The matrix of each step, `[steps, hidden, 2 * hidden]`.
    pub steps: Tensor<B, 3>,
    /// Weights of the terms, `[edges, ops]`.
    pub weights: Tensor<B, 2>,
}

/// How a cell runs.
#[derive(Debug, Clone)]
pub struct UnrollSettings<B: Backend> {
    /// What each step does.
    pub plan: Vec<StepPlan>,
    /// Factors of the states in all products, `[batch, hidden]`; constants.
    pub mask: Option<Tensor<B, 2>>,
    /// What is done to each state.
    pub norm: StateNorm<B>,
}

/// What one step of a cell does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepPlan {
    /// States that are part of the step's own, by number.
    pub read: Vec<usize>,
    /// The terms of them; a term's `state` is a place in `read`.
    pub terms: Vec<GateTerm>,
    /// States that are not part of it, while the weights of their terms need a gradient: the number,
    /// and the terms, whose `state` is 0.
    pub measured: Vec<(usize, Vec<GateTerm>)>,
}

/// What is done to each state of a cell.
#[derive(Debug, Clone)]
pub enum StateNorm<B: Backend> {
    /// Nothing.
    None,
    /// Normalisation over the batch.
    Batch {
        /// Added to the variance.
        eps: f64,
    },
    /// A fixed map of each unit, as of running statistics.
    Fixed {
        /// `[1, hidden]`
        scale: Tensor<B, 2>,
        /// `[1, hidden]`
        shift: Tensor<B, 2>,
    },
}

/// What a cell makes of its inputs.
#[derive(Debug, Clone)]
pub struct Unrolled<B: Backend> {
    /// The hidden states, `[time, batch, hidden]`.
    pub hidden: Tensor<B, 3>,
    /// All states of the last moment, `[batch, hidden]` each, without a graph.
    pub states: Vec<Tensor<B, 2>>,
    /// Mean and biased variance, `[hidden]` each, of every state of every moment in the order in which
    /// they were normalised over the batch; without a graph.
    pub statistics: Vec<[Tensor<B, 1>; 2]>,
}
