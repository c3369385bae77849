use std::path::Path;

use burn::module::{AutodiffModule, Module};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Optimizer, Sgd};
use burn::tensor::backend::AutodiffBackend;
use serde_json::json;
use supernet::{DerivedConfig, DerivedNetwork, TrainBackend, WeightInit};
use workbench::checkpoint::{Checkpoint, Loaded, encode_record};
use workbench::optim::sgd_config;

use crate::{FitConfig, TrainError};

type SgdOf<B> = Sgd<<B as AutodiffBackend>::InnerBackend>;

/// Everything a training changes, and so everything a checkpoint holds. Order, changes to images and
/// drop-path are functions of the seed and the step, so they have no state.
pub struct FitState<B: TrainBackend> {
    /// Weights and running statistics.
    pub model: DerivedNetwork<B>,
    /// Moving average of `model`, if one is kept.
    pub average: Option<DerivedNetwork<B::InnerBackend>>,
    /// Optimiser of the weights.
    pub optimizer: OptimizerAdaptor<SgdOf<B>, DerivedNetwork<B>, B>,
    /// Epochs finished.
    pub epoch: usize,
}

impl<B: TrainBackend> FitState<B> {
    /// The state at the start of a training.
    ///
    /// # Errors
    ///
    /// When the network is impossible.
    pub fn new(
        config: &FitConfig,
        derived: &DerivedConfig,
        device: &B::Device,
    ) -> Result<Self, TrainError> {
        let model = derived.init::<B>(&mut WeightInit::new(config.seed), device)?;
        Ok(Self {
            average: (config.fit.average_decay > 0.0).then(|| model.valid()),
            model,
            optimizer: sgd_config(config.weights.momentum, config.weights.weight_decay).init(),
            epoch: 0,
        })
    }

    /// The network that is scored: the average where there is one.
    pub fn scored(&self) -> DerivedNetwork<B::InnerBackend> {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    /// The state as a checkpoint of a configuration with this fingerprint.
    ///
    /// # Errors
    ///
    /// When a record cannot be encoded.
    pub fn checkpoint(&self, fingerprint: &str, backend: &str) -> Result<Checkpoint, TrainError> {
        let header = json!({
            "config": fingerprint,
            "backend": backend,
            "epoch": self.epoch,
        });
        let model = encode_record::<B, _>("model", self.model.clone().into_record())?;
        let sgd = encode_record::<B, _>("sgd", self.optimizer.to_record())?;
        let mut checkpoint = Checkpoint::new(header)
            .with_section("model", model)
            .with_section("sgd", sgd);
        if let Some(average) = &self.average {
            let record = average.clone().into_record();
            let average = encode_record::<B::InnerBackend, _>("average", record)?;
            checkpoint = checkpoint.with_section("average", average);
        }
        Ok(checkpoint)
    }

    /// Checks that a checkpoint belongs to the configuration with this fingerprint.
    ///
    /// # Errors
    ///
    /// [`TrainError::OtherConfig`] when it does not.
    pub fn check(run: &Path, loaded: &Loaded, fingerprint: &str) -> Result<(), TrainError> {
        let found = loaded.checkpoint.header["config"]
            .as_str()
            .unwrap_or("none");
        if found == fingerprint {
            return Ok(());
        }
        let short = |text: &str| text.chars().take(12).collect::<String>();
        Err(TrainError::OtherConfig {
            run: run.to_path_buf(),
            found: short(found),
            expected: short(fingerprint),
        })
    }

    /// Puts a checkpoint's state in place of this one's.
    ///
    /// # Errors
    ///
    /// When a section cannot be read.
    pub fn restore(mut self, loaded: &Loaded, device: &B::Device) -> Result<Self, TrainError> {
        // Weights first: their record restores the parameter ids that the optimiser's refers to.
        self.model = self
            .model
            .load_record(loaded.record::<B, _>("model", device)?);
        self.average = match self.average {
            Some(average) => {
                let record = loaded.record::<B::InnerBackend, _>("average", device)?;
                Some(average.load_record(record))
            }
            None => None,
        };
        self.optimizer = self
            .optimizer
            .load_record(loaded.record::<B, _>("sgd", device)?);
        self.epoch = loaded.index as usize;
        Ok(self)
    }
}
