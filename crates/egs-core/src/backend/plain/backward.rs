use burn::tensor::{DType, Tensor, activation::relu, backend::Backend};

use super::{draw_index, relax, scores, upload, winners};
use crate::{
    Activation, Gradient, Noise, NoiseKey, Normalization,
    activation::{LOG_EPSILON, LOGIT_LIMIT, RELU_EPSILON, confine, sum_ops},
    backend::Spec,
    normalization::SUM_EPSILON,
    probabilities,
};

/// See [`EgsBackend::egs_backward`](crate::EgsBackend::egs_backward).
pub(crate) fn backward<B: Backend>(
    logits: Tensor<B, 2>,
    noise: Noise<B>,
    route: Tensor<B, 2>,
    upstream: Tensor<B, 2>,
    spec: Spec,
) -> Tensor<B, 2> {
    let probabilities = probabilities(logits.clone(), spec.activation);
    let upstream = normalization_backward(route.clone(), upstream, spec.normalization);
    let to_probabilities = match spec.gradient {
        Gradient::Marginal => upstream * inclusion_slope(probabilities.clone(), spec.draws),
        gradient => {
            let scores = scores(probabilities.clone(), noise.clone(), spec.draws);
            let to_scores = match (gradient, noise) {
                (Gradient::GumbelRao { resamples }, Noise::Philox(key)) => {
                    let routed = first_draw_share(route, spec.draws) * upstream.unsqueeze_dim(1);
                    resampled(scores, probabilities.clone(), key, routed, resamples, spec)
                }
                (Gradient::TiedDraws, _) => {
                    let routed = tied_share(route, scores.clone()) * upstream.unsqueeze_dim(1);
                    softmax_backward(relax(scores, spec.temperature), routed, spec.temperature)
                }
                _ => {
                    let routed = first_draw_share(route, spec.draws) * upstream.unsqueeze_dim(1);
                    softmax_backward(relax(scores, spec.temperature), routed, spec.temperature)
                }
            };
            to_scores / probabilities.clone().add_scalar(LOG_EPSILON)
        }
    };
    activation_backward(logits, probabilities, to_probabilities, spec.activation)
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
            let code = route.greater_elem(0.0).float().cast(DType::F32);
            let sum = sum_ops(code.clone()).add_scalar(SUM_EPSILON);
            let mean = sum_ops(code * upstream.clone()) / sum.clone();
            (upstream - mean) / sum
        }
    }
}

/// Derivative of `1 - (1 - p)^M`.
fn inclusion_slope<B: Backend>(probabilities: Tensor<B, 2>, draws: usize) -> Tensor<B, 2> {
    match draws {
        // 0^0 is not 1 on every device.
        1 => Tensor::ones_like(&probabilities),
        draws => probabilities
            .neg()
            .add_scalar(1.0)
            .clamp_min(0.0)
            .powf_scalar((draws - 1) as f32)
            .mul_scalar(draws as f32),
    }
}

/// One at the draw that takes the gradient of an entry, `[rows, draws, ops]`. An operation that no
/// draw picked is tied at 0 in all of them, and the first one takes it.
fn first_draw_share<B: Backend>(route: Tensor<B, 2>, draws: usize) -> Tensor<B, 3> {
    let draw = draw_index(draws, &route.device());
    let taker = route.sub_scalar(1.0).clamp_min(0.0);
    taker
        .unsqueeze_dim::<3>(1)
        .equal(draw)
        .float()
        .cast(DType::F32)
}

/// Equal shares for all draws that are tied for an entry, `[rows, draws, ops]`.
fn tied_share<B: Backend>(count: Tensor<B, 2>, scores: Tensor<B, 3>) -> Tensor<B, 3> {
    let draws = scores.dims()[1];
    let nobody = count.clone().equal_elem(0.0).float().cast(DType::F32);
    let picked = winners(scores) / count.clamp_min(1.0).unsqueeze_dim(1);
    picked + (nobody / draws as f32).unsqueeze_dim(1)
}

/// From the gradient of `y = softmax(s / tau)` to that of `s`, summed over the draws.
fn softmax_backward<B: Backend>(
    relaxed: Tensor<B, 3>,
    upstream: Tensor<B, 3>,
    temperature: f32,
) -> Tensor<B, 2> {
    let mean = sum_ops(upstream.clone() * relaxed.clone());
    ((upstream - mean) * relaxed / temperature)
        .sum_dim(1)
        .squeeze_dim(1)
}

/// Mean of [`softmax_backward`] over scores that are resampled given the winner of each draw.
///
/// With fresh standard exponentials `E`, winner `w` and `Z = sum (p + eps)`, the scores are
/// `ln Z - ln E_w` for the winner and `-ln(E_j / (p_j + eps) + E_w / Z)` for the others.
fn resampled<B: Backend>(
    scores: Tensor<B, 3>,
    probabilities: Tensor<B, 2>,
    key: NoiseKey,
    upstream: Tensor<B, 3>,
    resamples: u32,
    spec: Spec,
) -> Tensor<B, 2> {
    let shape = scores.dims();
    let device = scores.device();
    let winner = winners(scores);
    let loser = winner.clone().neg().add_scalar(1.0);
    let weight = probabilities.add_scalar(LOG_EPSILON);
    let total = sum_ops(weight.clone()).unsqueeze_dim::<3>(1);
    let weight = weight.unsqueeze_dim::<3>(1);
    (1..=resamples)
        .map(|round| {
            // Draw words after those of the forward pass.
            let first_draw = spec.draws as u32 * round;
            let fresh = upload::<B>(key.exponential(shape, first_draw), shape, &device);
            let fastest = sum_ops(fresh.clone() * winner.clone()) / total.clone();
            let time = fresh / weight.clone() * loser.clone() + fastest;
            let relaxed = relax(time.log().neg(), spec.temperature);
            softmax_backward(relaxed, upstream.clone(), spec.temperature)
        })
        .fold(Tensor::zeros([shape[0], shape[2]], &device), |sum, part| {
            sum + part
        })
        .div_scalar(resamples as f32)
}

/// From the gradient of the probabilities to that of the logits: softmax
/// `p_k (h_k - sum_j p_j h_j)`, relu `(h_k - sum_j p_j h_j) / (sum relu + eps)`.
fn activation_backward<B: Backend>(
    logits: Tensor<B, 2>,
    probabilities: Tensor<B, 2>,
    gradient: Tensor<B, 2>,
    activation: Activation,
) -> Tensor<B, 2> {
    let inside = logits.clone().abs().lower_equal_elem(LOGIT_LIMIT);
    let mean = sum_ops(probabilities.clone() * gradient.clone());
    let centred = gradient - mean;
    inside.float().cast(DType::F32)
        * match activation {
            Activation::Softmax => probabilities * centred,
            Activation::Relu => {
                let positive = relu(confine(logits));
                let passes = positive.clone().greater_elem(0.0).float().cast(DType::F32);
                let sum = sum_ops(positive).add_scalar(RELU_EPSILON);
                passes * (centred / sum)
            }
        }
}
