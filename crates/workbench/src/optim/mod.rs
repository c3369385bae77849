//! Optimisers in the form that the published settings mean, gradient clipping and schedules.

#[cfg(feature = "burn")]
mod average;
mod averaged_sgd;
#[cfg(feature = "burn")]
mod clip;
#[cfg(feature = "burn")]
mod configs;
mod schedule;

#[cfg(feature = "burn")]
pub use average::{blend_average, move_average};
pub use averaged_sgd::{AveragedSgd, non_monotone_trigger};
#[cfg(feature = "burn")]
pub use clip::{clip_global_norm, global_norm, scale_gradients};
#[cfg(feature = "burn")]
pub use configs::adam_config;
pub use schedule::{Schedule, cosine};
