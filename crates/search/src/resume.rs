//! How a search goes on: where its data lie now, and for how long.

use workbench::checkpoint;
use workbench::cli::{ResumeArgs, extended_schedule};
use workbench::run_folder::RunFolder;
use workbench::session::Extension;

use crate::{SearchConfig, SearchError, Task};

/// What a person asks of a search that goes on.
#[derive(Debug, Default)]
pub(crate) struct Continuation {
    pub(crate) resume: ResumeArgs,
    /// Temperature of the epochs that are left.
    pub(crate) temperature: Option<String>,
}

impl Continuation {
    /// The configuration that the search of a folder goes on with.
    ///
    /// # Errors
    ///
    /// When it cannot be read, its data have no folder to be moved, or its schedules have come to an end.
    pub(crate) fn config<T: Task>(
        &self,
        folder: &RunFolder,
    ) -> Result<SearchConfig<T>, SearchError> {
        let config = SearchConfig::<T>::of_run(folder)?;
        let config = config.with_root(self.resume.data_root.as_deref())?;
        match self.resume.epochs {
            Some(epochs) => self.extended(folder, config, epochs),
            None => Ok(config),
        }
    }

    fn extended<T: Task>(
        &self,
        folder: &RunFolder,
        mut config: SearchConfig<T>,
        epochs: usize,
    ) -> Result<SearchConfig<T>, SearchError> {
        let before = config.search.epochs;
        let rate = self.resume.learning_rate.as_deref();
        let temperature = self.temperature.as_deref();
        if epochs == before && rate.is_none() && temperature.is_none() {
            return Ok(config);
        }
        // Without a checkpoint nothing was trained along the schedules.
        if let Some(loaded) = checkpoint::load_latest(folder.path())? {
            config.extension = Some(Extension::of(&loaded, epochs)?);
            let (weights, search) = (&mut config.weights, &mut config.search);
            weights.learning_rate = extended_schedule(
                "weights.learning_rate",
                "learning-rate",
                rate,
                weights.learning_rate,
                before,
            )?;
            search.temperature = extended_schedule(
                "search.temperature",
                "temperature",
                temperature,
                search.temperature,
                before,
            )?;
        }
        config.search.epochs = epochs;
        config.validate()?;
        Ok(config)
    }
}
