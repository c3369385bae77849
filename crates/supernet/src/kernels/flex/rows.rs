//! Copies of short rows, mapped on their way: at the usual widths a call to copy memory would take longer
//! than the copy.

use pulp::Simd;

use super::lanes::{fold, select, store, vectors};
use crate::kernels::InputActivation;

/// What becomes of the values of a row, vector by vector. Not a closure, which would not be compiled for the
/// vectors of `S` where it is not inlined.
pub(super) trait RowMap: Copy {
    fn of<S: Simd>(self, simd: S, vector: S::f32s) -> S::f32s;
}

/// Leaves values as they are.
#[derive(Clone, Copy)]
pub(super) struct Keep;

impl RowMap for Keep {
    #[inline(always)]
    fn of<S: Simd>(self, _simd: S, vector: S::f32s) -> S::f32s {
        vector
    }
}

/// A scale and a shift, then a floor that lets NaN through.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    scale: f32,
    shift: f32,
    floor: f32,
}

impl Reading {
    /// Of an affine map `[scale, shift]` and an activation.
    #[inline(always)]
    pub(super) fn new(affine: Option<[f32; 2]>, activation: InputActivation) -> Self {
        let [scale, shift] = affine.unwrap_or([1.0, 0.0]);
        let floor = match activation {
            InputActivation::Relu => 0.0,
            InputActivation::Identity => f32::NEG_INFINITY,
        };
        Self {
            scale,
            shift,
            floor,
        }
    }

    /// Rewrites the gradients of what was made of `x` to those of `x`. Returns the sums of those before the
    /// affine map, and of these multiplied by `x`: the gradients of shift and scale.
    #[inline(always)]
    pub(super) fn backward<S: Simd>(self, simd: S, gradients: &mut [f32], x: &[f32]) -> [f32; 2] {
        let (vectors, rest) = S::as_mut_simd_f32s(gradients);
        let (x_vectors, x_rest) = S::as_simd_f32s(x);
        let (fours, last) = vectors.as_chunks_mut::<4>();
        let (x_fours, x_last) = x_vectors.as_chunks::<4>();
        // Sums of a known number stay in registers.
        let mut sums = [simd.splat_f32s(0.0); 4];
        let mut products = [simd.splat_f32s(0.0); 4];
        for (four, x) in fours.iter_mut().zip(x_fours) {
            let sums = sums.iter_mut().zip(&mut products);
            for ((sum, product), (gradient, x)) in sums.zip(four.iter_mut().zip(x)) {
                *gradient = self.backward_vector(simd, *gradient, *x, sum, product);
            }
        }
        for (gradient, x) in last.iter_mut().zip(x_last) {
            let [sum, product] = [&mut sums[0], &mut products[0]];
            *gradient = self.backward_vector(simd, *gradient, *x, sum, product);
        }
        if !rest.is_empty() {
            let [sum, product] = [&mut sums[1], &mut products[1]];
            let x = simd.partial_load_f32s(x_rest);
            let gradient = simd.partial_load_f32s(rest);
            let gradient = self.backward_vector(simd, gradient, x, sum, product);
            simd.partial_store_f32s(rest, gradient);
        }
        [fold(simd, sums), fold(simd, products)]
    }

    #[inline(always)]
    fn backward_vector<S: Simd>(
        self,
        simd: S,
        gradient: S::f32s,
        x: S::f32s,
        sum: &mut S::f32s,
        product: &mut S::f32s,
    ) -> S::f32s {
        let gradient = if self.floor == f32::NEG_INFINITY {
            gradient
        } else {
            let zero = simd.splat_f32s(0.0);
            let above = simd.greater_than_f32s(self.before_floor(simd, x), zero);
            select(simd, above, gradient, zero)
        };
        *sum = simd.add_f32s(*sum, gradient);
        *product = simd.mul_add_e_f32s(gradient, x, *product);
        // A product with what may be 1: zeroes stored over what is not kept would be compiled to masked
        // stores, each of which takes AMD's processors some twenty cycles.
        simd.mul_f32s(gradient, simd.splat_f32s(self.scale))
    }

    #[inline(always)]
    fn before_floor<S: Simd>(self, simd: S, vector: S::f32s) -> S::f32s {
        let scaled = simd.mul_f32s(vector, simd.splat_f32s(self.scale));
        simd.add_f32s(scaled, simd.splat_f32s(self.shift))
    }
}

impl RowMap for Reading {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, vector: S::f32s) -> S::f32s {
        let value = self.before_floor(simd, vector);
        let floor = simd.splat_f32s(self.floor);
        select(simd, simd.less_than_f32s(value, floor), floor, value)
    }
}

/// Copies the first values of `from` to all of `to`.
#[inline(always)]
pub(super) fn copy_row<S: Simd>(simd: S, to: &mut [f32], from: &[f32]) {
    map_row(simd, to, from, Keep);
}

/// Writes `map` of the first values of `from` to all of `to`.
#[inline(always)]
pub(super) fn map_row<S: Simd>(simd: S, to: &mut [f32], from: &[f32], map: impl RowMap) {
    let len = to.len();
    let from = &from[..len];
    let (vectors, rest) = S::as_simd_f32s(from);
    let (outs, rest_out) = S::as_mut_simd_f32s(to);
    for (out, vector) in outs.iter_mut().zip(vectors) {
        *out = map.of(simd, *vector);
    }
    if rest.is_empty() {
        return;
    }
    if vectors.is_empty() {
        let vector = map.of(simd, simd.partial_load_f32s(rest));
        simd.partial_store_f32s(rest_out, vector);
    } else {
        // The last whole vector; what it shares with the one before is the same again.
        let last = len - S::F32_LANES;
        let (vectors, _) = S::as_simd_f32s(&from[last..]);
        store::<S>(to, last, map.of(simd, vectors[0]));
    }
}

/// [`map_row`] of so many rows of so many values; those of `from` and `to` are `pitches` apart.
#[inline(always)]
pub(super) fn map_rows<S: Simd>(
    simd: S,
    [count, width]: [usize; 2],
    from: &[f32],
    to: &mut [f32],
    [from_pitch, to_pitch]: [usize; 2],
    map: impl RowMap,
) {
    let rows = from
        .chunks(from_pitch)
        .zip(to.chunks_mut(to_pitch))
        .take(count);
    // Rows of a known number of vectors take no loops.
    match (width % S::F32_LANES, width / S::F32_LANES) {
        (0, 1) => {
            for (from, to) in rows {
                map_vectors::<S, 1>(simd, from, to, map);
            }
        }
        (0, 2) => {
            for (from, to) in rows {
                map_vectors::<S, 2>(simd, from, to, map);
            }
        }
        (0, 4) => {
            for (from, to) in rows {
                map_vectors::<S, 4>(simd, from, to, map);
            }
        }
        _ => {
            for (from, to) in rows {
                map_row(simd, &mut to[..width], from, map);
            }
        }
    }
}

#[inline(always)]
fn map_vectors<S: Simd, const V: usize>(simd: S, from: &[f32], to: &mut [f32], map: impl RowMap) {
    let from = vectors::<S, V>(from);
    let (to, _) = S::as_mut_simd_f32s(&mut to[..V * S::F32_LANES]);
    for (to, vector) in to.iter_mut().zip(from) {
        *to = map.of(simd, *vector);
    }
}

/// Copies every second value of `from`; a loop over pairs compiles to shuffles.
#[inline(always)]
pub(super) fn copy_every_second(to: &mut [f32], from: &[f32]) {
    let (pairs, rest) = from.as_chunks::<2>();
    let paired = pairs.len().min(to.len());
    for (to, [first, _]) in to.iter_mut().zip(pairs) {
        *to = *first;
    }
    if let (Some(to), Some(last)) = (to.get_mut(paired), rest.first()) {
        *to = *last;
    }
}

/// Copies the values of `from` to `firsts` and `seconds` in turn; the first are as many or one more.
#[inline(always)]
pub(super) fn split_pairs(firsts: &mut [f32], seconds: &mut [f32], from: &[f32]) {
    let (pairs, rest) = from.as_chunks::<2>();
    let paired = seconds.len();
    let places = firsts.iter_mut().zip(seconds);
    for ((first, second), pair) in places.zip(pairs) {
        [*first, *second] = *pair;
    }
    if let (Some(to), Some(last)) = (firsts.get_mut(paired), rest.first()) {
        *to = *last;
    }
}

/// Copies the values of `firsts` and `seconds` in turn to `to`; the first are as many or one more.
#[inline(always)]
pub(super) fn join_pairs(firsts: &[f32], seconds: &[f32], to: &mut [f32]) {
    let (pairs, rest) = to.as_chunks_mut::<2>();
    for (pair, (first, second)) in pairs.iter_mut().zip(firsts.iter().zip(seconds)) {
        *pair = [*first, *second];
    }
    if let (Some(to), Some(last)) = (rest.first_mut(), firsts.get(seconds.len())) {
        *to = *last;
    }
}

/// Writes `map` of all of `row` over it.
#[inline(always)]
pub(super) fn rewrite_row<S: Simd>(simd: S, row: &mut [f32], map: impl RowMap) {
    let (vectors, rest) = S::as_mut_simd_f32s(row);
    for vector in vectors {
        *vector = map.of(simd, *vector);
    }
    if !rest.is_empty() {
        let vector = map.of(simd, simd.partial_load_f32s(rest));
        simd.partial_store_f32s(rest, vector);
    }
}
