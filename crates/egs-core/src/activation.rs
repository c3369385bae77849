use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

/// Added to a probability before its logarithm, so that an operation of probability 0 has a
/// finite score. It is far below f32 resolution next to any probability that matters, and it is
/// the value of the published estimator.
pub const LOG_EPSILON: f32 = 1e-10;

/// Added to the sum of the rectified logits, so that an all-negative row divides by something.
pub const RELU_EPSILON: f32 = 1e-7;

/// Logits are confined to `[-LOGIT_LIMIT, LOGIT_LIMIT]`: differences and sums of thousands of
/// such values stay finite in f32.
pub const LOGIT_LIMIT: f32 = 1e30;

/// How probabilities are made from logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `p = softmax(logits)`.
    #[default]
    Softmax,
    /// `p = relu(logits) / (sum relu(logits) + 1e-7)`.
    ///
    /// A row without a positive logit gets probability 0 everywhere. Sampling from it is
    /// sampling uniformly, because every score is `ln(1e-10)`; its gradient is 0.
    Relu,
}

/// Probabilities of the operations, over the last dimension.
///
/// # Shapes
///
/// - logits: `[.., ops]`
/// - output: `[.., ops]`
///
/// # Numerical edges
///
/// NaN counts as the lowest logit, infinities as the lowest and the highest one (`-1e30` and
/// `1e30`); none of them passes a gradient. The result is finite for every input.
pub fn probabilities<B: Backend, const D: usize>(
    logits: Tensor<B, D>,
    activation: Activation,
) -> Tensor<B, D> {
    let dims = logits.dims();
    let rows = in_rows(confine(logits));
    let unscaled = match activation {
        Activation::Softmax => (rows.clone() - rows.detach().max_dim(1)).exp(),
        Activation::Relu => burn::tensor::activation::relu(rows),
    };
    let sum = unscaled.clone().sum_dim(1);
    let sum = match activation {
        Activation::Softmax => sum,
        Activation::Relu => sum.add_scalar(RELU_EPSILON),
    };
    (unscaled / sum).reshape(dims)
}

/// `[.., ops]` as `[rows, ops, 1]`: what is last is added up in an order that depends on the width of a
/// processor's vectors, and what is not is added up row by row.
pub(crate) fn in_rows<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, 3> {
    let dims = values.dims();
    let rows = dims[..D - 1].iter().product::<usize>();
    values.reshape([rows, dims[D - 1], 1])
}

/// Replaces NaN by the lowest and infinities by the extreme finite values.
///
/// # Shapes
///
/// - values, output: any, the same
pub(crate) fn confine<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, D> {
    let nan = values.clone().is_nan();
    values
        .mask_fill(nan, -LOGIT_LIMIT)
        .clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
}
