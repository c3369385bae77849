//! Retraining networks that tell classes of images apart, by the papers' recipe.

mod arguments;
mod commands;
mod config;
mod count;
mod export;
mod import;
mod onnx;
mod portable;
mod predict;
mod recipe;

pub use commands::ImageCommand;
pub use config::{ImageData, ImageFit, ImageNetwork};
pub use export::{ExportConfig, ImageConfig, TrainedOn};
pub use predict::{ClassProbability, Prediction, read_image};
pub use recipe::{ImageRecipe, read_genotype};

/// An exported network for images.
pub type Exported = crate::ExportedNetwork<ImageRecipe>;
