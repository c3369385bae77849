use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use supernet::{ModelBackend, StateDict, WeightInit};
use workbench::{WorkbenchError, files};

use crate::portable::Portable;
use crate::{OnnxModel, TrainError, read_weights, write_weights};

/// A trained network outside of its run: a folder of `config.json` and `model.safetensors`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedNetwork<R: Portable> {
    /// What it is and how examples are given to it.
    pub config: R::Export,
    /// Its weights and running statistics.
    pub weights: StateDict,
}

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
/// The field of `config.json` that says what the network is for; without it, for images.
const TASK: &str = "task";
const DEFAULT_TASK: &str = "image";

/// Whether a folder looks like an exported network.
pub fn is_exported(folder: &Path) -> bool {
    folder.join(CONFIG).is_file()
}

/// Checks that the weights of a network are numbers.
///
/// # Errors
///
/// When one is not finite: nothing that the network says has a meaning.
pub(crate) fn check_weights(network: &Path, weights: &StateDict) -> Result<(), TrainError> {
    let broken = |values: &[f32]| values.iter().copied().find(|value| !value.is_finite());
    let mut tensors = weights.iter();
    let found = tensors.find_map(|(name, tensor)| Some((name, broken(&tensor.values)?)));
    match found {
        None => Ok(()),
        Some((tensor, value)) => Err(TrainError::NotFinite {
            what: format!("network `{}`", network.display()),
            found: format!("{value} in its tensor `{tensor}`"),
        }),
    }
}

/// The task of an exported network.
///
/// # Errors
///
/// When the folder cannot be read or holds none.
pub fn exported_task(folder: &Path) -> Result<String, TrainError> {
    let mut config = read_json(folder)?;
    take_task(&mut config, folder)
}

impl<R: Portable> ExportedNetwork<R> {
    /// Whether a folder looks like an exported network.
    pub fn is_in(folder: &Path) -> bool {
        is_exported(folder)
    }

    /// Writes the folder, which must not exist yet.
    ///
    /// # Errors
    ///
    /// When it exists or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), TrainError> {
        R::validate_export(&self.config)?;
        if folder.exists() {
            return Err(TrainError::Option {
                option: "out",
                found: format!("`{}`, which exists already", folder.display()),
                valid: "a folder that is yet to be made".into(),
            });
        }
        let config = self.json()?;
        std::fs::create_dir_all(folder).map_err(WorkbenchError::io("create", folder))?;
        self.fill(folder, config + "\n").inspect_err(|_| {
            // Half an export is none, and would be in the way of the next; the first failure counts.
            let _ = std::fs::remove_dir_all(folder);
        })
    }

    /// Exports for images have no field `task`: they are older than other tasks.
    fn json(&self) -> Result<String, TrainError> {
        if R::NAME == DEFAULT_TASK {
            return Ok(serde_json::to_string_pretty(&self.config).map_err(json("the network"))?);
        }
        let mut config = serde_json::to_value(&self.config).map_err(json("the network"))?;
        config[TASK] = R::NAME.into();
        Ok(serde_json::to_string_pretty(&config).map_err(json("the network"))?)
    }

    fn fill(&self, folder: &Path, config: String) -> Result<(), TrainError> {
        write_weights(&folder.join(WEIGHTS), &self.weights)?;
        Ok(files::write_atomic(folder.join(CONFIG), config)?)
    }

    /// Reads a folder.
    ///
    /// # Errors
    ///
    /// When a file is missing, cut short, or does not describe a network of this recipe.
    pub fn read(folder: &Path) -> Result<Self, TrainError> {
        let mut config = read_json(folder)?;
        let task = take_task(&mut config, folder)?;
        if task != R::NAME {
            return Err(TrainError::field(TASK, task, R::NAME));
        }
        let config = serde_json::from_value(config).map_err(broken(folder))?;
        R::validate_export(&config)?;
        let weights = read_weights(&folder.join(WEIGHTS))?;
        Ok(Self { config, weights })
    }

    /// The network on a device.
    ///
    /// # Errors
    ///
    /// When the weights are not those of the network; nothing is allocated for one that is larger than
    /// they are.
    pub fn init<B: ModelBackend>(&self, device: &B::Device) -> Result<R::Model<B>, TrainError> {
        R::check_size(&self.config, &self.weights)?;
        let recipe = R::of_export(&self.config);
        let network = recipe.init::<B>(&mut WeightInit::new(0), device)?;
        R::load_state_dict(network, &self.weights)
    }

    /// The bytes of an ONNX file, and what it says.
    ///
    /// # Errors
    ///
    /// When the network cannot be built, or there can be no such file of it.
    pub fn onnx<B: ModelBackend>(
        &self,
        device: &B::Device,
    ) -> Result<(OnnxModel, Vec<u8>), TrainError> {
        let model = R::onnx(&self.config, &self.init::<B>(device)?)?;
        let bytes = model.encode(&self.weights)?;
        Ok((model, bytes))
    }
}

fn read_json(folder: &Path) -> Result<Value, TrainError> {
    let text = files::read_to_string(folder.join(CONFIG))?;
    Ok(serde_json::from_str(&text).map_err(broken(folder))?)
}

fn take_task(config: &mut Value, folder: &Path) -> Result<String, TrainError> {
    match config
        .as_object_mut()
        .and_then(|fields| fields.remove(TASK))
    {
        None => Ok(DEFAULT_TASK.into()),
        Some(task) => Ok(serde_json::from_value(task).map_err(broken(folder))?),
    }
}

fn broken(folder: &Path) -> impl Fn(serde_json::Error) -> WorkbenchError {
    move |error| WorkbenchError::Config {
        source_name: folder.join(CONFIG).display().to_string(),
        message: error.to_string(),
    }
}

/// A value as JSON in one line.
pub(crate) fn json_text(what: &'static str, value: &impl Serialize) -> Result<String, TrainError> {
    Ok(serde_json::to_string(value).map_err(json(what))?)
}

/// An error of writing JSON.
pub(crate) fn json(what: &'static str) -> impl FnOnce(serde_json::Error) -> WorkbenchError {
    move |source| WorkbenchError::Json { what, source }
}
