//! Tensors in safetensors files, for every program that reads them.

use std::collections::HashMap;
use std::path::Path;

use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};

use crate::{Result, WorkbenchError, files};

/// A tensor of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TensorSlice<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its shape.
    pub shape: &'a [usize],
    /// Its values, row by row.
    pub values: &'a [f32],
}

/// Writes tensors as a safetensors file of f32.
///
/// # Errors
///
/// When a tensor has not as many values as its shape says, or the file cannot be written.
pub fn write_safetensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = TensorSlice<'a>>,
) -> Result<()> {
    let bytes = |tensor: TensorSlice<'a>| {
        let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes());
        (tensor, bytes.collect::<Vec<u8>>())
    };
    let bytes: Vec<_> = tensors.into_iter().map(bytes).collect();
    let views = bytes
        .iter()
        .map(|(tensor, bytes)| {
            let view = TensorView::new(Dtype::F32, tensor.shape.to_vec(), bytes);
            view.map(|view| (tensor.name, view))
        })
        .collect::<std::result::Result<Vec<_>, _>>();
    // The name of the layout, as PyTorch's own tools write it.
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let file = views.and_then(|views| serialize(views, Some(metadata)));
    let file = file.map_err(|error| WorkbenchError::Tensors {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })?;
    files::write_atomic(path, file)
}
