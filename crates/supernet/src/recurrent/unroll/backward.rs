use burn::tensor::{Tensor, backend::Backend};

use super::forward::{FIRST, Moment, matrices, one, stacked};
use super::{StateNorm, UnrollInputs, UnrollSettings};
use crate::kernels::{self, GateTerm, KernelBackend};

/// What the forward pass leaves to the gradient.
#[derive(Debug, Clone)]
pub(super) struct Trace<B: Backend> {
    pub(super) inputs: UnrollInputs<B>,
    pub(super) settings: UnrollSettings<B>,
    pub(super) moments: Vec<Moment<B>>,
}

/// Which of the matrices and weights need a gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    pub(super) first: bool,
    pub(super) steps: bool,
    pub(super) weights: bool,
}

/// Gradients of [`UnrollInputs`], in their shapes; of matrices and weights, those that are needed.
pub(super) struct Gradients<B: Backend> {
    pub(super) inputs: Tensor<B, 3>,
    pub(super) hidden: Tensor<B, 2>,
    pub(super) first: Option<Tensor<B, 2>>,
    pub(super) steps: Option<Tensor<B, 3>>,
    pub(super) weights: Option<Tensor<B, 2>>,
}

/// Gradients from that of the hidden states, `[time, batch, hidden]`.
pub(super) fn backward<B: KernelBackend>(
    trace: Trace<B>,
    dhidden: Tensor<B, 3>,
    needs: Needs,
) -> Gradients<B> {
    let Trace {
        inputs,
        settings,
        mut moments,
    } = trace;
    let [_, batch, hidden] = dhidden.dims();
    let mut reverse = Reverse::new(inputs, settings, [batch, hidden], needs);
    let mut carried = Tensor::zeros([batch, hidden], &dhidden.device());
    while let Some(moment) = moments.pop() {
        let own = dhidden.clone().narrow(0, moments.len(), 1);
        carried = reverse.moment(moment, own.reshape([batch, hidden]) + carried);
    }
    reverse.finish(carried)
}

/// What one step has left to be done for all moments together. Moments come last first, in every list.
struct Later<B: Backend> {
    /// Gradients of the products, `[states read * batch, 2 * hidden]` each.
    products: Vec<Tensor<B, 2>>,
    /// Gradients of the step's state, `[batch, hidden]` each, where terms that are off need them.
    state: Vec<Tensor<B, 2>>,
}

struct Reverse<B: Backend> {
    inputs: UnrollInputs<B>,
    settings: UnrollSettings<B>,
    sizes: [usize; 2],
    needs: Needs,
    one: Tensor<B, 2>,
    matrices: Vec<Tensor<B, 2>>,
    /// The mask for as many states as a step reads, `[states, batch, hidden]`.
    masks: Vec<Tensor<B, 3>>,
    weights: Tensor<B, 2>,
    later: Vec<Later<B>>,
    /// Gradients of the first products, `[batch, 2 * hidden]` each.
    first: Vec<Tensor<B, 2>>,
    /// Of each moment: the hidden state before as it was multiplied, and all states as they are and as
    /// they were multiplied.
    previous: Vec<Tensor<B, 2>>,
    states: Vec<Vec<Tensor<B, 2>>>,
    masked: Vec<Vec<Tensor<B, 2>>>,
}

impl<B: KernelBackend> Reverse<B> {
    fn new(
        inputs: UnrollInputs<B>,
        settings: UnrollSettings<B>,
        [batch, hidden]: [usize; 2],
        needs: Needs,
    ) -> Self {
        let later = |_| Later {
            products: Vec::new(),
            state: Vec::new(),
        };
        let masks = settings.mask.iter().flat_map(|mask| {
            let mask = mask.clone().reshape([1, batch, hidden]);
            (1..=settings.plan.len()).map(move |count| mask.clone().repeat_dim(0, count))
        });
        Self {
            one: one(&inputs.hidden.device()),
            matrices: matrices(&inputs.steps),
            masks: masks.collect(),
            weights: inputs.weights.zeros_like(),
            later: settings.plan.iter().map(later).collect(),
            first: Vec::new(),
            previous: Vec::new(),
            states: Vec::new(),
            masked: Vec::new(),
            sizes: [batch, hidden],
            inputs,
            settings,
            needs,
        }
    }

    /// The gradient that reaches states, `[states, batch, hidden]`, through their products, of the
    /// gradient of those, `[states * batch, 2 * hidden]`.
    fn through(&self, dproducts: Tensor<B, 2>, matrix: &Tensor<B, 2>) -> Tensor<B, 3> {
        let [batch, hidden] = self.sizes;
        let count = dproducts.dims()[0] / batch;
        let dstates = kernels::matrix_product_backward_left(matrix.clone(), dproducts);
        let dstates = dstates.reshape([count, batch, hidden]);
        match self.masks.get(count - 1) {
            Some(mask) => dstates * mask.clone(),
            None => dstates,
        }
    }

    fn through_norm(
        &self,
        dy: Tensor<B, 2>,
        state: &Tensor<B, 2>,
        variance: Option<Tensor<B, 1>>,
    ) -> Tensor<B, 2> {
        match (&self.settings.norm, variance) {
            (StateNorm::Batch { eps }, Some(variance)) => {
                kernels::normalise_columns_backward(state.clone(), variance, dy, *eps)
            }
            (StateNorm::Fixed { scale, .. }, _) => dy * scale.clone(),
            _ => dy,
        }
    }

    /// The gradient of the hidden state before, from that of the hidden state after a moment.
    fn moment(&mut self, mut moment: Moment<B>, dhidden: Tensor<B, 2>) -> Tensor<B, 2> {
        let [batch, hidden] = self.sizes;
        let steps = self.settings.plan.len();
        let share = dhidden / steps as f32;
        let mut dstates: Vec<Option<Tensor<B, 2>>> = vec![None; steps + 1];
        for step in (0..steps).rev() {
            let dstate = sum(share.clone(), dstates[step + 1].take());
            let variance = moment.variances[step + 1].take();
            let dstate = self.through_norm(dstate, &moment.states[step + 1], variance);
            let products = moment.products[step].take();
            let read = self.settings.plan[step].read.clone();
            if let Some(products) = products {
                let states = stacked(&moment.states, &read);
                let dread = self.step(step, states, products, dstate.clone());
                for (place, &state) in read.iter().enumerate() {
                    let part = dread.clone().narrow(0, place, 1).reshape([batch, hidden]);
                    dstates[state] = Some(sum(part, dstates[state].take()));
                }
            }
            if self.measures(step) {
                self.later[step].state.push(dstate);
            }
        }
        let dstate = dstates[0].take();
        let dstate = dstate.unwrap_or_else(|| share.zeros_like());
        let variance = moment.variances[0].take();
        let dstate = self.through_norm(dstate, &moment.states[0], variance);
        let [previous, factor] = moment.previous;
        let ([dprevious, dproduct], _) = kernels::gated_mix_backward(
            previous.reshape([1, batch, hidden]),
            moment.first,
            self.one.clone(),
            &[FIRST],
            dstate,
            false,
        );
        let dproduct = dproduct.reshape([batch, 2 * hidden]);
        let through = self.through(dproduct.clone(), &self.inputs.first);
        self.first.push(dproduct);
        self.previous.push(factor);
        self.states.push(moment.states);
        self.masked.push(moment.masked);
        (dprevious + through).reshape([batch, hidden])
    }

    /// The gradient of the states that a step reads, from that of its own.
    fn step(
        &mut self,
        step: usize,
        states: Tensor<B, 3>,
        products: Tensor<B, 3>,
        dstate: Tensor<B, 2>,
    ) -> Tensor<B, 3> {
        let [count, batch, width] = products.dims();
        let ([dstates, dproducts], weights) = kernels::gated_mix_backward(
            states,
            products,
            self.inputs.weights.clone(),
            &self.settings.plan[step].terms,
            dstate,
            self.needs.weights,
        );
        if let Some(weights) = weights {
            self.add_weights(weights);
        }
        let dproducts = dproducts.reshape([count * batch, width]);
        let through = self.through(dproducts.clone(), &self.matrices[step]);
        if self.needs.steps {
            self.later[step].products.push(dproducts);
        }
        dstates + through
    }

    fn measures(&self, step: usize) -> bool {
        self.needs.weights && !self.settings.plan[step].measured.is_empty()
    }

    fn add_weights(&mut self, own: Tensor<B, 2>) {
        self.weights = self.weights.clone() + own;
    }

    fn finish(mut self, hidden: Tensor<B, 2>) -> Gradients<B> {
        if self.needs.weights {
            self.measure();
        }
        let steps = self.needs.steps.then(|| {
            let steps = 0..self.settings.plan.len();
            Tensor::stack(steps.map(|step| self.matrix_gradient(step)).collect(), 0)
        });
        let first = self.needs.first.then(|| {
            let factors = Tensor::cat(std::mem::take(&mut self.previous), 0);
            let dproducts = Tensor::cat(self.first.clone(), 0);
            kernels::matrix_product_backward_right(factors, dproducts)
        });
        self.first.reverse();
        Gradients {
            inputs: Tensor::stack(self.first, 0),
            hidden,
            first,
            steps,
            weights: self.needs.weights.then_some(self.weights),
        }
    }

    /// The gradient of a step's matrix, `[hidden, 2 * hidden]`.
    fn matrix_gradient(&mut self, step: usize) -> Tensor<B, 2> {
        let dproducts = std::mem::take(&mut self.later[step].products);
        if dproducts.is_empty() {
            return self.matrices[step].zeros_like();
        }
        let read = &self.settings.plan[step].read;
        let factors = self.masked.iter();
        let factors = factors.flat_map(|states| read.iter().map(|&state| states[state].clone()));
        let factors = Tensor::cat(factors.collect(), 0);
        kernels::matrix_product_backward_right(factors, Tensor::cat(dproducts, 0))
    }

    /// Gradients of the weights of states that are no part of a step: the products that the forward pass
    /// had no need of, of all moments at once.
    fn measure(&mut self) {
        for step in 0..self.settings.plan.len() {
            let dstate = std::mem::take(&mut self.later[step].state);
            if dstate.is_empty() {
                continue;
            }
            let dstate = Tensor::cat(dstate, 0);
            for (state, terms) in self.settings.plan[step].measured.clone() {
                let own = self.measured(step, state, &terms, dstate.clone());
                self.add_weights(own);
            }
        }
    }

    fn measured(
        &self,
        step: usize,
        state: usize,
        terms: &[GateTerm],
        dstate: Tensor<B, 2>,
    ) -> Tensor<B, 2> {
        let of_all = |lists: &[Vec<Tensor<B, 2>>]| {
            Tensor::cat(lists.iter().map(|list| list[state].clone()).collect(), 0)
        };
        let matrix = self.matrices[step].clone();
        let products = kernels::matrix_product(of_all(&self.masked), matrix, None);
        let states = of_all(&self.states).unsqueeze();
        let weights = self.inputs.weights.clone();
        let products = products.unsqueeze();
        kernels::gated_mix_weights(states, products, weights, terms, dstate)
    }
}

fn sum<B: Backend>(own: Tensor<B, 2>, others: Option<Tensor<B, 2>>) -> Tensor<B, 2> {
    match others {
        Some(others) => others + own,
        None => own,
    }
}
