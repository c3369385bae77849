//! Retraining derived networks by the papers' recipe, measuring them, and taking them elsewhere.
//!
//! # Decisions
//!
//! `train::Session` keeps a run folder as a search does. A step is cut into parts (`fit.parts`); each part
//! is a pass, `train::gradients`, whose gradients are weighted by its share of the batch and added up,
//! then clipped and applied by SGD. Decisions, each with a test:
//!
//! - **The loop is our own** here too, for reasons that `ARCHITECTURE.md` gives.
//! - **The best epoch**: a training that may stop early (`fit.patience`) keeps the network of the lowest
//!   validation error in its checkpoints and results in it; another results in its last one.
//! - **Drop-path** draws a mask on the host from (seed, epoch, step, cell, operation, place in the batch),
//!   so it is the same however a batch is cut. Skips without a stride are exempt.
//! - **Parts see statistics of their own**: batch normalisation is the one thing in which a batch cut into
//!   parts differs from the whole, and running statistics move once a part.
//! - **The moving average** of the weights averages running statistics along with them; they are not
//!   measured again under the averaged weights. It is scored and exported in the weights' place.
//! - **Mixed precision** casts the weights and inputs of convolutions. Master weights, normalisation, the
//!   classifier, the loss and SGD stay in f32; with f16 the loss is scaled by 1024, and a step whose
//!   gradients overflow is left out. Offered on CUDA only.
//! - **Multiply-adds** are counted from the plan: convolutions and linear layers. By that count, and by
//!   PyTorch's (`tests/torch/make.py`), `darts-v2` has 529.9 M in the ImageNet form at its published 48
//!   channels; DARTS prints 574 M, which 50 channels would give (573.5 M).
//! - **The auxiliary head** of images too small for the published one averages features to 2x2.
//! - **Tensors in files** have the names of DARTS' PyTorch code (`supernet/src/names.rs`), so that one map
//!   serves export and import.
//! - **`.pt` files have a reader of their own** (`src/weights`), since Burn's takes strides for rows and gives
//!   up at values that it does not know. It knows only the functions that put tensors together, runs no
//!   code, and believes no size before the file's own allows it.
#![deny(missing_docs)]

pub mod cli;
mod config;
mod error;
mod export;
mod genotype;
mod predict;
mod record;
mod report;
mod run;
mod state;
mod step;
mod weights;

pub use config::{DataConfig, FitConfig, LoopConfig, SizeConfig, WeightsConfig};
pub use error::TrainError;
pub use export::{ExportConfig, Exported, ImageConfig, TrainedOn};
pub use genotype::read_genotype;
pub use predict::{Prediction, read_image};
pub use record::{EpochRecord, FitOutcome};
pub use report::write_curves;
pub use run::{Reporter, Session, Trained, trained_network};
pub use state::FitState;
pub use step::{Pass, gradients};
pub use weights::{read_weights, read_weights_under, write_weights};
