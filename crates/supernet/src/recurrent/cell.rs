use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};

use super::plan::plan;
use super::unroll::{StateNorm, UnrollBackend, UnrollInputs, UnrollSettings, Unrolled};
use super::{CellForm, RecurrentOperation, StepNormalization};
use crate::architecture::{CodeTable, ForwardMode, SearchSpace};
use crate::graph::{Function, GraphBuilder, Rows, Value};
use crate::kernels::{self, GateActivation};
use crate::layers::{BatchNorm, Statistics, WeightInit};

/// Factors of the inputs and the states in a cell's products, the same at all moments; what passes the
/// products by has none.
#[derive(Debug, Clone)]
pub struct CellMasks<B: Backend> {
    /// `[batch, inputs]`
    pub inputs: Option<Tensor<B, 2>>,
    /// `[batch, hidden]`, the same for all steps.
    pub states: Option<Tensor<B, 2>>,
}

impl<B: Backend> Default for CellMasks<B> {
    fn default() -> Self {
        Self {
            inputs: None,
            states: None,
        }
    }
}

/// The architecture that a cell runs as.
#[derive(Debug, Clone, Copy)]
pub struct CellCode<'a, B: Backend> {
    /// A row for each edge of the space.
    pub table: &'a CodeTable<B>,
    /// What the table is of.
    pub space: &'a SearchSpace<RecurrentOperation>,
    /// What the weights of a step are divided by.
    pub normalization: StepNormalization,
}

impl<B: Backend> CellCode<'_, B> {
    /// Weights of the pairs, `[edges, ops]`: 1 where an operation is on, unless the table says otherwise,
    /// divided as the normalisation says.
    fn weights(&self, device: &B::Device) -> Tensor<B, 2> {
        let weights = self.table.weights.clone().unwrap_or_else(|| {
            let on = self.table.active.iter().flatten();
            let values: Vec<f32> = on.map(|&on| f32::from(u8::from(on))).collect();
            let shape = [self.space.edges(), self.space.ops()];
            Tensor::from_data(TensorData::new(values, shape), device)
        });
        self.normalization.apply(weights, self.space)
    }
}

/// The weights of a recurrent cell, searched or derived: they do not depend on its architecture.
#[derive(Module, Debug)]
pub struct RecurrentCell<B: Backend> {
    /// `[inputs + hidden, 2 * hidden]`, rows of the input first; columns of the gate first.
    pub first: Param<Tensor<B, 2>>,
    /// Of each step, `[hidden, 2 * hidden]`.
    pub steps: Vec<Param<Tensor<B, 2>>>,
    /// One normalisation for all states and moments; the searched cell has it.
    norm: Option<BatchNorm<B>>,
}

/// Bound of the uniform initial weights (DARTS).
pub(super) const BOUND: f32 = 0.04;

impl<B: Backend> RecurrentCell<B> {
    /// A cell without normalisation.
    pub fn new(
        [inputs, hidden]: [usize; 2],
        steps: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let first = init.uniform_within([inputs + hidden, 2 * hidden], BOUND, device);
        let step = |_| init.uniform_within([hidden, 2 * hidden], BOUND, device);
        Self {
            first,
            steps: (0..steps).map(step).collect(),
            norm: None,
        }
    }

    /// The same cell with batch normalisation of its states, or without. Running statistics that are
    /// there stay.
    pub fn in_form(mut self, form: CellForm) -> Self {
        self.norm = match form {
            CellForm::Retrained => None,
            CellForm::Searched => {
                let (hidden, device) = (self.hidden(), self.first.val().device());
                let norm = self.norm.take();
                Some(norm.unwrap_or_else(|| BatchNorm::new(hidden, &device)))
            }
        };
        self
    }

    /// Running mean and (unbiased) variance of the states, each `[hidden]`, where they are normalised.
    pub fn running(&self) -> Option<(Tensor<B, 1>, Tensor<B, 1>)> {
        self.norm.as_ref()?.running()
    }

    /// Units of a state.
    pub fn hidden(&self) -> usize {
        let [_, width] = self.first.val().dims();
        width / 2
    }

    /// The hidden state after one moment, of its input and of the state before, with running statistics.
    pub(super) fn describe(
        &self,
        graph: &mut GraphBuilder,
        [input, hidden]: [Value; 2],
        code: CellCode<'_, B>,
    ) -> Value {
        let weights = code.weights(&self.first.val().device()).into_data();
        let weights: Vec<f64> = weights.iter::<f64>().collect();
        let weight = |[edge, op]: [usize; 2]| weights[edge * code.space.ops() + op];
        let read = graph.joined(&[input, hidden]);
        let product = graph.linear(read, self.first.id, None, Rows::Inputs);
        let first = describe_gate(graph, hidden, product, GateActivation::Tanh);
        let mut states = vec![self.describe_norm(graph, first)];
        let plan = plan(&code.table.active, code.space, ForwardMode::SCORE);
        for (step, matrix) in plan.iter().zip(&self.steps) {
            let products: Vec<Value> = step
                .read
                .iter()
                .map(|&state| graph.linear(states[state], matrix.id, None, Rows::Inputs))
                .collect();
            let terms = step.terms.iter().filter(|term| term.on).map(|term| {
                let state = states[step.read[term.state]];
                let output = describe_gate(graph, state, products[term.state], term.activation);
                graph.scaled(output, weight(term.entry))
            });
            let terms: Vec<Value> = terms.collect();
            let state = graph.sum(&terms);
            states.push(self.describe_norm(graph, state));
        }
        let sum = graph.sum(&states[1..]);
        graph.scaled(sum, 1.0 / self.steps.len() as f64)
    }

    fn describe_norm(&self, graph: &mut GraphBuilder, state: Value) -> Value {
        match &self.norm {
            Some(norm) => norm.describe(graph, state),
            None => state,
        }
    }
}

/// A state that goes some way to the candidate, as far as the gate is open; both are halves of a product.
fn describe_gate(
    graph: &mut GraphBuilder,
    state: Value,
    product: Value,
    activation: GateActivation,
) -> Value {
    let [gate, candidate] = graph.parts(product);
    let gate = graph.apply(Function::Sigmoid, &[gate]);
    let candidate = match activation {
        GateActivation::Tanh => graph.apply(Function::Tanh, &[candidate]),
        GateActivation::Relu => graph.rectified(candidate),
        GateActivation::Sigmoid => graph.apply(Function::Sigmoid, &[candidate]),
        GateActivation::Identity => candidate,
    };
    let way = graph.apply(Function::Difference, &[candidate, state]);
    let step = graph.apply(Function::Product, &[gate, way]);
    graph.apply(Function::Sum, &[state, step])
}

impl<B: UnrollBackend> RecurrentCell<B> {
    /// Runs the cell as `code` describes it, over all moments of its inputs.
    ///
    /// # Shapes
    ///
    /// - inputs: `[time, batch, inputs]`
    /// - hidden: the state before, `[batch, hidden]`
    ///
    /// # Panics
    ///
    /// If the shapes do not fit each other, or the space has another number of steps than the cell.
    pub fn forward(
        &self,
        inputs: Tensor<B, 3>,
        hidden: Tensor<B, 2>,
        code: CellCode<'_, B>,
        masks: &CellMasks<B>,
        mode: ForwardMode,
    ) -> Unrolled<B> {
        let [time, batch, width] = inputs.dims();
        let size = self.hidden();
        assert!(
            hidden.dims() == [batch, size],
            "a cell of {size} units on {batch} rows needs hidden states [{batch}, {size}], got {:?}",
            hidden.dims()
        );
        assert!(
            self.steps.len() == code.space.nodes,
            "a cell of {} steps cannot run as one of {}",
            self.steps.len(),
            code.space.nodes
        );
        let inputs = match &masks.inputs {
            Some(mask) => inputs * mask.clone().unsqueeze(),
            None => inputs,
        };
        let first = self.first.val();
        // Of all moments at once: no state has a part in them.
        let products = inputs.reshape([time * batch, width]);
        let products = kernels::matrix_product(products, first.clone().narrow(0, 0, width), None);
        let inputs = UnrollInputs {
            inputs: products.reshape([time, batch, 2 * size]),
            weights: code.weights(&hidden.device()),
            hidden,
            first: first.narrow(0, width, size),
            steps: Tensor::stack(self.steps.iter().map(Param::val).collect(), 0),
        };
        let settings = UnrollSettings {
            plan: plan(&code.table.active, code.space, mode),
            mask: masks.states.clone(),
            norm: self.state_norm(mode.statistics),
        };
        let out = B::unroll(inputs, settings);
        if let (Some(norm), Statistics::Update { momentum }) = (&self.norm, mode.statistics) {
            norm.update_by_all(&out.statistics, momentum, batch);
        }
        out
    }

    fn state_norm(&self, statistics: Statistics) -> StateNorm<B> {
        let Some(norm) = &self.norm else {
            return StateNorm::None;
        };
        let eps = BatchNorm::<B>::EPSILON;
        match (statistics, norm.running()) {
            (Statistics::Running, Some((mean, variance))) => {
                let scale = (variance + eps).sqrt().recip();
                let shift = -mean * scale.clone();
                StateNorm::Fixed {
                    scale: scale.unsqueeze(),
                    shift: shift.unsqueeze(),
                }
            }
            _ => StateNorm::Batch { eps },
        }
    }
}
