//! The operations, a file for each kind: name, weights, forward pass, convolutions for counting and names
//! of tensors. The list in `operation.rs` makes them a set.

pub(crate) mod avg_pool;
pub(crate) mod conv;
pub(crate) mod max_pool;
pub(crate) mod separable;
pub(crate) mod skip_connect;
pub(crate) mod strip_conv;
