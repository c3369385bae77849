//! The gated sum of a recurrent step and its gradients.
//!
//! Which terms there are is read from small tables, so that another code runs the same kernels.

use cubecl::prelude::*;

use super::{
    geometry::Slices,
    team::{board, slice, sum},
};
use crate::kernels::GateActivation;

/// Numbers of activations in tables.
const TANH: u32 = GateActivation::Tanh as u32;
const RELU: u32 = GateActivation::Relu as u32;
const SIGMOID: u32 = GateActivation::Sigmoid as u32;

/// Columns of a table of states: one for each activation.
pub(super) const ACTIVATIONS: usize = GateActivation::ALL.len();

/// Sizes of states `[states, batch, hidden]`.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct States {
    pub(super) states: usize,
    pub(super) batch: usize,
    pub(super) hidden: usize,
}

#[cube]
fn logistic(x: f32) -> f32 {
    1.0f32 / (1.0f32 + f32::exp(-x))
}

#[cube]
fn activate(activation: u32, x: f32) -> f32 {
    let mut y = x;
    // Not the device's own, which on some is no number for large values.
    if activation == TANH {
        y = 2.0f32 * logistic(2.0f32 * x) - 1.0f32;
    }
    if activation == RELU && x < 0.0f32 {
        y = 0.0f32;
    }
    if activation == SIGMOID {
        y = logistic(x);
    }
    y
}

/// The slope of the activation at `x`, where its value is `y`.
#[cube]
fn slope(activation: u32, x: f32, y: f32) -> f32 {
    let mut slope = 1.0f32;
    if activation == TANH {
        slope = 1.0f32 - y * y;
    }
    if activation == RELU && x <= 0.0f32 {
        slope = 0.0f32;
    }
    if activation == SIGMOID {
        slope = y * (1.0f32 - y);
    }
    slope
}

/// The weight of an activation of a state; `entries` `[states, activations]` has places in `weights`,
/// counted from 1, and 0 where the term is not on.
#[cube]
fn factor<F: Float>(weights: &Array<F>, entries: &Array<u32>, place: usize) -> f32 {
    let entry = entries[place];
    let mut factor = 0.0f32;
    if entry > 0 {
        factor = f32::cast_from(weights[(entry - 1) as usize]);
    }
    factor
}

/// The sum, a unit for each entry of it.
#[cube(launch_unchecked)]
pub(super) fn mix_kernel<F: Float>(
    states: &Array<F>,
    products: &Array<F>,
    weights: &Array<F>,
    entries: &Array<u32>,
    out: &mut Array<F>,
    sizes: &States,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < sizes.batch * sizes.hidden {
        let mut total = 0.0f32;
        for state in 0..sizes.states {
            let row = state * sizes.batch + position / sizes.hidden;
            let product = row * sizes.hidden * 2 + position % sizes.hidden;
            let previous = f32::cast_from(states[state * sizes.batch * sizes.hidden + position]);
            let gate = logistic(f32::cast_from(products[product]));
            let candidate = f32::cast_from(products[product + sizes.hidden]);
            for activation in 0..comptime!(ACTIVATIONS) {
                let factor = factor::<F>(weights, entries, state * ACTIVATIONS + activation);
                let change = activate(activation as u32, candidate) - previous;
                total += factor * (previous + gate * change);
            }
        }
        out[position] = F::cast_from(total);
    }
}

/// Gradients of states and products, a unit for each entry of the states.
#[cube(launch_unchecked)]
pub(super) fn mix_gradient_kernel<F: Float>(
    states: &Array<F>,
    products: &Array<F>,
    weights: &Array<F>,
    entries: &Array<u32>,
    dy: &Array<F>,
    dstates: &mut Array<F>,
    dproducts: &mut Array<F>,
    sizes: &States,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    let plane = sizes.batch * sizes.hidden;
    if position < sizes.states * plane {
        let state = position / plane;
        let product = position / sizes.hidden * sizes.hidden * 2 + position % sizes.hidden;
        let previous = f32::cast_from(states[position]);
        let gate = logistic(f32::cast_from(products[product]));
        let candidate = f32::cast_from(products[product + sizes.hidden]);
        let upstream = f32::cast_from(dy[position % plane]);
        let mut total = 0.0f32;
        let mut change = 0.0f32;
        let mut slopes = 0.0f32;
        for activation in 0..comptime!(ACTIVATIONS) {
            let factor = factor::<F>(weights, entries, state * ACTIVATIONS + activation);
            let activated = activate(activation as u32, candidate);
            total += factor;
            change += factor * (activated - previous);
            slopes += factor * slope(activation as u32, candidate, activated);
        }
        let closed = 1.0f32 - gate;
        dstates[position] = F::cast_from(upstream * closed * total);
        dproducts[product] = F::cast_from(upstream * change * gate * closed);
        dproducts[product + sizes.hidden] = F::cast_from(upstream * gate * slopes);
    }
}

/// Sums over every slice of a term's output times `dy`, `[terms, slices]`; `terms` has the state and the
/// activation of each.
#[cube(launch_unchecked)]
pub(super) fn weight_sums_kernel<F: Float>(
    states: &Array<F>,
    products: &Array<F>,
    terms: &Array<u32>,
    dy: &Array<F>,
    partials: &mut Array<f32>,
    sizes: &States,
    slices: &Slices,
    #[define(F)] _dtype: StorageType,
) {
    let mut board = board();
    let slice = slice(slices);
    let mut own = 0.0f32;
    if slice.sum < slices.sums {
        let state = terms[slice.sum * 2] as usize;
        let activation = terms[slice.sum * 2 + 1];
        let mut index = slice.first;
        while index < slice.end {
            let row = state * sizes.batch + index / sizes.hidden;
            let product = row * sizes.hidden * 2 + index % sizes.hidden;
            let previous = f32::cast_from(states[row * sizes.hidden + index % sizes.hidden]);
            let gate = logistic(f32::cast_from(products[product]));
            let candidate = f32::cast_from(products[product + sizes.hidden]);
            let change = activate(activation, candidate) - previous;
            own += f32::cast_from(dy[index]) * (previous + gate * change);
            index += CUBE_DIM as usize;
        }
    }
    let total = sum(&mut board, own);
    if UNIT_POS == 0 && slice.sum < slices.sums {
        partials[CUBE_POS] = total;
    }
}

/// The table of the sums, a unit for each entry; `owners` has the term of each, counted from 1, and 0
/// where it has none.
#[cube(launch_unchecked)]
pub(super) fn weight_table_kernel<F: Float>(
    partials: &Array<f32>,
    owners: &Array<u32>,
    dweights: &mut Array<F>,
    entries: usize,
    slices: &Slices,
    #[define(F)] _dtype: StorageType,
) {
    let position = ABSOLUTE_POS;
    if position < entries {
        let owner = owners[position];
        let mut total = 0.0f32;
        if owner > 0 {
            let first = (owner - 1) as usize * slices.count;
            for index in 0..slices.count {
                total += partials[first + index];
            }
        }
        dweights[position] = F::cast_from(total);
    }
}
