//! What the `search` and `train` binaries share: data sets, run folders, checkpoints, metrics,
//! configuration, optimisers, progress and drawings.
//!
//! Nothing here names a backend's type or prints, except [`progress`], which writes to standard error.
#![deny(missing_docs)]

pub mod backend;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod draw;
pub mod error;
pub mod evaluate;
pub mod files;
pub mod metrics;
pub mod optim;
mod palette;
pub mod plot;
pub mod precision;
pub mod progress;
pub mod run;
pub mod shell;
mod svg;

pub use error::{Result, WorkbenchError};
