//! What the `search` and `train` binaries share: what is learned and how it is scored, data sets, run
//! folders, checkpoints, records, configuration, optimisers, progress and drawings.
//!
//! Nothing here names a backend's type or prints, except [`progress`], which writes to standard error.
//!
//! Without the feature `burn`, which is on by default, what needs no tensors remains: records, files,
//! configurations, charts and drawings.
#![deny(missing_docs)]

mod allocation;
#[cfg(feature = "burn")]
pub mod backend;
#[cfg(feature = "burn")]
pub mod checkpoint;
#[cfg(feature = "burn")]
pub mod cli;
pub mod columns;
pub mod config;
#[cfg(feature = "burn")]
mod data_folder;
pub mod documents;
pub mod drawing;
pub mod error;
pub mod files;
#[cfg(feature = "burn")]
pub mod images;
#[cfg(feature = "burn")]
pub mod interrupt;
#[cfg(feature = "burn")]
pub mod machine;
pub mod metrics;
pub mod optim;
mod palette;
pub mod plot;
pub mod pool;
#[cfg(feature = "burn")]
pub mod portability;
#[cfg(feature = "burn")]
pub mod precision;
#[cfg(feature = "burn")]
pub mod problem;
#[cfg(feature = "burn")]
pub mod progress;
pub mod record;
pub mod report;
pub mod run_folder;
#[cfg(feature = "burn")]
pub mod scenes;
#[cfg(feature = "burn")]
pub mod scoring;
pub mod seeds;
#[cfg(feature = "burn")]
pub mod session;
pub mod shell;
#[cfg(feature = "burn")]
pub mod showing;
pub mod statistics;
#[cfg(feature = "burn")]
pub mod step_bench;
#[cfg(feature = "burn")]
pub mod stream;
#[cfg(feature = "burn")]
pub mod sums;
mod svg;
mod tasks;
#[cfg(feature = "burn")]
pub mod tensorboard;
#[cfg(feature = "burn")]
pub mod tensors;
#[cfg(feature = "burn")]
pub mod text;
#[cfg(feature = "burn")]
pub mod training;

pub use error::{Result, WorkbenchError};
