//! Retraining a derived network from fresh weights and measuring it.
#![deny(missing_docs)]

pub mod cli;
mod error;
mod fit;

pub use error::TrainError;
pub use fit::{FitConfig, FitEpoch, FitOutcome, fit};
