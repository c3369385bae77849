use std::collections::HashMap;
use std::path::Path;

use burn::tensor::DType;
use burn_store::pytorch::PytorchReader;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use supernet::{NamedTensor, StateDict};
use workbench::files;

use crate::TrainError;

/// Writes tensors as a safetensors file of f32.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_weights(path: &Path, state: &StateDict) -> Result<(), TrainError> {
    let bytes: Vec<(&String, &NamedTensor, Vec<u8>)> = state
        .iter()
        .map(|(name, tensor)| {
            let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes());
            (name, tensor, bytes.collect())
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, tensor, bytes)| {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
            view.map(|view| (name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>();
    // The name of the layout, as PyTorch's own tools write it.
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let file = views.and_then(|views| serialize(views, Some(metadata)));
    let file = file.map_err(|error| broken(path, format!("cannot be made ({error})")))?;
    Ok(files::write_atomic(path, file)?)
}

/// Reads the tensors of a safetensors file or, where the name ends in `.pt`, `.pth` or `.pth.tar`, of
/// a PyTorch state dict, as f32. Of a checkpoint that holds a state dict under `state_dict`, beside
/// an optimiser's for example, only that is read; the prefix `module.` is taken off the names.
///
/// # Errors
///
/// When the file is missing, cut short or of another kind.
pub fn read_weights(path: &Path) -> Result<StateDict, TrainError> {
    const INNER: &str = "state_dict.";
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let mut state = if ends(&[".safetensors"]) {
        read_safetensors(path)?
    } else if ends(&[".pt", ".pth", ".pth.tar"]) {
        read_pytorch(path)?
    } else {
        let problem = "is of an unknown kind; valid: .safetensors, .pt, .pth and .pth.tar";
        return Err(broken(path, problem.into()));
    };
    if state.keys().any(|name| name.starts_with(INNER)) {
        state.retain(|name, _| name.starts_with(INNER));
    }
    let plain = |name: String| {
        let name = name.strip_prefix(INNER).unwrap_or(&name);
        name.strip_prefix("module.").unwrap_or(name).to_string()
    };
    let tensors = state.into_iter();
    Ok(tensors
        .map(|(name, tensor)| (plain(name), tensor))
        .collect())
}

fn read_safetensors(path: &Path) -> Result<StateDict, TrainError> {
    let bytes = files::read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| {
        broken(
            path,
            format!("is cut short or no safetensors file ({error})"),
        )
    })?;
    let mut state = StateDict::new();
    for (name, view) in file.tensors() {
        let values = match view.dtype() {
            Dtype::F32 => floats(view.data()),
            // The counts of batches that PyTorch keeps; nothing here reads them.
            Dtype::I64 => continue,
            other => {
                let problem = format!("tensor `{name}` is {other:?}; valid: F32");
                return Err(broken(path, problem));
            }
        };
        let shape = view.shape().to_vec();
        state.insert(name, NamedTensor { shape, values });
    }
    Ok(state)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let word = |chunk: &[u8]| f32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    bytes.chunks_exact(4).map(word).collect()
}

fn read_pytorch(path: &Path) -> Result<StateDict, TrainError> {
    // Read first, so that a missing file is named as any other.
    files::read(path)?;
    let reader = PytorchReader::new(path)
        .map_err(|error| broken(path, format!("is cut short or no PyTorch file ({error})")))?;
    let mut state = StateDict::new();
    for (name, snapshot) in reader.into_tensors() {
        if snapshot.dtype == DType::I64 {
            continue;
        }
        let data = snapshot
            .to_data()
            .map_err(|error| broken(path, format!("tensor `{name}` is unreadable ({error:?})")))?;
        let shape = data.shape.to_vec();
        let values = data.iter::<f32>().collect();
        state.insert(name, NamedTensor { shape, values });
    }
    Ok(state)
}

fn broken(path: &Path, problem: String) -> TrainError {
    TrainError::Weights {
        path: path.to_path_buf(),
        problem,
    }
}
