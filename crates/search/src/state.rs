use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Adam, Optimizer};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use supernet::{Architecture, Sgd, TrainBackend, WeightInit};
use workbench::checkpoint::{Checkpoint, Loaded, encode_record};
use workbench::optim::adam_config;

use crate::{SearchConfig, SearchError, TrainTask};

/// Everything a search changes, and so everything a checkpoint holds. Noise, order and augmentation
/// are functions of the seed and the step, so they have no state.
pub struct SearchState<B: TrainBackend, T: TrainTask<B>> {
    /// Weights.
    pub supernet: T::Supernet<B>,
    /// Architecture logits.
    pub architecture: Architecture<B>,
    /// Optimiser of the weights only.
    pub weight_optimizer: OptimizerAdaptor<Sgd, T::Supernet<B>, B>,
    /// Optimiser of the logits only.
    pub alpha_optimizer: OptimizerAdaptor<Adam, Architecture<B>, B>,
    /// What the last batches left to the next ones. An epoch starts without any, so checkpoints, which
    /// are made between epochs, have none.
    pub carries: Carries<T::Carry<B>>,
    /// Epochs finished.
    pub epoch: usize,
}

/// What goes from batch to batch in both streams of an epoch.
#[derive(Debug, Clone, Default)]
pub struct Carries<C> {
    /// Of the batches that train weights.
    pub weights: C,
    /// Of those that train logits.
    pub logits: C,
}

impl<B: TrainBackend, T: TrainTask<B>> SearchState<B, T> {
    /// The state at the start of a search.
    ///
    /// # Errors
    ///
    /// When the supernet is impossible.
    pub fn new(
        config: &SearchConfig<T>,
        task: &T,
        device: &B::Device,
    ) -> Result<Self, SearchError> {
        let mut init = WeightInit::new(config.seed);
        let weights = task.supernet::<B>(&mut init, device)?;
        let activation = config.architecture.activation;
        let architecture = if config.search.method.rules().learns {
            Architecture::new(&config.space, activation, &mut init, device)
        } else {
            Architecture::uniform(&config.space, activation, device)
        };
        let state = Self {
            supernet: weights,
            architecture,
            weight_optimizer: Sgd::optimizer(config.weights.momentum, config.weights.weight_decay),
            alpha_optimizer: adam_config(config.alpha.betas, config.alpha.weight_decay).init(),
            carries: Carries::default(),
            epoch: 0,
        };
        debug_assert!(state.parameter_sets_are_disjoint());
        Ok(state)
    }

    /// Whether no parameter belongs to both optimisers.
    pub fn parameter_sets_are_disjoint(&self) -> bool {
        let weights = parameter_ids(&self.supernet);
        let logits = parameter_ids(&self.architecture);
        !logits.is_empty() && weights.is_disjoint(&logits)
    }

    /// Adds the state to a checkpoint.
    ///
    /// # Errors
    ///
    /// When a record cannot be encoded.
    pub fn save(&self, checkpoint: Checkpoint) -> Result<Checkpoint, SearchError> {
        let supernet = self.supernet.clone().into_record();
        let architecture = self.architecture.clone().into_record();
        let sections = [
            ("supernet", encode_record::<B, _>("supernet", supernet)?),
            (
                "architecture",
                encode_record::<B, _>("architecture", architecture)?,
            ),
            (
                "sgd",
                encode_record::<B, _>("sgd", self.weight_optimizer.to_record())?,
            ),
            (
                "adam",
                encode_record::<B, _>("adam", self.alpha_optimizer.to_record())?,
            ),
        ];
        let add = |checkpoint: Checkpoint, (name, bytes)| checkpoint.with_section(name, bytes);
        Ok(sections.into_iter().fold(checkpoint, add))
    }

    /// Puts a checkpoint's state in place of this one's.
    ///
    /// # Errors
    ///
    /// When a section cannot be read.
    pub fn restore(mut self, loaded: &Loaded, device: &B::Device) -> Result<Self, SearchError> {
        // Weights first: their records restore the parameter ids that the optimisers' refer to.
        self.supernet = self
            .supernet
            .load_record(loaded.record::<B, _>("supernet", device)?);
        self.architecture = self
            .architecture
            .load_record(loaded.record::<B, _>("architecture", device)?);
        self.weight_optimizer = self
            .weight_optimizer
            .load_record(loaded.record::<B, _>("sgd", device)?);
        self.alpha_optimizer = self
            .alpha_optimizer
            .load_record(loaded.record::<B, _>("adam", device)?);
        self.epoch = loaded.index as usize;
        Ok(self)
    }
}

fn parameter_ids<B: AutodiffBackend, M: Module<B>>(module: &M) -> BTreeSet<u64> {
    struct Ids(BTreeSet<u64>);
    impl<B: Backend> ModuleVisitor<B> for Ids {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            self.0.insert(param.id.val());
        }
    }
    let mut ids = Ids(BTreeSet::new());
    module.visit(&mut ids);
    ids.0
}
