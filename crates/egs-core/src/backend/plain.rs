//! The operation as composed tensor operations, forward and hand-written backward.

use burn::tensor::{
    DType, Int, Tensor,
    activation::{relu, softmax},
    backend::Backend,
};

use super::{Forward, Spec};
use crate::{
    Activation, Noise, Normalization,
    activation::{LOG_EPSILON, LOGIT_LIMIT, RELU_EPSILON, confine},
    normalization::SUM_EPSILON,
    probabilities,
};

/// Scores `ln(p + eps) + g`, `[rows, draws, ops]`.
fn scores<B: Backend>(probabilities: Tensor<B, 2>, noise: Noise<B>, draws: usize) -> Tensor<B, 3> {
    let [rows, ops] = probabilities.dims();
    let device = probabilities.device();
    let noise = match noise {
        Noise::Philox(key) => {
            let data =
                burn::tensor::TensorData::new(key.gumbel(rows, draws, ops), [rows, draws, ops]);
            Tensor::from_data(data, (&device, DType::F32))
        }
        Noise::Given(noise) => confine(noise),
    };
    probabilities.add_scalar(LOG_EPSILON).log().unsqueeze_dim(1) + noise
}

/// `0, 1, .. count - 1` as floats.
fn range<B: Backend>(count: usize, device: &B::Device) -> Tensor<B, 1> {
    Tensor::<B, 1, Int>::arange(0..count as i64, device)
        .float()
        .cast(DType::F32)
}

pub(crate) fn forward<B: Backend>(logits: Tensor<B, 2>, noise: Noise<B>, spec: Spec) -> Forward<B> {
    let ops = logits.dims()[1];
    let device = logits.device();
    let scores = scores(probabilities(logits, spec.activation), noise, spec.draws);

    // The winner of a draw is the first operation with the highest score.
    let winner = scores.argmax(2);
    let op = Tensor::<B, 1, Int>::arange(0..ops as i64, &device).reshape([1, 1, ops]);
    let picked = winner.equal(op).float().cast(DType::F32);

    // Earlier draws weigh more, so the maximum finds the first one that picked the operation.
    let draws = spec.draws as f32;
    let rank = range::<B>(spec.draws, &device)
        .neg()
        .add_scalar(draws)
        .reshape([1, spec.draws, 1]);
    let best = (picked * rank).max_dim(1).squeeze_dim::<2>(1);
    let code = best.clone().greater_elem(0.0).float().cast(DType::F32);
    let route = best.neg().add_scalar(draws + 1.0) * code.clone() - 1.0;

    Forward {
        weights: spec.normalization.apply(code.clone()),
        code,
        route,
    }
}

pub(crate) fn backward<B: Backend>(
    logits: Tensor<B, 2>,
    noise: Noise<B>,
    route: Tensor<B, 2>,
    upstream: Tensor<B, 2>,
    spec: Spec,
) -> Tensor<B, 2> {
    let device = logits.device();
    let probabilities = probabilities(logits.clone(), spec.activation);
    let upstream = normalization_backward(route.clone(), upstream, spec.normalization);

    // An operation that no draw picked is tied at 0 in all of them: the first one takes it.
    let draw = range::<B>(spec.draws, &device).reshape([1, spec.draws, 1]);
    let routed = route.clamp_min(0.0).unsqueeze_dim::<3>(1).equal(draw);
    let upstream = upstream.unsqueeze_dim::<3>(1) * routed.float().cast(DType::F32);

    let scores = scores(probabilities.clone(), noise, spec.draws);
    let relaxed = softmax(shifted(scores) / spec.temperature, 2);
    let mean = (upstream.clone() * relaxed.clone()).sum_dim(2);
    let gradient = ((upstream - mean) * relaxed / spec.temperature)
        .sum_dim(1)
        .squeeze_dim::<2>(1);

    activation_backward(logits, probabilities, gradient, spec.activation)
}

/// Scores minus their maximum, so that dividing by a small temperature cannot overflow into NaN.
fn shifted<B: Backend>(scores: Tensor<B, 3>) -> Tensor<B, 3> {
    let highest = scores.clone().max_dim(2);
    scores - highest
}

/// From the gradient of the weights `A / (sum A + eps)` to that of the code `A`.
fn normalization_backward<B: Backend>(
    route: Tensor<B, 2>,
    upstream: Tensor<B, 2>,
    normalization: Normalization,
) -> Tensor<B, 2> {
    match normalization {
        Normalization::None => upstream,
        Normalization::Sum => {
            let code = route.greater_equal_elem(0.0).float().cast(DType::F32);
            let sum = code.clone().sum_dim(1).add_scalar(SUM_EPSILON);
            let mean = (code * upstream.clone()).sum_dim(1) / sum.clone();
            (upstream - mean) / sum
        }
    }
}

/// From the gradient of `ln(p + eps)` to that of the logits.
///
/// Softmax: `p_k (h_k - sum_j p_j h_j)`, relu: `(h_k - sum_j p_j h_j) / (sum relu + eps)`, with
/// `h = gradient / (p + eps)`.
fn activation_backward<B: Backend>(
    logits: Tensor<B, 2>,
    probabilities: Tensor<B, 2>,
    gradient: Tensor<B, 2>,
    activation: Activation,
) -> Tensor<B, 2> {
    let finite = logits
        .clone()
        .abs()
        .lower_equal_elem(LOGIT_LIMIT)
        .float()
        .cast(DType::F32);
    let gradient = gradient / probabilities.clone().add_scalar(LOG_EPSILON);
    let mean = (probabilities.clone() * gradient.clone()).sum_dim(1);
    let centred = gradient - mean;
    finite
        * match activation {
            Activation::Softmax => probabilities * centred,
            Activation::Relu => {
                let positive = relu(confine(logits));
                let passes = positive.clone().greater_elem(0.0).float().cast(DType::F32);
                let sum = positive.sum_dim(1).add_scalar(RELU_EPSILON);
                passes * (centred / sum)
            }
        }
}
