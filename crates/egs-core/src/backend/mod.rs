//! The estimator as one operation of a Burn backend.

mod autodiff;
mod base;
mod cpu;
pub(crate) mod plain;

pub use base::{EgsBackend, EgsForm, Forward, Spec};
