use burn::tensor::{DType, Tensor, backend::Backend};

use super::{draw_index, relax, scores, winners};
use crate::{
    Gradient, Mode, Noise,
    backend::{Forward, Spec},
    probabilities,
};

/// See [`EgsBackend::egs_forward`](crate::EgsBackend::egs_forward).
pub(crate) fn forward<B: Backend>(logits: Tensor<B, 2>, noise: Noise<B>, spec: Spec) -> Forward<B> {
    let scores = scores(probabilities(logits, spec.activation), noise, spec.draws);
    let (code, route) = match spec.mode {
        Mode::Hard => {
            let picked = winners(scores);
            let route = match spec.gradient {
                Gradient::TiedDraws => picked.sum_dim(1).squeeze_dim(1),
                _ => first_draw(picked),
            };
            let code = route.clone().greater_elem(0.0).float().cast(DType::F32);
            (code, route)
        }
        Mode::Relaxed => {
            let relaxed = relax(scores, spec.temperature);
            let code = relaxed.clone().max_dim(1);
            let attains = relaxed.equal(code.clone()).float().cast(DType::F32);
            (code.squeeze_dim(1), first_draw(attains))
        }
    };
    Forward {
        weights: spec.normalization.apply(code.clone()),
        code,
        route,
    }
}

/// One plus the index of the first draw that is marked, 0 without one: `[rows, draws, ops]` to
/// `[rows, ops]`.
fn first_draw<B: Backend>(marked: Tensor<B, 3>) -> Tensor<B, 2> {
    let draws = marked.dims()[1];
    // Earlier draws weigh more, so the maximum finds the first one.
    let rank = draw_index(draws, &marked.device())
        .neg()
        .add_scalar(draws as f32);
    let best = (marked * rank).max_dim(1).squeeze_dim::<2>(1);
    let any = best.clone().greater_elem(0.0).float().cast(DType::F32);
    best.neg().add_scalar(draws as f32 + 1.0) * any
}
