use burn::module::{AutodiffModule, Module};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Optimizer, Sgd};
use burn::tensor::backend::{AutodiffBackend, Backend};
use serde_json::json;
use supernet::{DerivedConfig, DerivedNetwork, TrainBackend, WeightInit};
use workbench::checkpoint::{Checkpoint, Loaded, RunMark, encode_record};
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
    /// The network to go back to, if the training stops early.
    pub best: Option<Best<B::InnerBackend>>,
    /// Epochs finished.
    pub epoch: usize,
}

/// The network that erred least on the images held out.
#[derive(Debug, Clone)]
pub struct Best<B: Backend> {
    /// As it was scored.
    pub network: DerivedNetwork<B>,
    /// The epoch after which it was scored, counted from 1; 0 before there was one.
    pub epoch: usize,
    /// Its error, in percent.
    pub error: f64,
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
            best: (config.fit.patience > 0).then(|| Best {
                network: model.valid(),
                epoch: 0,
                error: f64::INFINITY,
            }),
            model,
            optimizer: sgd_config(config.weights.momentum, config.weights.weight_decay).init(),
            epoch: 0,
        })
    }

    /// The network that is scored: the average where there is one.
    pub fn scored(&self) -> DerivedNetwork<B::InnerBackend> {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    /// The network that the training results in, and the epoch it is of: the best one where the
    /// training may stop early, else the last.
    pub fn result(&self) -> (DerivedNetwork<B::InnerBackend>, usize) {
        match &self.best {
            Some(best) => (best.network.clone(), best.epoch),
            None => (self.scored(), self.epoch),
        }
    }

    /// Ends an epoch. Where the training may stop early, the network is kept if it errs less on the
    /// images held out than any before.
    pub fn finish_epoch(&mut self, validation_error: Option<f64>) {
        self.epoch += 1;
        let network = self.scored();
        if let (Some(best), Some(error)) = (&mut self.best, validation_error)
            && error < best.error
        {
            *best = Best {
                network,
                epoch: self.epoch,
                error,
            };
        }
    }

    /// Whether the best epoch was `patience` epochs ago or earlier.
    pub fn is_patience_over(&self, patience: usize) -> bool {
        let best = self.best.as_ref();
        best.is_some_and(|best| self.epoch >= best.epoch + patience)
    }

    /// The state as a checkpoint of a run.
    ///
    /// # Errors
    ///
    /// When a record cannot be encoded.
    pub fn checkpoint(&self, run: &RunMark) -> Result<Checkpoint, TrainError> {
        let model = encode_record::<B, _>("model", self.model.clone().into_record())?;
        let sgd = encode_record::<B, _>("sgd", self.optimizer.to_record())?;
        let mut checkpoint = Checkpoint::of_run(run, self.epoch)
            .with_section("model", model)
            .with_section("sgd", sgd);
        if let Some(average) = &self.average {
            let record = average.clone().into_record();
            let average = encode_record::<B::InnerBackend, _>("average", record)?;
            checkpoint = checkpoint.with_section("average", average);
        }
        if let Some(best) = &self.best {
            checkpoint.header["best"] = json!({ "epoch": best.epoch, "error": best.error });
            let record = best.network.clone().into_record();
            let best = encode_record::<B::InnerBackend, _>("best", record)?;
            checkpoint = checkpoint.with_section("best", best);
        }
        Ok(checkpoint)
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
        if let Some(best) = self.best.take() {
            let record = loaded.record::<B::InnerBackend, _>("best", device)?;
            let header = &loaded.checkpoint.header["best"];
            self.best = Some(Best {
                network: best.network.load_record(record),
                epoch: header["epoch"].as_u64().unwrap_or_default() as usize,
                error: header["error"].as_f64().unwrap_or(f64::INFINITY),
            });
        }
        self.optimizer = self
            .optimizer
            .load_record(loaded.record::<B, _>("sgd", device)?);
        self.epoch = loaded.index as usize;
        Ok(self)
    }
}
