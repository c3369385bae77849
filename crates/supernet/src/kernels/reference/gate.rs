//! The gated sum of a recurrent step, and normalisation of its states.

use burn::tensor::{Tensor, activation, backend::Backend, ops::FloatTensor};

use super::{unwrap, wrap};
use crate::kernels::gate::{GateActivation, GateTerm};

/// A state, its gate and its candidate, each `[batch, hidden]`.
fn parts<B: Backend>(
    states: &Tensor<B, 3>,
    products: &Tensor<B, 3>,
    state: usize,
) -> [Tensor<B, 2>; 3] {
    let [_, batch, hidden] = states.dims();
    let product = products.clone().narrow(0, state, 1);
    let half = |from: usize| {
        let half = product.clone().narrow(2, from, hidden);
        half.reshape([batch, hidden])
    };
    let previous = states.clone().narrow(0, state, 1);
    [
        previous.reshape([batch, hidden]),
        activation::sigmoid(half(0)),
        half(hidden),
    ]
}

fn activate<B: Backend>(activation: GateActivation, x: Tensor<B, 2>) -> Tensor<B, 2> {
    match activation {
        GateActivation::Tanh => x.tanh(),
        GateActivation::Relu => activation::relu(x),
        GateActivation::Sigmoid => activation::sigmoid(x),
        GateActivation::Identity => x,
    }
}

/// The derivative of the activation at `x`.
fn slope<B: Backend>(activation: GateActivation, x: Tensor<B, 2>) -> Tensor<B, 2> {
    match activation {
        GateActivation::Tanh => {
            let y = x.tanh();
            -(y.clone() * y) + 1.0
        }
        GateActivation::Relu => x.greater_elem(0.0).float(),
        GateActivation::Sigmoid => {
            let y = activation::sigmoid(x);
            y.clone() * (-y + 1.0)
        }
        GateActivation::Identity => x.ones_like(),
    }
}

fn entry<B: Backend>(weights: &Tensor<B, 2>, [row, column]: [usize; 2]) -> Tensor<B, 2> {
    weights.clone().slice([row..row + 1, column..column + 1])
}

/// One term after the other.
pub fn gated_mix<B: Backend>(
    states: FloatTensor<B>,
    products: FloatTensor<B>,
    weights: FloatTensor<B>,
    terms: &[GateTerm],
) -> FloatTensor<B> {
    let (states, products) = (wrap::<B, 3>(states), wrap::<B, 3>(products));
    let weights = wrap::<B, 2>(weights);
    let [_, batch, hidden] = states.dims();
    let outputs = terms.iter().filter(|term| term.on).map(|term| {
        let [previous, gate, candidate] = parts(&states, &products, term.state);
        let candidate = activate(term.activation, candidate);
        let output = previous.clone() + gate * (candidate - previous);
        output * entry(&weights, term.entry)
    });
    let sum = outputs.reduce(|sum, output| sum + output);
    unwrap(sum.unwrap_or_else(|| Tensor::zeros([batch, hidden], &states.device())))
}

/// One term after the other.
pub fn gated_mix_backward<B: Backend>(
    states: FloatTensor<B>,
    products: FloatTensor<B>,
    weights: FloatTensor<B>,
    terms: &[GateTerm],
    dy: FloatTensor<B>,
    need_weights: bool,
) -> ([FloatTensor<B>; 2], Option<FloatTensor<B>>) {
    let dweights = need_weights.then(|| {
        gated_mix_weights::<B>(
            states.clone(),
            products.clone(),
            weights.clone(),
            terms,
            dy.clone(),
        )
    });
    let (states, products) = (wrap::<B, 3>(states), wrap::<B, 3>(products));
    let (weights, dy) = (wrap::<B, 2>(weights), wrap::<B, 2>(dy));
    let [count, batch, hidden] = states.dims();
    let zeros = || Tensor::<B, 2>::zeros([batch, hidden], &states.device());
    let mut gradients = vec![[zeros(), zeros(), zeros()]; count];
    for term in terms.iter().filter(|term| term.on) {
        let [previous, gate, candidate] = parts(&states, &products, term.state);
        let difference = activate(term.activation, candidate.clone()) - previous;
        let dy = dy.clone() * entry(&weights, term.entry);
        let closed = -gate.clone() + 1.0;
        let own = [
            dy.clone() * closed.clone(),
            dy.clone() * difference * gate.clone() * closed,
            dy * gate * slope(term.activation, candidate),
        ];
        for (sum, own) in gradients[term.state].iter_mut().zip(own) {
            *sum = sum.clone() + own;
        }
    }
    let column = |index: usize| {
        let states = gradients.iter().map(|state| state[index].clone());
        Tensor::stack::<3>(states.collect(), 0)
    };
    let products = Tensor::cat(vec![column(1), column(2)], 2);
    ([unwrap(column(0)), unwrap(products)], dweights)
}

/// One term after the other.
pub fn gated_mix_weights<B: Backend>(
    states: FloatTensor<B>,
    products: FloatTensor<B>,
    weights: FloatTensor<B>,
    terms: &[GateTerm],
    dy: FloatTensor<B>,
) -> FloatTensor<B> {
    let (states, products) = (wrap::<B, 3>(states), wrap::<B, 3>(products));
    let (mut dweights, dy) = (wrap::<B, 2>(weights).zeros_like(), wrap::<B, 2>(dy));
    for term in terms {
        let [previous, gate, candidate] = parts(&states, &products, term.state);
        let candidate = activate(term.activation, candidate);
        let output = previous.clone() + gate * (candidate - previous);
        let product = (output * dy.clone()).sum().reshape([1, 1]);
        let [row, column] = term.entry;
        dweights = dweights.slice_assign([row..row + 1, column..column + 1], product);
    }
    unwrap(dweights)
}

/// Two passes over the rows, as of [`batch_norm`](super::batch_norm).
pub fn normalise_columns<B: Backend>(
    x: FloatTensor<B>,
    eps: f64,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let x = wrap::<B, 2>(x);
    let [_, columns] = x.dims();
    let mean = x.clone().mean_dim(0);
    let centred = x - mean.clone();
    let variance = (centred.clone() * centred.clone()).mean_dim(0);
    let output = centred / (variance.clone() + eps).sqrt();
    (
        unwrap(output),
        unwrap(mean.reshape([columns])),
        unwrap(variance.reshape([columns])),
    )
}

/// `dx = (dy - mean(dy) - y * mean(dy * y)) / sqrt(variance + eps)`.
pub fn normalise_columns_backward<B: Backend>(
    y: FloatTensor<B>,
    variance: FloatTensor<B>,
    dy: FloatTensor<B>,
    eps: f64,
) -> FloatTensor<B> {
    let (y, dy) = (wrap::<B, 2>(y), wrap::<B, 2>(dy));
    let deviation = (wrap::<B, 1>(variance) + eps).sqrt().unsqueeze::<2>();
    let product = (dy.clone() * y.clone()).mean_dim(0);
    unwrap((dy.clone() - dy.mean_dim(0) - y * product) / deviation)
}
