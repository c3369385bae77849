#![deny(missing_docs)]
#![doc = "Ensemble Gumbel-Softmax: differentiable binary codes for Burn models."]

mod activation;
mod backend;
mod config;
mod error;
mod estimator;
mod law;
mod noise;
mod normalization;
pub mod reference;

pub use activation::{Activation, LOG_EPSILON, LOGIT_LIMIT, RELU_EPSILON, probabilities};
pub use backend::{EgsBackend, EgsForm, Forward, Spec};
pub use config::EgsConfig;
pub use error::EgsError;
pub use estimator::{Egs, Sample};
pub use law::CodeDistribution;
pub use noise::{Noise, NoiseKey, gumbel, philox4x32};
pub use normalization::{Normalization, SUM_EPSILON};
