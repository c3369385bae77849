//! Sums of terms that are scaled and shifted by channel and scaled by image, in one pass.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    batch_norm::{PlaneSums, Scaling, apply, plane_sums},
    memory::{dims, items_per_task, rewrite, tensor, values},
};

/// Loads, stores and arithmetic per value, in multiply-adds.
const WORK: usize = 4;

/// `sum + factor of the image * (scale * term + shift)`.
pub(super) fn forward(
    sum: Option<FlexTensor>,
    term: FlexTensor,
    affine: Option<[FlexTensor; 2]>,
    factors: Option<&[f32]>,
) -> FlexTensor {
    let [batch, channels, height, width] = dims(&term);
    let plane = height * width;
    let affine = affine.map(|pair| pair.map(|part| part.to_contiguous()));
    let line = |at: usize| {
        let factor = factors.map_or(1.0, |factors| factors[at / channels]);
        let [scale, shift] = match &affine {
            Some(pair) => pair.each_ref().map(|part| values(part)[at % channels]),
            None => [1.0, 0.0],
        };
        Scaling {
            scale: factor * scale,
            slope: 0.0,
            offset: factor * shift,
        }
    };
    let lines: Vec<Scaling> = (0..batch * channels).map(line).collect();
    let term = term.to_contiguous();
    let Some(sum) = sum else {
        return apply(&lines, term, None, plane);
    };
    let items = items_per_task(batch * channels, WORK * plane);
    rewrite(sum.to_contiguous(), items * plane, |task, part| {
        Arch::new().dispatch(Add {
            lines: &lines[task * items..],
            term: &values(&term)[task * items * plane..],
            plane,
            part,
        });
    })
}

/// Adds planes to those of `part`; all slices begin at the same plane.
struct Add<'a> {
    lines: &'a [Scaling],
    term: &'a [f32],
    plane: usize,
    part: &'a mut [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let terms = self.term.chunks_exact(self.plane);
        let parts = self.part.chunks_exact_mut(self.plane);
        for ((part, term), line) in parts.zip(terms).zip(self.lines) {
            for (value, term) in part.iter_mut().zip(term) {
                *value += *term * line.scale + line.offset;
            }
        }
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
    let dy = dy.to_contiguous();
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
            Scaling {
                scale: factor(at / channels) * scale,
                slope: 0.0,
                offset: 0.0,
            }
        };
        let lines: Vec<Scaling> = (0..batch * channels).map(line).collect();
        apply(&lines, dy, None, plane)
    });
    (dterm, daffine)
}
