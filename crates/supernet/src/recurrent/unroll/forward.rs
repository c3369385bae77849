use burn::tensor::{Tensor, backend::Backend};

use super::{StateNorm, UnrollInputs, UnrollSettings, Unrolled};
use crate::kernels::{self, GateActivation, GateTerm, KernelBackend};

/// The one term of the first state, which mixes the hidden state before with its candidate.
pub(super) const FIRST: GateTerm = GateTerm {
    state: 0,
    activation: GateActivation::Tanh,
    entry: [0, 0],
    on: true,
};

/// The weight of [`FIRST`].
pub(super) fn one<B: Backend>(device: &B::Device) -> Tensor<B, 2> {
    Tensor::ones([1, 1], device)
}

/// What the gradient needs of one moment.
#[derive(Debug, Clone)]
pub(super) struct Moment<B: Backend> {
    /// The hidden state before, as it is and as it is multiplied, `[batch, hidden]`.
    pub(super) previous: [Tensor<B, 2>; 2],
    /// Its products and those of the input together, `[1, batch, 2 * hidden]`.
    pub(super) first: Tensor<B, 3>,
    /// All states, `[batch, hidden]` each.
    pub(super) states: Vec<Tensor<B, 2>>,
    /// The same as they are multiplied.
    pub(super) masked: Vec<Tensor<B, 2>>,
    /// The variance `[hidden]` of each before it was normalised, where that is over the batch.
    pub(super) variances: Vec<Option<Tensor<B, 1>>>,
    /// The products of each step, `[states read, batch, 2 * hidden]`.
    pub(super) products: Vec<Option<Tensor<B, 3>>>,
}

/// Runs the cell; `visit` is given each moment, in their order.
pub(super) fn forward<B: KernelBackend>(
    inputs: &UnrollInputs<B>,
    settings: &UnrollSettings<B>,
    mut visit: impl FnMut(Moment<B>),
) -> Unrolled<B> {
    let [time, batch, width] = inputs.inputs.dims();
    let cell = Cell {
        one: one(&inputs.hidden.device()),
        matrices: matrices(&inputs.steps),
        inputs,
        settings,
    };
    let (mut outputs, mut statistics) = (Vec::with_capacity(time), Vec::new());
    let (mut previous, mut states) = (inputs.hidden.clone(), Vec::new());
    for index in 0..time {
        let input = inputs.inputs.clone().narrow(0, index, 1);
        let moment = cell.moment(previous, input.reshape([batch, width]), &mut statistics);
        let steps = moment.states[1..].iter().cloned();
        let sum = steps.reduce(|sum, state| sum + state);
        let mean = sum.map(|sum| sum / settings.plan.len() as f32);
        // A cell without steps hands its first state on.
        previous = mean.unwrap_or_else(|| moment.states[0].clone());
        outputs.push(previous.clone());
        if index + 1 == time {
            states = moment.states.iter().cloned().map(Tensor::detach).collect();
        }
        visit(moment);
    }
    Unrolled {
        hidden: Tensor::stack(outputs, 0),
        states,
        statistics,
    }
}

/// Each step's matrix, `[hidden, 2 * hidden]`.
pub(super) fn matrices<B: Backend>(steps: &Tensor<B, 3>) -> Vec<Tensor<B, 2>> {
    let [count, rows, columns] = steps.dims();
    let matrix = |step| steps.clone().narrow(0, step, 1).reshape([rows, columns]);
    (0..count).map(matrix).collect()
}

/// The states of these numbers on top of each other, `[states, batch, hidden]`.
pub(super) fn stacked<B: Backend>(states: &[Tensor<B, 2>], read: &[usize]) -> Tensor<B, 3> {
    Tensor::stack(read.iter().map(|&state| states[state].clone()).collect(), 0)
}

struct Cell<'a, B: Backend> {
    one: Tensor<B, 2>,
    matrices: Vec<Tensor<B, 2>>,
    inputs: &'a UnrollInputs<B>,
    settings: &'a UnrollSettings<B>,
}

impl<B: KernelBackend> Cell<'_, B> {
    fn masked(&self, state: Tensor<B, 2>) -> Tensor<B, 2> {
        match &self.settings.mask {
            Some(mask) => state * mask.clone(),
            None => state,
        }
    }

    fn moment(
        &self,
        previous: Tensor<B, 2>,
        input: Tensor<B, 2>,
        statistics: &mut Vec<[Tensor<B, 1>; 2]>,
    ) -> Moment<B> {
        let [batch, width] = input.dims();
        let hidden = width / 2;
        let factor = self.masked(previous.clone());
        let matrix = self.inputs.first.clone();
        let sum = input + kernels::matrix_product(factor.clone(), matrix, None);
        let first = sum.reshape([1, batch, width]);
        let before = previous.clone().reshape([1, batch, hidden]);
        let state = kernels::gated_mix(before, first.clone(), self.one.clone(), &[FIRST]);
        let steps = self.settings.plan.len();
        let mut moment = Moment {
            previous: [previous, factor],
            first,
            states: Vec::with_capacity(steps + 1),
            masked: Vec::with_capacity(steps + 1),
            variances: Vec::with_capacity(steps + 1),
            products: Vec::with_capacity(steps),
        };
        self.push(&mut moment, state, statistics);
        for (plan, matrix) in self.settings.plan.iter().zip(&self.matrices) {
            let count = plan.read.len();
            let (state, products) = if count == 0 {
                let nothing = Tensor::zeros([batch, hidden], &matrix.device());
                (nothing, None)
            } else {
                let factors = stacked(&moment.masked, &plan.read);
                let products = factors.clone().reshape([count * batch, hidden]);
                let products = kernels::matrix_product(products, matrix.clone(), None);
                let products = products.reshape([count, batch, width]);
                let states = match self.settings.mask {
                    Some(_) => stacked(&moment.states, &plan.read),
                    None => factors,
                };
                let weights = self.inputs.weights.clone();
                let state = kernels::gated_mix(states, products.clone(), weights, &plan.terms);
                (state, Some(products))
            };
            moment.products.push(products);
            self.push(&mut moment, state, statistics);
        }
        moment
    }

    /// Normalises a state and puts it to the others.
    fn push(
        &self,
        moment: &mut Moment<B>,
        state: Tensor<B, 2>,
        statistics: &mut Vec<[Tensor<B, 1>; 2]>,
    ) {
        let (state, variance) = match &self.settings.norm {
            StateNorm::None => (state, None),
            StateNorm::Fixed { scale, shift } => (state * scale.clone() + shift.clone(), None),
            StateNorm::Batch { eps } => {
                let normalised = kernels::normalise_columns(state, *eps);
                statistics.push([normalised.mean, normalised.variance.clone()]);
                (normalised.output, Some(normalised.variance))
            }
        };
        moment.masked.push(self.masked(state.clone()));
        moment.states.push(state);
        moment.variances.push(variance);
    }
}
