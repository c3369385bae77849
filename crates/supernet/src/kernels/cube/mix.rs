//! Weighted sums and their gradients, steps of descent and other small things: what a tensor library takes many
//! launches for.

use cubecl::prelude::*;

use super::{
    geometry::Slices,
    team::{board, slice, sum},
};

/// `out = sum + weights[entry] * term`, or without the sum.
#[cube(launch_unchecked)]
pub(super) fn weighted_kernel<F: Float>(
    sum: &Array<F>,
    term: &Array<F>,
    weights: &Array<F>,
    out: &mut Array<F>,
    entry: usize,
    count: usize,
    #[comptime] summed: bool,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < count {
        let mut value = f32::cast_from(weights[entry]) * f32::cast_from(term[position]);
        if comptime!(summed) {
            value += f32::cast_from(sum[position]);
        }
        out[position] = F::cast_from(value);
    }
}

/// Sums over every slice of the products of two tensors, from `first` on.
#[cube(launch_unchecked)]
pub(super) fn inner_product_kernel<F: Float>(
    left: &Array<F>,
    right: &Array<F>,
    partials: &mut Array<f32>,
    first: usize,
    slices: &Slices,
    #[define(F)] _dtype: StorageType,
) {
    let mut board = board();
    let slice = slice(slices);
    let mut own = 0.0f32;
    let mut index = slice.first;
    while index < slice.end {
        own += f32::cast_from(left[index]) * f32::cast_from(right[index]);
        index += CUBE_DIM as usize;
    }
    let total = sum(&mut board, own);
    if UNIT_POS == 0 && slice.sum < slices.sums {
        partials[first + CUBE_POS] = total;
    }
}

/// Factors of a step of descent.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Factors {
    pub(super) rate: f32,
    pub(super) decay: f32,
    pub(super) momentum: f32,
}

/// `v <- momentum v + (g + decay w)`, where `v` begins with `g + decay w`, then `w <- w - rate v`.
#[cube(launch_unchecked)]
pub(super) fn descend_kernel<F: Float>(
    weight: &Array<F>,
    gradient: &Array<F>,
    velocity: &Array<F>,
    new_weight: &mut Array<F>,
    new_velocity: &mut Array<F>,
    factors: &Factors,
    count: usize,
    #[comptime] moving: bool,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < count {
        let before = f32::cast_from(weight[position]);
        let mut step = f32::cast_from(gradient[position]) + before * factors.decay;
        if comptime!(moving) {
            step += f32::cast_from(velocity[position]) * factors.momentum;
        }
        new_velocity[position] = F::cast_from(step);
        new_weight[position] = F::cast_from(before - step * factors.rate);
    }
}

/// 0 where `y <= 0`, and `x` elsewhere.
#[cube(launch_unchecked)]
pub(super) fn rectify_kernel<F: Float>(
    y: &Array<F>,
    x: &Array<F>,
    out: &mut Array<F>,
    count: usize,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < count {
        let mut value = f32::cast_from(x[position]);
        if f32::cast_from(y[position]) <= 0.0f32 {
            value = 0.0f32;
        }
        out[position] = F::cast_from(value);
    }
}

/// Running means and variances, each moved by `share` towards a batch's, of which the variance is multiplied
/// by `unbiased` first.
#[cube(launch_unchecked)]
pub(super) fn move_statistics_kernel<F: Float>(
    old_means: &Array<F>,
    old_variances: &Array<F>,
    means: &Array<F>,
    variances: &Array<F>,
    new_means: &mut Array<F>,
    new_variances: &mut Array<F>,
    share: f32,
    unbiased: f32,
    count: usize,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < count {
        let kept = 1.0f32 - share;
        let mean =
            f32::cast_from(old_means[position]) * kept + f32::cast_from(means[position]) * share;
        let variance = f32::cast_from(variances[position]) * unbiased;
        let variance = f32::cast_from(old_variances[position]) * kept + variance * share;
        new_means[position] = F::cast_from(mean);
        new_variances[position] = F::cast_from(variance);
    }
}
