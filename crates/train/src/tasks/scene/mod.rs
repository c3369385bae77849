//! Retraining networks that tell the class of every pixel, by the recipe that such networks are published with.

mod commands;
mod config;
mod count;
mod encoder;
mod export;
mod import;
mod look;
mod onnx;
mod portable;
mod predict;
mod recipe;
mod write;

pub use commands::SceneCommand;
pub use config::{EncoderKind, SceneEncoder, SceneFit, SceneSection, TrainingShare};
pub use export::{SceneExport, SceneImages, SceneTrainedOn};
pub use predict::{ClassShare, SceneMask};
pub use recipe::SceneRecipe;
