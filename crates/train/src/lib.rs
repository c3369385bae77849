//! Retraining derived networks by the papers' recipes, measuring them, and taking them elsewhere.
//!
//! A [`Recipe`] says which network answers which problem and what is particular about training it;
//! [`Fit`] trains one, whichever it is, as the experiment of a
//! [`Session`](workbench::session::Session). A recipe that is also [`Portable`](portable::Portable) has the
//! commands of the binary; those that it has are listed in `tasks`, which is the only place that tells
//! tasks apart. A recipe of your own needs neither: see `tests/all/own_recipe.rs`. [`guide`] is for people who use
//! the binaries.
//!
//! # Decisions
//!
//! A step is cut into passes (`fit.parts`), each of which is a call of [`differentiate`], whose gradients
//! are weighted by its share of the batch and added up, then clipped and applied by SGD. Decisions, each
//! with a test:
//!
//! - **The loop is our own** here too, for reasons that `ARCHITECTURE.md` gives.
//! - **Epochs need not be of one length**: schedules and averages count the steps of the epochs before.
//! - **What is carried** from batch to batch is carried by each pass of a step for itself, and ends with
//!   the epoch, so that a checkpoint need not hold it.
//! - **The best epoch**: a training that may stop early (`fit.patience`) keeps the network of the best
//!   validation score in its checkpoints and results in it; another results in its last one.
//! - **Drop-path** draws a mask on the host from (seed, epoch, step, cell, operation, place in the batch),
//!   so it is the same however a batch is cut. Skips without a stride are exempt.
//! - **Passes have statistics of their own**: batch normalisation is the one thing in which a batch cut
//!   into passes differs from the whole, and running statistics move once a pass.
//! - **Going on beyond the end** ([`Extension`](workbench::session::Extension)) needs a learning rate that has
//!   no end, or a new one for the epochs that are added; with a constant one it is the longer training.
//! - **A search's child** is an exported network whose operations are those of the supernet, not affine and
//!   with normalised pools (`inherited` in `config.json`). It is scored as the search scores it, with the
//!   statistics of batches, and with the running statistics that it inherits, which are averages over other
//!   architectures.
//! - **The moving average** of the weights averages running statistics along with them; they are not
//!   measured again under the averaged weights. It is scored and exported in the weights' place.
//! - **Mixed precision** casts the weights and inputs of convolutions. Master weights, normalisation, the
//!   classifier, the loss and SGD stay in f32; with f16 the loss is scaled by 1024, and a step whose
//!   gradients overflow is left out. Offered on CUDA only.
//! - **Multiply-adds** are counted from the plan: convolutions and linear layers. By that count, and by
//!   PyTorch's (`tests/torch/make.py`), `darts-v2` has 529.9 M in the ImageNet form at its published 48
//!   channels; DARTS prints 574 M, which 50 channels would give (573.5 M).
//! - **The auxiliary head** of images too small for the published one averages features to 2x2.
//! - **An encoder that is taken over** ([`Recipe::begin`]) is read once, where a training begins: checkpoints hold
//!   what became of it, so a run goes on without the folder it came from.
//! - **Scenes** are scored at their own size, those of a pass being of one size; a pass's loss is the mean over
//!   its pixels that count, and its share in the step that of its images. Several views of an image
//!   ([`Views`](portable::Views)) average probabilities.
//! - **Tensors in files** have the names of DARTS' PyTorch code (`supernet/src/convolution`), so that one map
//!   serves export and import.
//! - **ONNX files** ([`OnnxModel`]) take pixels from 0 to 1: the normalisation of a network's data is part of
//!   the file. Batches may be of any size, images of scenes too; a network of language is a step, a word of each
//!   stream and the state before. A network describes itself (`supernet::graph`), and `src/onnx` knows no task.
//!   Its auxiliary head is left out.
//! - **`.pt` files have a reader of their own** (`src/weights`), since Burn's takes strides for rows and gives
//!   up at values that it does not know. It knows only the functions that put tensors together, runs no
//!   code, and believes no size before the file's own allows it.
#![deny(missing_docs)]

mod averaging;
mod child;
pub mod cli;
mod config;
mod error;
mod export;
mod fit;
mod genotype;
#[cfg(any(doc, doctest))]
pub mod guide;
mod onnx;
mod page;
pub mod portable;
pub mod recipe;
mod report;
mod state;
mod step;
pub mod tasks;
mod timeline;
mod trained;
mod trainer;
mod weights;

pub use averaging::Averaging;
pub use config::{FitConfig, LoopConfig, WeightsConfig};
pub use error::TrainError;
pub use export::ExportedNetwork;
pub use fit::Fit;
pub use genotype::read_cells;
pub use onnx::OnnxModel;
pub use page::run_page;
pub use recipe::{Recipe, TrainRecipe};
pub use report::write_curves;
pub use state::{Best, FitState};
pub use step::differentiate;
pub use tasks::image::{
    ClassProbability, ExportConfig, Exported, ImageConfig, Prediction, TrainedOn, read_genotype,
    read_image,
};
pub use trained::{Trained, trained_network};
pub use trainer::{Judging, Trainer, score_by_class, score_network};
pub use weights::{read_weights, read_weights_under, write_weights};
