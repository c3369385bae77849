use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Adam, Optimizer, Sgd};
use burn::record::{FullPrecisionSettings, NamedMpkBytesRecorder, Record, Recorder};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use serde_json::json;
use supernet::{Architecture, Supernet, SupernetConfig, TrainBackend, WeightInit};
use workbench::checkpoint::{Checkpoint, Loaded};
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

    /// The state as a checkpoint of a configuration with this fingerprint.
    ///
    /// # Errors
    ///
    /// When a record cannot be encoded.
    pub fn checkpoint(&self, fingerprint: &str, backend: &str) -> Result<Checkpoint, SearchError> {
        let header = json!({
            "config": fingerprint,
            "backend": backend,
            "epoch": self.epoch,
        });
        Ok(Checkpoint::new(header)
            .with_section(
                "supernet",
                encode::<B, _>("supernet", self.supernet.clone().into_record())?,
            )
            .with_section(
                "architecture",
                encode::<B, _>("architecture", self.architecture.clone().into_record())?,
            )
            .with_section(
                "sgd",
                encode::<B, _>("sgd", self.weight_optimizer.to_record())?,
            )
            .with_section(
                "adam",
                encode::<B, _>("adam", self.alpha_optimizer.to_record())?,
            ))
    }

    /// Checks that a checkpoint belongs to the configuration with this fingerprint.
    ///
    /// # Errors
    ///
    /// [`SearchError::OtherConfig`] when it does not.
    pub fn check(loaded: &Loaded, fingerprint: &str) -> Result<(), SearchError> {
        let found = loaded.checkpoint.header["config"]
            .as_str()
            .unwrap_or("none");
        if found == fingerprint {
            return Ok(());
        }
        let short = |text: &str| text.chars().take(12).collect::<String>();
        Err(SearchError::OtherConfig {
            run: run_of(loaded),
            found: short(found),
            expected: short(fingerprint),
        })
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
        Self::check(loaded, fingerprint)?;
        // Weights first: their records restore the parameter ids that the optimisers' refer to.
        self.supernet = self
            .supernet
            .load_record(decode::<B, _>(loaded, "supernet", device)?);
        self.architecture =
            self.architecture
                .load_record(decode::<B, _>(loaded, "architecture", device)?);
        self.weight_optimizer = self
            .weight_optimizer
            .load_record(decode::<B, _>(loaded, "sgd", device)?);
        self.alpha_optimizer = self
            .alpha_optimizer
            .load_record(decode::<B, _>(loaded, "adam", device)?);
        self.epoch = loaded.index as usize;
        Ok(self)
    }
}

fn run_of(loaded: &Loaded) -> String {
    let run = loaded.path.parent().and_then(|folder| folder.parent());
    run.unwrap_or(&loaded.path).display().to_string()
}

type BytesRecorder = NamedMpkBytesRecorder<FullPrecisionSettings>;

fn encode<B: Backend, R: Record<B>>(
    section: &'static str,
    record: R,
) -> Result<Vec<u8>, SearchError> {
    Recorder::<B>::record(&BytesRecorder::default(), record, ()).map_err(|error| {
        SearchError::Restore {
            run: "new checkpoint".into(),
            section,
            problem: error.to_string(),
        }
    })
}

fn decode<B: Backend, R: Record<B>>(
    loaded: &Loaded,
    section: &'static str,
    device: &B::Device,
) -> Result<R, SearchError> {
    let bytes = loaded.section(section)?.to_vec();
    Recorder::<B>::load(&BytesRecorder::default(), bytes, device).map_err(|error| {
        SearchError::Restore {
            run: run_of(loaded),
            section,
            problem: error.to_string(),
        }
    })
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
