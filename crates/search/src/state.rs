use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Adam, Optimizer, Sgd};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use supernet::{Architecture, Supernet, SupernetConfig, TrainBackend, WeightInit};
use workbench::checkpoint::{Checkpoint, Loaded, RunMark, encode_record};
use workbench::optim::{adam_config, sgd_config};

use crate::{SearchConfig, SearchError};

type SgdOf<B> = Sgd<<B as AutodiffBackend>::InnerBackend>;

/// Everything a search changes, and so everything a checkpoint holds. Noise, order and augmentation
/// are functions of the seed and the step, so they have no state.
pub struct SearchState<B: TrainBackend> {
    /// Weights.
    pub supernet: Supernet<B>,
    /// Architecture logits.
    pub architecture: Architecture<B>,
    /// Optimiser of the weights only.
    pub weight_optimizer: OptimizerAdaptor<SgdOf<B>, Supernet<B>, B>,
    /// Optimiser of the logits only.
    pub alpha_optimizer: OptimizerAdaptor<Adam, Architecture<B>, B>,
    /// Epochs finished.
    pub epoch: usize,
}

impl<B: TrainBackend> SearchState<B> {
    /// The state at the start of a search.
    ///
    /// # Errors
    ///
    /// When the supernet is impossible.
    pub fn new(
        config: &SearchConfig,
        supernet: &SupernetConfig,
        device: &B::Device,
    ) -> Result<Self, SearchError> {
        let mut init = WeightInit::new(config.seed);
        let weights = supernet.init::<B>(&mut init, device)?;
        let activation = config.architecture.activation;
        let architecture = if config.search.method.rules().learns {
            Architecture::new(&supernet.space, activation, &mut init, device)
        } else {
            Architecture::uniform(&supernet.space, activation, device)
        };
        let state = Self {
            supernet: weights,
            architecture,
            weight_optimizer: sgd_config(config.weights.momentum, config.weights.weight_decay)
                .init(),
            alpha_optimizer: adam_config(config.alpha.betas, config.alpha.weight_decay).init(),
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

    /// The state as a checkpoint of a run.
    ///
    /// # Errors
    ///
    /// When a record cannot be encoded.
    pub fn checkpoint(&self, run: &RunMark) -> Result<Checkpoint, SearchError> {
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
        let bare = Checkpoint::of_run(run, self.epoch);
        let add = |checkpoint: Checkpoint, (name, bytes)| checkpoint.with_section(name, bytes);
        Ok(sections.into_iter().fold(bare, add))
    }

    /// Puts a checkpoint's state in place of this one's.
    ///
    /// # Errors
    ///
    /// When the checkpoint belongs to another configuration or a section cannot be read.
    pub fn restore(
        mut self,
        loaded: &Loaded,
        fingerprint: &str,
        device: &B::Device,
    ) -> Result<Self, SearchError> {
        loaded.check_config(fingerprint)?;
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
