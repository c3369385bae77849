use burn::tensor::{Tensor, activation::softmax, backend::Backend};
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
    let logits = confine(logits);
    match activation {
        Activation::Softmax => softmax(logits, D - 1),
        Activation::Relu => {
            let positive = burn::tensor::activation::relu(logits);
            let sum = positive.clone().sum_dim(D - 1).add_scalar(RELU_EPSILON);
            positive / sum
        }
    }
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
