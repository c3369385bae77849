//! One binary for all of them: each further one compiles the tensors of a backend once more.

mod asked;
mod checkpoints;
mod fit_commands;
mod fit_resume;
mod genotypes;
mod image_folders;
mod killed;
mod language;
#[cfg(target_os = "linux")]
mod memory;
mod onnx;
mod own_recipe;
mod page;
mod portability;
mod recipe;
mod refusals;
mod scene;
mod searched;
mod shell;
mod sums;
mod torch;
