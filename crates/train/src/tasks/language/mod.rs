//! Retraining networks that predict the next word, by the published recipe of recurrent cells.

mod commands;
mod config;
mod count;
mod export;
mod import;
mod onnx;
mod portable;
mod predict;
mod reader;
mod recipe;
mod sample;
mod spelling;
mod vocabulary;

pub use commands::LanguageCommand;
pub use config::{CellKind, LanguageFit, LanguageSection};
pub use export::{LanguageExport, LanguageTrainedOn};
pub use predict::{NextWord, Reading};
pub use recipe::LanguageRecipe;
