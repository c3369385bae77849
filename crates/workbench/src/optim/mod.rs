//! Optimisers in the form that the published settings mean, gradient clipping and schedules.

mod average;
mod clip;
mod configs;
mod schedule;

pub use average::move_average;
pub use clip::{clip_global_norm, global_norm, scale_gradients};
pub use configs::{adam_config, sgd_config};
pub use schedule::{Schedule, cosine};
