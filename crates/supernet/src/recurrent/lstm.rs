use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation::sigmoid, backend::Backend};

use super::{CellMasks, HiddenState};
use crate::graph::{Function, GraphBuilder, Rows, Value};
use crate::kernels::{self, KernelBackend};
use crate::layers::WeightInit;

/// A long short-term memory (Hochreiter and Schmidhuber 1997) of as many units as its inputs have, with
/// the interface of a derived cell: the baseline.
#[derive(Module, Debug)]
pub struct LstmCell<B: Backend> {
    /// `[2 * hidden, 4 * hidden]`, rows of the input first; columns of the input gate, the forget gate,
    /// the candidate and the output gate.
    pub weight: Param<Tensor<B, 2>>,
    /// `[4 * hidden]`
    pub bias: Param<Tensor<B, 1>>,
}

/// Number of weights of a cell.
pub(super) const fn lstm_weights(hidden: usize) -> usize {
    2 * hidden * 4 * hidden + 4 * hidden
}

impl<B: Backend> LstmCell<B> {
    /// Weights and biases uniform within `1/sqrt(hidden)`, PyTorch's default.
    pub fn new(hidden: usize, init: &mut WeightInit, device: &B::Device) -> Self {
        Self {
            weight: init.uniform([2 * hidden, 4 * hidden], hidden, device),
            bias: init.uniform([4 * hidden], hidden, device),
        }
    }

    /// Hidden state and memory after one moment, of its input and of both before.
    pub(super) fn describe(
        &self,
        graph: &mut GraphBuilder,
        input: Value,
        [hidden, memory]: [Value; 2],
    ) -> [Value; 2] {
        let read = graph.joined(&[input, hidden]);
        let all = graph.linear(read, self.weight.id, Some(self.bias.id), Rows::Inputs);
        let [enter, keep, candidate, leave] = graph.parts(all);
        let [enter, keep, leave] =
            [enter, keep, leave].map(|gate| graph.apply(Function::Sigmoid, &[gate]));
        let candidate = graph.apply(Function::Tanh, &[candidate]);
        let new = graph.apply(Function::Product, &[enter, candidate]);
        let kept = graph.apply(Function::Product, &[keep, memory]);
        let memory = graph.apply(Function::Sum, &[kept, new]);
        let shown = graph.apply(Function::Tanh, &[memory]);
        [graph.apply(Function::Product, &[leave, shown]), memory]
    }
}

impl<B: KernelBackend> LstmCell<B> {
    /// Runs the cell over all moments of its inputs; also returns its memory after the last.
    ///
    /// # Shapes
    ///
    /// - inputs and hidden states: `[time, batch, hidden]`
    /// - state and memory: `[batch, hidden]`
    pub fn forward(
        &self,
        inputs: Tensor<B, 3>,
        state: HiddenState<B>,
        masks: &CellMasks<B>,
    ) -> (Tensor<B, 3>, Tensor<B, 2>) {
        let [time, batch, units] = inputs.dims();
        let inputs = match &masks.inputs {
            Some(mask) => inputs * mask.clone().unsqueeze(),
            None => inputs,
        };
        let weight = self.weight.val();
        // Of all moments at once: no state has a part in them.
        let products = inputs.reshape([time * batch, units]);
        let of_inputs = weight.clone().narrow(0, 0, units);
        let products = kernels::matrix_product(products, of_inputs, Some(self.bias.val()));
        let recurrent = weight.narrow(0, units, units);
        let mut hidden = state.hidden;
        let mut memory = state.memory.unwrap_or_else(|| hidden.zeros_like());
        let mut outputs = Vec::with_capacity(time);
        for moment in 0..time {
            let factor = match &masks.states {
                Some(mask) => hidden * mask.clone(),
                None => hidden,
            };
            let own = products.clone().narrow(0, moment * batch, batch);
            let all = own + kernels::matrix_product(factor, recurrent.clone(), None);
            let part = |index| all.clone().narrow(1, index * units, units);
            let new = sigmoid(part(0)) * part(2).tanh();
            memory = sigmoid(part(1)) * memory + new;
            hidden = sigmoid(part(3)) * memory.clone().tanh();
            outputs.push(hidden.clone());
        }
        (Tensor::stack(outputs, 0), memory)
    }
}
