//! The estimator as a person would write it with tensor operations and ordinary autodiff.
//!
//! It needs no [`EgsBackend`](crate::EgsBackend) implementation and shares no code with the
//! operation's own forward and backward, which are tested against it.

use burn::tensor::{DType, Int, Tensor, activation::softmax, backend::Backend};

use crate::{
    Egs, EgsError, Noise, Sample, activation::LOG_EPSILON, estimator::rows_and_ops, probabilities,
};

/// Samples a code for every row of logits, like [`Egs::sample`].
///
/// The gradient comes from the surrogate `stop(A) + s - stop(s)`, where
/// `s_k = sum_m route_mk y_mk` picks the relaxed draw that the gradient of entry `k` goes to.
///
/// # Shapes
///
/// - logits: `[.., ops]`
/// - given noise: `[rows, draws, ops]`
/// - outputs: `[.., ops]`
///
/// # Errors
///
/// Those of [`Egs::sample`].
pub fn sample<B: Backend, const D: usize>(
    egs: &Egs,
    logits: Tensor<B, D>,
    noise: impl Into<Noise<B>>,
) -> Result<Sample<B, D>, EgsError> {
    let spec = egs.spec;
    let shape = logits.dims();
    let dtype = logits.dtype();
    let device = logits.device();
    let (rows, ops) = rows_and_ops(&shape)?;
    let noise = noise.into().into_tensor([rows, spec.draws, ops], &device)?;
    if rows == 0 {
        return Ok(Sample {
            code: logits.clone(),
            weights: logits,
        });
    }

    let logits = logits.reshape([rows, ops]).cast(DType::F32);
    let log_probabilities = probabilities(logits, spec.activation)
        .add_scalar(LOG_EPSILON)
        .log();
    let scores: Tensor<B, 3> = log_probabilities.unsqueeze_dim(1) + noise;
    let highest = scores.clone().detach().max_dim(2);
    let relaxed = softmax((scores.clone() - highest) / spec.temperature, 2);

    let op = Tensor::<B, 1, Int>::arange(0..ops as i64, &device).reshape([1, 1, ops]);
    let hard = scores.detach().argmax(2).equal(op).float().cast(DType::F32);
    let code = hard.clone().max_dim(1);

    // One where the draw is the first that attains the maximum over draws.
    let attains = hard.equal(code.clone()).float().cast(DType::F32);
    let mut routes = Vec::with_capacity(spec.draws);
    let mut free: Tensor<B, 3> = Tensor::ones_like(&code);
    for attains in attains.split(1, 1) {
        routes.push(free.clone() * attains.clone());
        free = free * (attains.neg() + 1.0);
    }
    let surrogate = (relaxed * Tensor::cat(routes, 1)).sum_dim(1);
    let code = code + (surrogate.clone() - surrogate.detach());
    let code = code.squeeze_dim::<2>(1);

    let weights = spec.normalization.apply(code.clone());
    Ok(Sample {
        code: code.cast(dtype).reshape(shape),
        weights: weights.cast(dtype).reshape(shape),
    })
}
