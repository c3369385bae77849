//! The operations a supernet spends its time in, each with a hand-written gradient.
//!
//! Candidate operations are made of blocks of convolutions and of pools, and segmentations are enlarged to the
//! size of their images; the steps of a recurrent cell are sums of gated states, and words are judged by the
//! logarithms of their probabilities. Composed of Burn's primitives, the weight gradient of a
//! depthwise convolution is one convolution per channel and a normalisation is a dozen passes over
//! memory. [`KernelBackend`] makes each of them one operation:
//!
//! - the default bodies are the plain-tensor [`mod@reference`], or [`composed`] of the backend's other
//!   operations, and serve every backend;
//! - Flex runs vectorised loops over contiguous `[batch, channels, height, width]` memory;
//! - the `Autodiff` decorator records one node per call and skips the gradients nobody asked for.
//!
//! Models call the functions on tensors, such as [`conv_block`], [`max_pool`] and [`add_weighted`].

mod api;
mod autodiff;
mod backend;
mod bilinear;
mod block;
pub mod composed;
#[cfg(feature = "cubecl")]
mod cube;
mod deferred;
mod descent;
#[cfg(feature = "flex")]
mod flex;
mod gate;
pub mod profile;
pub mod reference;
mod window;

pub use api::{
    BatchNormOutput, NormalisedColumns, add_deferred, add_scaled, add_term, add_weighted, avg_pool,
    batch_norm, concat_channels, conv_block, dense_conv2d, depthwise_conv2d, descend, every_second,
    gated_mix, gated_mix_backward, gated_mix_weights, log_likelihood, matrix_product,
    matrix_product_backward_left, matrix_product_backward_right, max_pool, move_statistics,
    normalise_columns, normalise_columns_backward, plane_means, pointwise_conv2d, rectify,
    relu_depthwise_conv2d, scale_channels, upsample_bilinear,
};
pub use backend::KernelBackend;
pub use bilinear::Corners;
pub(crate) use block::images_per_task;
pub use block::{BlockGradients, BlockNeeds, BlockParts};
pub use deferred::DeferredTerm;
pub use descent::Descent;
pub use gate::{GateActivation, GateTerm};
pub use window::{InputActivation, PoolWindow, WindowOptions};
