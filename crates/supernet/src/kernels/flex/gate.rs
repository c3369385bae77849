//! The gated sum of a recurrent step: one pass over states and products.

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    functions::{sigmoid, tanh},
    lanes::sums_with_product,
    memory::{fill, items_per_task, tensor, values},
};
use crate::kernels::gate::{GateActivation, GateTerm};

/// Arithmetic per value, in multiply-adds: exponentials are a dozen.
const WORK: usize = 32;

/// A number for each activation, in the order of [`GateActivation::ALL`].
type PerActivation<T> = [T; GateActivation::ALL.len()];

/// Sums of a row: of the share that passes the gate by, and of each activation's.
const SUMS: usize = 1 + GateActivation::ALL.len();

/// Weights of the terms that are on, for each state.
fn factors(count: usize, weights: &FlexTensor, terms: &[GateTerm]) -> Vec<PerActivation<f32>> {
    let weights = weights.to_contiguous();
    let [_, ops] = weights.shape().dims();
    let mut factors = vec![[0.0; GateActivation::ALL.len()]; count];
    for term in terms.iter().filter(|term| term.on) {
        let [row, column] = term.entry;
        factors[term.state][term.activation as usize] += values(&weights)[row * ops + column];
    }
    factors
}

pub(super) fn forward(
    states: FlexTensor,
    products: FlexTensor,
    weights: &FlexTensor,
    terms: &[GateTerm],
) -> FlexTensor {
    let (states, products) = (states.to_contiguous(), products.to_contiguous());
    let [count, batch, hidden] = states.shape().dims();
    let factors = factors(count, weights, terms);
    let items = items_per_task(batch, WORK * count * hidden);
    let tasks = batch.div_ceil(items);
    let [out] = fill([batch * hidden], [items * hidden], tasks, |task, [out]| {
        Arch::new().dispatch(Mix {
            states: values(&states),
            products: values(&products),
            factors: &factors,
            batch,
            hidden,
            first: task * items,
            out,
        });
    });
    tensor(out, [batch, hidden])
}

/// Writes the rows of `out`, of which the first has the number `first`.
struct Mix<'a> {
    states: &'a [f32],
    products: &'a [f32],
    factors: &'a [PerActivation<f32>],
    batch: usize,
    hidden: usize,
    first: usize,
    out: &'a mut [f32],
}

impl WithSimd for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let hidden = self.hidden;
        let mut mixed = vec![0.0; hidden];
        for (index, out) in self.out.chunks_exact_mut(hidden).enumerate() {
            for (state, factors) in self.factors.iter().enumerate() {
                let total: f32 = factors.iter().sum();
                let at = state * self.batch + self.first + index;
                let previous = &self.states[at * hidden..][..hidden];
                let (gate, candidate) =
                    self.products[2 * at * hidden..][..2 * hidden].split_at(hidden);
                mix_candidates(&mut mixed, candidate, factors);
                let inputs = gate.iter().zip(previous).zip(&mixed);
                for (out, ((gate, previous), mixed)) in out.iter_mut().zip(inputs) {
                    let kept = total * previous;
                    *out += kept + sigmoid(*gate) * (mixed - kept);
                }
            }
        }
    }
}

/// `mixed = sum over activations of factor * f(candidate)`.
#[inline(always)]
fn mix_candidates(mixed: &mut [f32], candidate: &[f32], factors: &PerActivation<f32>) {
    mixed.fill(0.0);
    for activation in GateActivation::ALL {
        let factor = factors[activation as usize];
        if factor == 0.0 {
            continue;
        }
        match activation {
            GateActivation::Tanh => add_mapped(mixed, candidate, |x| factor * tanh(x)),
            GateActivation::Relu => add_mapped(mixed, candidate, |x| factor * rectify(x)),
            GateActivation::Sigmoid => add_mapped(mixed, candidate, |x| factor * sigmoid(x)),
            GateActivation::Identity => add_mapped(mixed, candidate, |x| factor * x),
        }
    }
}

#[inline(always)]
fn add_mapped(sums: &mut [f32], values: &[f32], map: impl Fn(f32) -> f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += map(*value);
    }
}

/// `max(x, 0)` that keeps what is no number.
#[inline(always)]
fn rectify(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

pub(super) fn backward(
    states: FlexTensor,
    products: FlexTensor,
    weights: &FlexTensor,
    terms: &[GateTerm],
    dy: FlexTensor,
    need_weights: bool,
) -> ([FlexTensor; 2], Option<FlexTensor>) {
    let [count, batch, hidden] = states.shape().dims();
    let sums = if need_weights { SUMS } else { 0 };
    let sizes = [hidden, 2 * hidden, sums];
    let measured = terms.iter().filter(|_| need_weights);
    let factors = factors(count, weights, terms);
    let [dstates, dproducts, sums] = differentiate(states, products, factors, measured, dy, sizes);
    let gradients = [
        tensor(dstates, [count, batch, hidden]),
        tensor(dproducts, [count, batch, 2 * hidden]),
    ];
    let dweights = need_weights.then(|| table(&sums, batch, weights, terms));
    (gradients, dweights)
}

pub(super) fn weight_gradient(
    states: FlexTensor,
    products: FlexTensor,
    weights: &FlexTensor,
    terms: &[GateTerm],
    dy: FlexTensor,
) -> FlexTensor {
    let [count, batch, _] = states.shape().dims();
    let factors = vec![Default::default(); count];
    let sizes = [0, 0, SUMS];
    let [.., sums] = differentiate(states, products, factors, terms.iter(), dy, sizes);
    table(&sums, batch, weights, terms)
}

/// Gradients of states and of products and the sums of each row, in rows of `sizes` values; what has
/// size 0 is left out.
fn differentiate<'a>(
    states: FlexTensor,
    products: FlexTensor,
    factors: Vec<PerActivation<f32>>,
    terms: impl Iterator<Item = &'a GateTerm>,
    dy: FlexTensor,
    sizes: [usize; 3],
) -> [Vec<f32>; 3] {
    let (states, products) = (states.to_contiguous(), products.to_contiguous());
    let dy = dy.to_contiguous();
    let [count, batch, hidden] = states.shape().dims();
    let mut measured: Vec<PerActivation<bool>> = vec![Default::default(); count];
    for term in terms {
        measured[term.state][term.activation as usize] = true;
    }
    let rows = count * batch;
    let items = items_per_task(rows, 2 * WORK * hidden);
    fill(
        sizes.map(|size| rows * size),
        sizes.map(|size| items * size),
        rows.div_ceil(items),
        |task, [dstates, dproducts, sums]| {
            Arch::new().dispatch(Differentiate {
                states: values(&states),
                products: values(&products),
                dy: values(&dy),
                factors: &factors,
                measured: &measured,
                batch,
                hidden,
                rows: task * items..rows.min((task + 1) * items),
                dstates,
                dproducts,
                sums,
            });
        },
    )
}

/// The table of the sums over rows that belong to each term.
fn table(sums: &[f32], batch: usize, weights: &FlexTensor, terms: &[GateTerm]) -> FlexTensor {
    let [edges, ops] = weights.shape().dims();
    let mut table = vec![0.0; edges * ops];
    for term in terms {
        let rows = sums[term.state * batch * SUMS..][..batch * SUMS].chunks_exact(SUMS);
        let row = |row: &[f32]| f64::from(row[0]) + f64::from(row[1 + term.activation as usize]);
        let [edge, op] = term.entry;
        table[edge * ops + op] = rows.map(row).sum::<f64>() as f32;
    }
    tensor(table, [edges, ops])
}

/// Gradients of the rows of all states; what is not needed is empty.
struct Differentiate<'a> {
    states: &'a [f32],
    products: &'a [f32],
    dy: &'a [f32],
    factors: &'a [PerActivation<f32>],
    measured: &'a [PerActivation<bool>],
    batch: usize,
    hidden: usize,
    rows: core::ops::Range<usize>,
    dstates: &'a mut [f32],
    dproducts: &'a mut [f32],
    sums: &'a mut [f32],
}

/// Room for a row of each.
struct Scratch {
    gate: Vec<f32>,
    /// `dy * gate`
    through: Vec<f32>,
    /// `dy * (1 - gate)`
    past: Vec<f32>,
    /// Weighted sum of the activated candidates, and of the slopes there.
    mixed: Vec<f32>,
    slopes: Vec<f32>,
    /// One activation's candidates.
    activated: Vec<f32>,
}

impl Scratch {
    fn new(hidden: usize) -> Self {
        let row = || vec![0.0; hidden];
        Self {
            gate: row(),
            through: row(),
            past: row(),
            mixed: row(),
            slopes: row(),
            activated: row(),
        }
    }

    /// Opens the gates of a row for its gradient.
    #[inline(always)]
    fn open(&mut self, gate: &[f32], dy: &[f32]) {
        let outputs = self.gate.iter_mut().zip(&mut self.through);
        let outputs = outputs.zip(&mut self.past);
        for (((open, through), past), (gate, dy)) in outputs.zip(gate.iter().zip(dy)) {
            *open = sigmoid(*gate);
            *through = dy * *open;
            *past = dy - *through;
        }
    }

    /// Adds an activation with its factor, `map` giving its value and its slope.
    #[inline(always)]
    fn add(&mut self, candidate: &[f32], factor: f32, map: impl Fn(f32) -> [f32; 2]) {
        let outputs = self.mixed.iter_mut().zip(&mut self.slopes);
        let outputs = outputs.zip(&mut self.activated);
        for (((mixed, slope), activated), candidate) in outputs.zip(candidate) {
            let [value, own] = map(*candidate);
            *mixed += factor * value;
            *slope += factor * own;
            *activated = value;
        }
    }
}

impl WithSimd for Differentiate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (hidden, first) = (self.hidden, self.rows.start);
        let mut scratch = Scratch::new(hidden);
        for at in self.rows {
            let (state, row) = (at / self.batch, at % self.batch);
            let (factors, measured) = (&self.factors[state], &self.measured[state]);
            let previous = &self.states[at * hidden..][..hidden];
            let (gate, candidate) = self.products[2 * at * hidden..][..2 * hidden].split_at(hidden);
            scratch.open(gate, &self.dy[row * hidden..][..hidden]);
            scratch.mixed.fill(0.0);
            scratch.slopes.fill(0.0);
            let sums = self
                .sums
                .get_mut((at - first) * SUMS..(at - first + 1) * SUMS);
            let mut sums = sums.unwrap_or_default().iter_mut();
            if let Some(sum) = sums.next() {
                *sum = sums_with_product(simd, &scratch.past, previous)[1];
            }
            for activation in GateActivation::ALL {
                let factor = factors[activation as usize];
                let sum = sums.next().filter(|_| measured[activation as usize]);
                if factor == 0.0 && sum.is_none() {
                    continue;
                }
                match activation {
                    GateActivation::Tanh => scratch.add(candidate, factor, |x| {
                        let y = tanh(x);
                        [y, 1.0 - y * y]
                    }),
                    GateActivation::Relu => scratch.add(candidate, factor, |x| {
                        [rectify(x), if x > 0.0 { 1.0 } else { 0.0 }]
                    }),
                    GateActivation::Sigmoid => scratch.add(candidate, factor, |x| {
                        let y = sigmoid(x);
                        [y, y * (1.0 - y)]
                    }),
                    GateActivation::Identity => scratch.add(candidate, factor, |x| [x, 1.0]),
                }
                if let Some(sum) = sum {
                    *sum = sums_with_product(simd, &scratch.through, &scratch.activated)[1];
                }
            }
            if self.dstates.is_empty() {
                continue;
            }
            let dstate = &mut self.dstates[(at - first) * hidden..][..hidden];
            let total: f32 = factors.iter().sum();
            for (dstate, past) in dstate.iter_mut().zip(&scratch.past) {
                *dstate = total * past;
            }
            let dproduct = &mut self.dproducts[2 * (at - first) * hidden..][..2 * hidden];
            let (dgate, dcandidate) = dproduct.split_at_mut(hidden);
            let inputs = scratch.gate.iter().zip(&scratch.through);
            let inputs = inputs.zip(scratch.mixed.iter().zip(previous));
            for (dgate, ((gate, through), (mixed, previous))) in dgate.iter_mut().zip(inputs) {
                *dgate = through * (1.0 - gate) * (mixed - total * previous);
            }
            let inputs = scratch.through.iter().zip(&scratch.slopes);
            for (dcandidate, (through, slope)) in dcandidate.iter_mut().zip(inputs) {
                *dcandidate = through * slope;
            }
        }
    }
}
