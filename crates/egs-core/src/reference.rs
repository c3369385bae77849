//! The estimator as a person would write it with tensor operations and ordinary autodiff.
//!
//! It needs no [`EgsBackend`](crate::EgsBackend) implementation and shares no code with the
//! operation's own forward and backward, which are tested against it.

use burn::tensor::{DType, Int, Tensor, activation::softmax, backend::Backend};

use crate::{
    Egs, EgsError, Gradient, Mode, Noise, Sample, activation::LOG_EPSILON, estimator::rows_and_ops,
    probabilities,
};

/// Samples a code for every row of logits, like [`Egs::sample`].
///
/// The gradient of a hard code comes from the surrogate `stop(A) + s - stop(s)`, where `s` is what
/// the code's gradient goes to: `s_k = sum_m share_mk y_mk` for the straight-through gradients, and
/// `1 - (1 - p_k)^M` for the marginal one.
///
/// # Shapes
///
/// - logits: `[.., ops]`
/// - given noise: `[rows, draws, ops]`
/// - outputs: `[.., ops]`
///
/// # Errors
///
/// Those of [`Egs::sample`], and [`Gradient::GumbelRao`], which this form does not have.
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
    if let Gradient::GumbelRao { .. } = spec.gradient {
        return Err(EgsError::NoReference("Gumbel-Rao"));
    }
    let noise = noise.into().into_tensor([rows, spec.draws, ops], &device)?;
    let done = |code: Tensor<B, D>, weights| Sample {
        code,
        weights,
        logits: logits.clone(),
        noise: Noise::Given(noise.clone()),
        spec,
    };
    if rows == 0 {
        return Ok(done(logits.clone(), logits.clone()));
    }

    let rows = logits.clone().reshape([rows, ops]).cast(DType::F32);
    let probabilities = probabilities(rows, spec.activation);
    let log_probabilities = probabilities.clone().add_scalar(LOG_EPSILON).log();
    let scores: Tensor<B, 3> = log_probabilities.unsqueeze_dim(1) + noise.clone();
    let highest = scores.clone().detach().max_dim(2);
    let relaxed = softmax((scores.clone() - highest) / spec.temperature, 2);
    let code = match spec.mode {
        Mode::Relaxed => relaxed.max_dim(1).squeeze_dim(1),
        Mode::Hard => {
            let op = Tensor::<B, 1, Int>::arange(0..ops as i64, &device).reshape([1, 1, ops]);
            let hard = scores.detach().argmax(2).equal(op).float().cast(DType::F32);
            let code: Tensor<B, 2> = hard.clone().max_dim(1).squeeze_dim(1);
            let surrogate = match spec.gradient {
                Gradient::Marginal => missed(probabilities, spec.draws).neg(),
                gradient => (relaxed * share(hard, gradient)).sum_dim(1).squeeze_dim(1),
            };
            code + (surrogate.clone() - surrogate.detach())
        }
    };
    let weights = spec.normalization.apply(code.clone());
    let restore = |rows: Tensor<B, 2>| rows.cast(dtype).reshape(shape);
    Ok(done(restore(code), restore(weights)))
}

/// Which part of an entry's gradient each draw takes, `[rows, draws, ops]`.
fn share<B: Backend>(hard: Tensor<B, 3>, gradient: Gradient) -> Tensor<B, 3> {
    let highest = hard.clone().max_dim(1);
    let attains = hard.equal(highest.clone()).float().cast(DType::F32);
    if gradient == Gradient::TiedDraws {
        return attains.clone() / attains.sum_dim(1);
    }
    let mut parts = Vec::new();
    let mut free: Tensor<B, 3> = Tensor::ones_like(&highest);
    for attains in attains.split(1, 1) {
        parts.push(free.clone() * attains.clone());
        free = free * (attains.neg() + 1.0);
    }
    Tensor::cat(parts, 1)
}

/// Probability that no draw picks an operation, `(1 - p)^M` by multiplication, `[rows, ops]`.
fn missed<B: Backend>(probabilities: Tensor<B, 2>, draws: usize) -> Tensor<B, 2> {
    let other = probabilities.neg().add_scalar(1.0);
    (1..draws).fold(other.clone(), |product, _| product * other.clone())
}
