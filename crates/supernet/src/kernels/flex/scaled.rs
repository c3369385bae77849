//! Sums of terms that are scaled and shifted by channel and scaled by image, in one pass.

use burn_flex::FlexTensor;

use super::{
    batch_norm::{PlaneSums, plane_sums},
    lines::{Line, map_runs},
    memory::{dims, in_order, tensor, values},
};

/// `sum + factor of the image * (scale * term + shift)`.
pub(super) fn forward(
    sum: Option<FlexTensor>,
    term: FlexTensor,
    affine: Option<[FlexTensor; 2]>,
    factors: Option<&[f32]>,
) -> FlexTensor {
    let [_, channels, height, width] = dims(&term);
    let plane = height * width;
    let affine = affine.map(|pair| pair.map(|part| part.to_contiguous()));
    let line = |at: usize| {
        let factor = factors.map_or(1.0, |factors| factors[at / channels]);
        let [scale, shift] = match &affine {
            Some(pair) => pair.each_ref().map(|part| values(part)[at % channels]),
            None => [1.0, 0.0],
        };
        Line {
            scale: factor * scale,
            slope: factor * scale,
            offset: factor * shift,
        }
    };
    match sum {
        Some(sum) => map_runs(sum, Some(&term), plane, |at| Line {
            scale: 1.0,
            ..line(at)
        }),
        None => map_runs(term, None, plane, line),
    }
}

/// The gradients of the term, if it is needed, and of scale and shift, if there is a term to tell them.
pub(super) fn backward(
    term: Option<FlexTensor>,
    scale: Option<FlexTensor>,
    factors: Option<&[f32]>,
    dy: FlexTensor,
    need_dterm: bool,
) -> (Option<FlexTensor>, Option<[FlexTensor; 2]>) {
    let [batch, channels, height, width] = dims(&dy);
    let plane = height * width;
    let dy = in_order(dy);
    let factor = |image: usize| factors.map_or(1.0, |factors| factors[image]);
    let daffine = term.map(|term| {
        let term = term.to_contiguous();
        let products = PlaneSums::Products(values(&dy), values(&term));
        let sums = plane_sums(products, batch * channels, plane);
        let column = |index: usize| {
            let total = |channel| {
                let of_channel = sums.iter().skip(channel).step_by(channels).enumerate();
                let scaled = of_channel.map(|(image, pair)| f64::from(factor(image)) * pair[index]);
                scaled.sum::<f64>() as f32
            };
            tensor((0..channels).map(total).collect(), [channels])
        };
        [column(1), column(0)]
    });
    let dterm = need_dterm.then(|| {
        if factors.is_none() && scale.is_none() {
            return dy;
        }
        let scale = scale.map(|scale| scale.to_contiguous());
        let line = |at: usize| {
            let scale = scale
                .as_ref()
                .map_or(1.0, |scale| values(scale)[at % channels]);
            Line {
                scale: factor(at / channels) * scale,
                slope: 0.0,
                offset: 0.0,
            }
        };
        map_runs(dy, None, plane, line)
    });
    (dterm, daffine)
}
