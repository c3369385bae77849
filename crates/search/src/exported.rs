use std::path::Path;

use serde_json::Value;
use supernet::StateDict;
use workbench::WorkbenchError;
use workbench::files::write_json;
use workbench::tensors::{TensorSlice, write_safetensors};

use crate::SearchError;

/// A child with inherited weights as other programs read it: a folder of `config.json` and
/// `model.safetensors`, as `train export` writes one.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedChild {
    /// What the network is and how examples are given to it.
    pub config: Value,
    /// Its weights and running statistics.
    pub weights: StateDict,
}

impl ExportedChild {
    /// Writes the folder, or what is in it anew. Without `config.json` it is no exported network, so that
    /// a process that is killed leaves none of two halves.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), SearchError> {
        std::fs::create_dir_all(folder).map_err(WorkbenchError::io("create", folder))?;
        let config = folder.join("config.json");
        if config.exists() {
            std::fs::remove_file(&config).map_err(WorkbenchError::io("remove", &config))?;
        }
        let tensors = self.weights.iter().map(|(name, tensor)| TensorSlice {
            name,
            shape: &tensor.shape,
            values: &tensor.values,
        });
        write_safetensors(&folder.join("model.safetensors"), tensors)?;
        Ok(write_json(config, "the child", &self.config)?)
    }
}
