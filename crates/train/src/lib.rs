//! Retraining derived networks by the papers' recipe, measuring them, and taking them elsewhere.
#![deny(missing_docs)]

pub mod cli;
mod config;
mod error;
mod export;
mod genotype;
mod predict;
mod record;
mod run;
mod state;
mod step;
mod weights_file;

pub use config::{DataConfig, FitConfig, LoopConfig, SizeConfig, WeightsConfig};
pub use error::TrainError;
pub use export::{ExportConfig, Exported, ImageConfig, TrainedOn};
pub use genotype::read_genotype;
pub use predict::{Prediction, read_image};
pub use record::{EpochRecord, FitOutcome};
pub use run::{Reporter, Session, Trained, trained_network};
pub use state::FitState;
pub use step::{Pass, gradients};
pub use weights_file::{read_weights, write_weights};
