#![deny(missing_docs)]
#![doc = include_str!("../README.md")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod activation;
mod backend;
mod config;
#[cfg(feature = "cubecl")]
mod cube;
mod error;
mod estimator;
mod gradient;
mod law;
mod noise;
mod normalization;
pub mod reference;
mod sample;

pub use activation::{Activation, LOG_EPSILON, LOGIT_LIMIT, RELU_EPSILON, probabilities};
pub use backend::{EgsBackend, EgsForm, Forward, Spec};
pub use config::EgsConfig;
#[cfg(feature = "cubecl")]
pub use cube::device_noise_bits;
pub use error::EgsError;
pub use estimator::Egs;
pub use gradient::{Gradient, Mode};
pub use law::{CodeDistribution, code_log_probability};
pub use noise::{Noise, NoiseKey, gumbel, philox4x32};
pub use normalization::{Normalization, SUM_EPSILON};
pub use sample::Sample;
