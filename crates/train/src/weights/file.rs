use std::path::Path;

use supernet::StateDict;
use workbench::files;
use workbench::tensors::{TensorSlice, write_safetensors};

use super::problem::Problem;
use super::pytorch::read_pytorch;
use super::safetensors::read_safetensors;
use crate::TrainError;

/// Writes tensors as a safetensors file of f32.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_weights(path: &Path, state: &StateDict) -> Result<(), TrainError> {
    let tensors = state.iter().map(|(name, tensor)| TensorSlice {
        name,
        shape: &tensor.shape,
        values: &tensor.values,
    });
    Ok(write_safetensors(path, tensors)?)
}

/// Reads the tensors of a safetensors file or, where the name ends in `.pt`, `.pth` or `.pth.tar`, of
/// a PyTorch state dict, as f32. Of a checkpoint that holds a state dict under `state_dict`,
/// `model_state_dict`, `model`, `net` or `network`, beside an optimiser's for example, only that is
/// read. The prefixes `module.` and `_orig_mod.` are taken off the names, and counters (whole numbers
/// by themselves) are left out.
///
/// # Errors
///
/// When the file is missing, cut short or of another kind, holds several state dicts, or holds tensors
/// that are sparse, quantised or complex.
pub fn read_weights(path: &Path) -> Result<StateDict, TrainError> {
    read(path, None)
}

/// As [`read_weights`], of the state dict that lies under `key` in the checkpoint; `a.b` is `b` in `a`.
///
/// # Errors
///
/// As [`read_weights`], and when nothing lies there.
pub fn read_weights_under(path: &Path, key: &str) -> Result<StateDict, TrainError> {
    read(path, Some(key))
}

fn read(path: &Path, key: Option<&str>) -> Result<StateDict, TrainError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let reader: fn(&[u8], Option<&str>) -> Result<StateDict, Problem> = if ends(&[".safetensors"]) {
        read_safetensors
    } else if ends(&[".pt", ".pth", ".pth.tar"]) {
        read_pytorch
    } else {
        let problem = "is of an unknown kind; valid: .safetensors, .pt, .pth and .pth.tar";
        return Err(broken(path, problem.into()));
    };
    let bytes = files::read(path)?;
    reader(&bytes, key).map_err(|problem| broken(path, problem.to_string()))
}

fn broken(path: &Path, problem: String) -> TrainError {
    TrainError::Weights {
        path: path.to_path_buf(),
        problem,
    }
}
