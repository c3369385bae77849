//! The candidate operations, a file each: name, weights, forward pass, convolutions for counting and
//! names of tensors. The list in `operation.rs` makes them a set.

pub(crate) mod avg_pool;
pub(crate) mod dil_conv;
pub(crate) mod max_pool;
pub(crate) mod sep_conv;
pub(crate) mod skip_connect;
