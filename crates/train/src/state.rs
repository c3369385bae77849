use burn::module::{AutodiffModule, Module};
use burn::optim::Optimizer;
use burn::optim::adaptor::OptimizerAdaptor;
use burn::tensor::backend::AutodiffBackend;
use serde_json::json;
use supernet::{Sgd, TrainBackend, WeightInit};
use workbench::WorkbenchError;
use workbench::checkpoint::{Checkpoint, Loaded, encode_record};
use workbench::problem::{Metric, Score};

use crate::{FitConfig, Recipe, TrainError, TrainRecipe};

/// A recipe's network without gradients.
type Plain<B, R> = <R as Recipe>::Model<<B as AutodiffBackend>::InnerBackend>;

/// Everything a training changes, and so everything a checkpoint holds. Order, changes to examples and
/// what a pass draws are functions of the seed and the step, and what is carried from batch to batch
/// ends with its epoch, so they have no state.
pub struct FitState<B: TrainBackend, R: TrainRecipe<B>> {
    /// Weights and running statistics.
    pub model: R::Model<B>,
    /// Average of `model` over the steps, if one is kept.
    pub average: Option<Plain<B, R>>,
    /// Optimiser of the weights.
    pub optimizer: OptimizerAdaptor<Sgd, R::Model<B>, B>,
    /// The network to go back to, if the training stops early.
    pub best: Option<Best<Plain<B, R>>>,
    /// Scores on the examples held out, if any, of the epochs finished.
    pub validation: Vec<Score>,
    /// The learning rate that the schedule had for the last step, if there was one.
    pub scheduled_rate: Option<f64>,
    /// Epochs finished.
    pub epoch: usize,
}

/// The network of the best validation score.
#[derive(Debug, Clone)]
pub struct Best<M> {
    /// As it was scored.
    pub network: M,
    /// The epoch after which it was scored, counted from 1; 0 before there was one.
    pub epoch: usize,
    /// The score, in the metric's unit.
    pub value: f64,
}

impl<B: TrainBackend, R: TrainRecipe<B>> FitState<B, R> {
    /// The state at the start of a training.
    ///
    /// # Errors
    ///
    /// When the network is impossible.
    pub fn new(
        config: &FitConfig<R>,
        recipe: &R,
        metric: &Metric,
        device: &B::Device,
    ) -> Result<Self, TrainError> {
        let model = recipe.init::<B>(&mut WeightInit::new(config.seed), device)?;
        Ok(Self::of_model(config, model, metric))
    }

    /// The state at the start of a training of this network.
    pub(crate) fn of_model(config: &FitConfig<R>, model: R::Model<B>, metric: &Metric) -> Self {
        Self {
            average: R::averaging(config, &[]).initial(|| model.valid()),
            best: (config.fit.patience > 0).then(|| Best {
                network: model.valid(),
                epoch: 0,
                value: metric.worst(),
            }),
            model,
            optimizer: Sgd::optimizer(config.weights.momentum, config.weights.weight_decay),
            validation: Vec::new(),
            scheduled_rate: None,
            epoch: 0,
        }
    }

    /// The network that is scored: the average where there is one.
    pub fn scored(&self) -> Plain<B, R> {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    /// The network that the training results in, and the epoch it is of: the best one where the
    /// training may stop early, else the last.
    pub fn result(&self) -> (Plain<B, R>, usize) {
        match &self.best {
            Some(best) => (best.network.clone(), best.epoch),
            None => (self.scored(), self.epoch),
        }
    }

    /// Ends an epoch. Where the training may stop early, the network is kept if it does better on the
    /// examples held out than any before.
    pub fn finish_epoch(&mut self, validation: Option<Score>, metric: &Metric) {
        self.epoch += 1;
        self.validation.extend(validation);
        let network = self.scored();
        if let (Some(best), Some(score)) = (&mut self.best, validation)
            && metric.better(score.value, best.value)
        {
            *best = Best {
                network,
                epoch: self.epoch,
                value: score.value,
            };
        }
    }

    /// Whether the best epoch was `patience` epochs ago or earlier.
    pub fn is_patience_over(&self, patience: usize) -> bool {
        let best = self.best.as_ref();
        best.is_some_and(|best| self.epoch >= best.epoch + patience)
    }

    /// Adds the state to a checkpoint of a run.
    ///
    /// # Errors
    ///
    /// When a record cannot be encoded.
    pub fn save(&self, mut checkpoint: Checkpoint) -> Result<Checkpoint, TrainError> {
        let model = encode_record::<B, _>("model", self.model.clone().into_record())?;
        let sgd = encode_record::<B, _>("sgd", self.optimizer.to_record())?;
        checkpoint.header["validation"] = json!(self.validation);
        checkpoint.header["scheduled_rate"] = json!(self.scheduled_rate);
        checkpoint = checkpoint
            .with_section("model", model)
            .with_section("sgd", sgd);
        if let Some(average) = &self.average {
            let record = average.clone().into_record();
            let average = encode_record::<B::InnerBackend, _>("average", record)?;
            checkpoint = checkpoint.with_section("average", average);
        }
        if let Some(best) = &self.best {
            checkpoint.header["best"] = json!({ "epoch": best.epoch, "value": best.value });
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
        let header = &loaded.checkpoint.header;
        // Weights first: their record restores the parameter ids that the optimiser's refers to.
        self.model = self
            .model
            .load_record(loaded.record::<B, _>("model", device)?);
        self.average = match loaded.checkpoint.sections.contains_key("average") {
            true => {
                let record = loaded.record::<B::InnerBackend, _>("average", device)?;
                Some(self.model.valid().load_record(record))
            }
            false => None,
        };
        if let Some(best) = self.best.take() {
            let record = loaded.record::<B::InnerBackend, _>("best", device)?;
            let header = &header["best"];
            self.best = Some(Best {
                network: best.network.load_record(record),
                epoch: header["epoch"].as_u64().unwrap_or_default() as usize,
                // What is not finite has no JSON form: nothing was better than nothing yet.
                value: header["value"].as_f64().unwrap_or(best.value),
            });
        }
        self.optimizer = self
            .optimizer
            .load_record(loaded.record::<B, _>("sgd", device)?);
        let validation = header["validation"].clone();
        self.validation =
            serde_json::from_value(validation).map_err(|error| WorkbenchError::Checkpoint {
                path: loaded.path.clone(),
                problem: format!("its validation scores cannot be read ({error})"),
            })?;
        self.scheduled_rate = header["scheduled_rate"].as_f64();
        self.epoch = loaded.index as usize;
        Ok(self)
    }
}
