use serde_json::Value;
use supernet::TrainBackend;
use workbench::checkpoint::{self, Loaded};
use workbench::cli::command;
use workbench::config::{Source, task_name};
use workbench::files::read_to_string;
use workbench::run_folder::RunFolder;

use crate::portable::Portable;
use crate::{FitConfig, Recipe, TrainError, TrainRecipe, Trainer};

/// The network that a run's last checkpoint results in.
#[derive(Debug)]
pub struct Trained<M> {
    /// As it is scored.
    pub network: M,
    /// Epochs it was trained for.
    pub epoch: usize,
    /// What a person should know about it, a sentence each: that the run is not finished, or that a
    /// checkpoint could not be read.
    pub notes: Vec<String>,
}

/// Reads the network that a run's last checkpoint results in.
///
/// # Errors
///
/// When the run has no readable checkpoint, or it was made with another configuration or with data that
/// the network cannot be scored on.
pub fn trained_network<B: TrainBackend, R: Portable + TrainRecipe<B>>(
    folder: &RunFolder,
    trainer: &Trainer<R>,
    device: &B::Device,
) -> Result<Trained<<R as Recipe>::Model<B::InnerBackend>>, TrainError> {
    let loaded = load_latest(folder)?;
    let extension = trainer.config.extension.as_ref();
    let extended = extension.map(|extension| extension.of.as_str());
    loaded.check_config(&trainer.config.fingerprint()?, extended)?;
    R::check_network(&trainer.problem, loaded.data()?)?;
    let state = trainer.init::<B>(device)?.restore(&loaded, device)?;
    let (network, epoch) = state.result();
    let mut notes: Vec<String> = loaded.warning.into_iter().collect();
    if !folder.result().exists() {
        let path = folder.path().display().to_string();
        notes.push(format!(
            "run folder `{path}` is not finished: the network is that of epoch {epoch} of {}; to go on: \
             {}",
            trainer.config.fit.epochs,
            command("train", &["resume", &path])
        ));
    }
    Ok(Trained {
        network,
        epoch,
        notes,
    })
}

/// What a run's last checkpoint says of its data.
///
/// # Errors
///
/// When the run has no readable checkpoint.
pub(crate) fn remembered_data(folder: &RunFolder) -> Result<Value, TrainError> {
    Ok(load_latest(folder)?.data()?.clone())
}

fn load_latest(folder: &RunFolder) -> Result<Loaded, TrainError> {
    checkpoint::load_latest(folder.path())?.ok_or_else(|| TrainError::NothingTrained {
        run: folder.path().to_path_buf(),
    })
}

/// Reads the configuration of a run.
///
/// # Errors
///
/// When the file is missing or not valid.
pub(crate) fn read_config<R: Recipe>(folder: &RunFolder) -> Result<FitConfig<R>, TrainError> {
    with_source(folder, |source| FitConfig::resolve(Some(source), &[]))
}

/// The task of a run.
///
/// # Errors
///
/// When its configuration is missing or not TOML.
pub(crate) fn run_task(folder: &RunFolder) -> Result<String, TrainError> {
    with_source(folder, |source| Ok(task_name(Some(source), &[])?))
}

fn with_source<T>(
    folder: &RunFolder,
    read: impl FnOnce(Source<'_>) -> Result<T, TrainError>,
) -> Result<T, TrainError> {
    let path = folder.config();
    let (name, text) = (path.display().to_string(), read_to_string(&path)?);
    read(Source {
        name: &name,
        text: &text,
    })
}
