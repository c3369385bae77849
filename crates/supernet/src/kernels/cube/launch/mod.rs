//! From tensors to buffers, a grid and a launch.
//!
//! The launches are unchecked. The kernels keep to the sizes they are given, and each launch
//! function makes its inputs contiguous, checks that they have those sizes and allocates outputs
//! that do.

mod batch_norm;
mod bilinear;
mod buffers;
mod depthwise;
mod gate;
mod mix;
mod pointwise;
mod pool;

pub(super) use batch_norm::{batch_norm, batch_norm_gradient};
pub(super) use bilinear::{accepts_scales, bilinear, bilinear_gradient};
pub(super) use buffers::accepts;
pub(super) use depthwise::{depthwise, input_gradient, weight_gradient};
pub(super) use gate::{gated_mix, gated_mix_gradient, gated_mix_weights};
pub(super) use mix::{add_weighted, descend, move_statistics, rectify, weight_gradients};
pub(super) use pointwise::{
    is_small, pointwise, pointwise_input_gradient, pointwise_weight_gradient,
};
pub(super) use pool::{average_pool_gradient, maximum_pool_gradient, pool};
