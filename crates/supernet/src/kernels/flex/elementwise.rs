//! Sums of node terms and the ReLU. Burn's own element-wise operations run on one thread.

use burn::tensor::{Shape, TensorMetadata};
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    lanes::sums_with_product,
    lines::{Line, map_runs},
    memory::{fill, for_each, rewrite, values},
    rows::Reading,
};
use crate::kernels::InputActivation;

/// Values of one task: few enough to stay in the cache of a core.
pub(super) const CHUNK: usize = 1 << 15;

/// `task` on each part of a tensor, with the values of `other` at the same places.
fn rewrite_with(
    tensor: FlexTensor,
    other: &FlexTensor,
    task: impl Fn(&mut [f32], &[f32]) + Sync,
) -> FlexTensor {
    let other = other.to_contiguous();
    let others = values(&other);
    rewrite(tensor, CHUNK, |index, part| {
        task(part, &others[index * CHUNK..][..part.len()]);
    })
}

/// A ReLU that lets NaN through, as `max` would not.
struct Rectify<'a>(&'a mut [f32]);

impl WithSimd for Rectify<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for value in self.0 {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
    }
}

/// `sum + weight * term`
fn add_with(sum: FlexTensor, term: &FlexTensor, weight: f32) -> FlexTensor {
    map_runs(sum, Some(term), CHUNK, |_| Line {
        scale: 1.0,
        slope: weight,
        offset: 0.0,
    })
}

pub(super) fn add(sum: FlexTensor, term: &FlexTensor) -> FlexTensor {
    add_with(sum, term, 1.0)
}

pub(super) fn rectify(x: FlexTensor) -> FlexTensor {
    rewrite(x, CHUNK, |_, part| {
        Arch::new().dispatch(Rectify(part));
    })
}

pub(super) fn rectify_backward(y: &FlexTensor, dy: FlexTensor) -> FlexTensor {
    rewrite_with(dy, y, |dy, y| {
        Arch::new().dispatch(RectifyBackward(dy, y));
    })
}

/// A gradient, and what a ReLU made.
struct RectifyBackward<'a>(&'a mut [f32], &'a [f32]);

impl WithSimd for RectifyBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // What is not below 0 is its own ReLU.
        Reading::new(None, InputActivation::Relu).backward(simd, self.0, self.1);
    }
}

/// The weight of a term; what it is decides which loops are needed.
pub(super) fn weight(weights: &FlexTensor, [row, column]: [usize; 2]) -> f32 {
    let weights = weights.to_contiguous();
    let [_, columns] = weights.shape().dims();
    values(&weights)[row * columns + column]
}

pub(super) fn scale(tensor: FlexTensor, weight: f32) -> FlexTensor {
    if weight == 1.0 {
        tensor
    } else {
        map_runs(tensor, None, CHUNK, |_| Line {
            scale: weight,
            slope: 0.0,
            offset: 0.0,
        })
    }
}

pub(super) fn add_weighted(sum: FlexTensor, term: &FlexTensor, weight: f32) -> FlexTensor {
    if weight == 0.0 {
        sum
    } else {
        add_with(sum, term, weight)
    }
}

/// A table of zeros but for the inner product of `term` and `dy` at `entry`.
pub(super) fn weight_gradient(
    term: &FlexTensor,
    dy: &FlexTensor,
    shape: Shape,
    [row, column]: [usize; 2],
) -> FlexTensor {
    let (term, dy) = (term.to_contiguous(), dy.to_contiguous());
    let (terms, dys) = (values(&term), values(&dy));
    let mut sums = vec![0.0; terms.len().div_ceil(CHUNK)];
    let tasks = sums.iter_mut().enumerate().collect();
    for_each(tasks, |(index, sum): (usize, &mut f64)| {
        let from = index * CHUNK;
        let to = terms.len().min(from + CHUNK);
        *sum = f64::from(Arch::new().dispatch(Dot(&terms[from..to], &dys[from..to])));
    });
    let [rows, columns] = shape.dims();
    let [mut table] = fill([rows * columns], [rows * columns], 1, |_, _| {});
    table[row * columns + column] = sums.iter().sum::<f64>() as f32;
    super::memory::tensor(table, [rows, columns])
}

/// The inner product of two runs of equal length.
struct Dot<'a>(&'a [f32], &'a [f32]);

impl WithSimd for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let [_, product] = sums_with_product(simd, self.0, self.1);
        product
    }
}
