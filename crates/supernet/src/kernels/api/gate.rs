//! The gated sum of a recurrent cell's step, and normalisation of its states.

use burn::tensor::Tensor;

use super::{primitive, tensor};
use crate::kernels::{GateTerm, KernelBackend};

/// What [`normalise_columns`] computes.
#[derive(Debug, Clone)]
pub struct NormalisedColumns<B: KernelBackend> {
    /// The normalised input `[rows, columns]`.
    pub output: Tensor<B, 2>,
    /// Mean `[columns]` of the input; carries no gradient.
    pub mean: Tensor<B, 1>,
    /// Biased variance `[columns]` of the input; carries no gradient.
    pub variance: Tensor<B, 1>,
}

/// The sum over the terms that are on of `weight * (s + sigmoid(c) * (f(h) - s))`, where `s` is the
/// term's state, `c` and `h` are the first and the second half of its state's products, and `f` is its
/// activation.
///
/// # Shapes
///
/// - states: `[states, batch, hidden]`
/// - products: `[states, batch, 2 * hidden]`
/// - weights: `[edges, ops]`
/// - output: `[batch, hidden]`
///
/// # Panics
///
/// If the shapes do not fit each other, or a term names a state or a weight that is not there.
pub fn gated_mix<B: KernelBackend>(
    states: Tensor<B, 3>,
    products: Tensor<B, 3>,
    weights: Tensor<B, 2>,
    terms: &[GateTerm],
) -> Tensor<B, 2> {
    check(&states, &products, &weights, terms);
    tensor(B::gated_mix(
        primitive(states),
        primitive(products),
        primitive(weights),
        terms,
    ))
}

/// Gradients of the states and the products of [`gated_mix`] from that of its output,
/// `[batch, hidden]`, and of the weights of all terms if `need_weights`. Shapes are those of the inputs.
///
/// # Panics
///
/// As [`gated_mix`].
pub fn gated_mix_backward<B: KernelBackend>(
    states: Tensor<B, 3>,
    products: Tensor<B, 3>,
    weights: Tensor<B, 2>,
    terms: &[GateTerm],
    dy: Tensor<B, 2>,
    need_weights: bool,
) -> ([Tensor<B, 3>; 2], Option<Tensor<B, 2>>) {
    check(&states, &products, &weights, terms);
    let (states, weights) = B::gated_mix_backward(
        primitive(states),
        primitive(products),
        primitive(weights),
        terms,
        primitive(dy),
        need_weights,
    );
    (states.map(tensor), weights.map(tensor))
}

/// Gradient of the weights of [`gated_mix`] alone, `[edges, ops]`: of all terms, whether they are on or
/// not.
///
/// # Panics
///
/// As [`gated_mix`].
pub fn gated_mix_weights<B: KernelBackend>(
    states: Tensor<B, 3>,
    products: Tensor<B, 3>,
    weights: Tensor<B, 2>,
    terms: &[GateTerm],
    dy: Tensor<B, 2>,
) -> Tensor<B, 2> {
    check(&states, &products, &weights, terms);
    tensor(B::gated_mix_weights(
        primitive(states),
        primitive(products),
        primitive(weights),
        terms,
        primitive(dy),
    ))
}

fn check<B: KernelBackend>(
    states: &Tensor<B, 3>,
    products: &Tensor<B, 3>,
    weights: &Tensor<B, 2>,
    terms: &[GateTerm],
) {
    let [count, batch, hidden] = states.dims();
    assert!(
        products.dims() == [count, batch, 2 * hidden],
        "states {:?} need products [{count}, {batch}, {}], got {:?}",
        states.dims(),
        2 * hidden,
        products.dims()
    );
    let [edges, ops] = weights.dims();
    for term in terms {
        assert!(
            term.state < count && term.entry[0] < edges && term.entry[1] < ops,
            "{term:?} lies outside {count} states or a table of [{edges}, {ops}]"
        );
    }
}

/// Batch normalisation of each column without affine parameters:
/// `(x - mean) / sqrt(variance + eps)`.
///
/// # Shapes
///
/// - x and output: `[rows, columns]`
///
/// # Panics
///
/// If there is no row.
pub fn normalise_columns<B: KernelBackend>(x: Tensor<B, 2>, eps: f64) -> NormalisedColumns<B> {
    let [rows, _] = x.dims();
    assert!(rows > 0, "statistics of columns need at least one row");
    let (output, mean, variance) = B::normalise_columns(primitive(x), eps);
    NormalisedColumns {
        output: tensor(output),
        mean: tensor(mean),
        variance: tensor(variance),
    }
}

/// Gradient `dx` of the output of [`normalise_columns`], from that output `y`, the variance and `dy`.
///
/// # Shapes
///
/// - y, dy and dx: `[rows, columns]`
/// - variance: `[columns]`
pub fn normalise_columns_backward<B: KernelBackend>(
    y: Tensor<B, 2>,
    variance: Tensor<B, 1>,
    dy: Tensor<B, 2>,
    eps: f64,
) -> Tensor<B, 2> {
    tensor(B::normalise_columns_backward(
        primitive(y),
        primitive(variance),
        primitive(dy),
        eps,
    ))
}
