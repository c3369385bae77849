use std::path::PathBuf;

use egs_core::Normalization;
use serde::{Deserialize, Serialize};
use supernet::{
    ArchitectureConfig, Cost, DeriveRule, Execution, NetworkConfig, Relaxation, SearchSpace,
    SupernetConfig,
};
use toml::Table;
use workbench::config::checks::{below_one, not_negative, positive};
use workbench::config::{fingerprint, from_table, merge, overrides_table, parse_table, to_toml};
use workbench::data::{Augment, Dataset, DatasetId, FolderOptions, OnCorrupt, Splits, load_with};
use workbench::optim::Schedule;
use workbench::precision::Precision;

use crate::{SearchError, SearchMethod};

/// Everything that determines a search. A configuration file may leave fields out: they take the
/// values of the default, `configs/digits.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Begins the name of the run folder.
    pub name: String,
    /// Seed of weights, noise and order.
    pub seed: u64,
    /// What is searched on.
    pub data: DataConfig,
    /// Size of the supernet.
    pub network: SizeConfig,
    /// The search space of the cells.
    pub space: SearchSpace,
    /// How architectures are sampled.
    pub architecture: ArchitectureConfig,
    /// The loop.
    pub search: LoopConfig,
    /// Optimisation of the weights: SGD.
    pub weights: WeightsConfig,
    /// Optimisation of the architecture logits: Adam.
    pub alpha: AlphaConfig,
}

/// What is searched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The data set.
    pub set: DatasetId,
    /// Folder of its files, where it is not bundled or another copy is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// How image files become images, for `set = "folder"`.
    #[serde(default)]
    pub folder: FolderOptions,
    /// Share of the training images that trains weights; the others train the logits and judge.
    pub weights_fraction: f64,
    /// Random changes to the images that train weights.
    #[serde(default)]
    pub augment: Augment,
}

/// Size of the supernet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeConfig {
    /// Channels of the first cells.
    pub channels: usize,
    /// Number of cells.
    pub cells: usize,
}

/// The loop of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopConfig {
    /// How the architecture is searched.
    pub method: SearchMethod,
    /// Which operations the child keeps; by default the method's own rule.
    pub derive: DeriveRule,
    /// Passes over the images that train weights.
    pub epochs: usize,
    /// Epochs at the start in which only the weights are trained.
    pub warmup_epochs: usize,
    /// Images of a step; an alternating step takes this many for each kind of parameter.
    pub batch_size: usize,
    /// Which operations a step runs.
    pub execution: Execution,
    /// Keep the graph of one cell at a time: less memory for one more forward pass.
    #[serde(default)]
    pub checkpoint_cells: bool,
    /// What the supernet's convolutions compute in while it trains: f32 or bf16.
    #[serde(default)]
    pub precision: Precision,
    /// Temperature of the relaxation over the run.
    pub temperature: Schedule,
}

/// Optimisation of the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsConfig {
    /// Learning rate over the run.
    pub learning_rate: Schedule,
    /// Momentum, without dampening.
    pub momentum: f64,
    /// L2 decay, added to the gradient.
    pub weight_decay: f64,
    /// Largest norm of all gradients together.
    pub clip_norm: f64,
}

/// Optimisation of the architecture logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlphaConfig {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay rates of Adam's moments.
    pub betas: [f64; 2],
    /// L2 decay, added to the gradient.
    pub weight_decay: f64,
    /// Whether the gradient looks one weight step ahead, by finite differences; for `darts` only.
    pub second_order: bool,
    /// Weight of the mean distance between probabilities and sampled weights; 0 is off.
    pub distribution_penalty: f64,
    /// Weight of the expected cost of the cells, relative to that of all operations; 0 is off.
    pub cost_penalty: f64,
    /// What the cost is.
    pub cost: Cost,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self::resolve(None, &[])
            .expect("the embedded default configuration is valid, see the tests")
    }
}

impl SearchConfig {
    /// The default configuration: a search on the bundled digits.
    pub const DEFAULT_TOML: &str = include_str!("../../../configs/digits.toml");

    /// The configuration of a file's text (with the name errors call it by) or the default, with
    /// overrides `section.field=value`. Where the file or the overrides name another method than
    /// what they are laid on, the [values that it starts from](crate::MethodRules::defaults) come
    /// between.
    ///
    /// # Errors
    ///
    /// When a field is unknown, of a wrong type or of an impossible value.
    pub fn resolve(file: Option<(&str, &str)>, overrides: &[String]) -> Result<Self, SearchError> {
        let mut table = parse_table(Self::DEFAULT_TOML, "default")?;
        let mut source = "default".to_string();
        if let Some((name, text)) = file {
            lay(&mut table, parse_table(text, name)?)?;
            source = name.to_string();
        }
        if !overrides.is_empty() {
            lay(&mut table, overrides_table(overrides)?)?;
            source.push_str(" with overrides");
        }
        let config: Self = from_table(table, &source)?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<(), SearchError> {
        let whole = NetworkConfig {
            image_channels: self.data.set.image_shape()[0],
            // Those of a folder are counted when it is loaded; two are the fewest.
            classes: self.data.set.classes().unwrap_or(2),
            channels: self.network.channels,
            cells: self.network.cells,
        };
        whole.validate()?;
        self.data.folder.validate()?;
        self.space.validate()?;
        if self.architecture.draws == 0 {
            return Err(SearchError::field(
                "architecture.draws",
                0,
                "1 or more draws (M)",
            ));
        }
        self.validate_method()?;
        positive("search.temperature", self.search.temperature.range().0)?;
        self.architecture
            .estimator(self.search.temperature.range().0)?;
        if self.search.epochs == 0 {
            return Err(SearchError::field("search.epochs", 0, "1 or more"));
        }
        if self.search.batch_size < 2 {
            let valid = "2 or more: batch normalisation needs several images";
            return Err(SearchError::field(
                "search.batch_size",
                self.search.batch_size,
                valid,
            ));
        }
        let fraction = self.data.weights_fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            let valid = "a number between 0 and 1, such as 0.5";
            return Err(SearchError::field("data.weights_fraction", fraction, valid));
        }
        let (low, high) = self.weights.learning_rate.range();
        not_negative("weights.learning_rate", low)?;
        not_negative("weights.learning_rate", high)?;
        not_negative("alpha.learning_rate", self.alpha.learning_rate)?;
        not_negative(
            "alpha.distribution_penalty",
            self.alpha.distribution_penalty,
        )?;
        not_negative("alpha.cost_penalty", self.alpha.cost_penalty)?;
        not_negative("weights.weight_decay", self.weights.weight_decay)?;
        not_negative("alpha.weight_decay", self.alpha.weight_decay)?;
        positive("weights.clip_norm", self.weights.clip_norm)?;
        below_one("weights.momentum", self.weights.momentum)?;
        below_one("alpha.betas", self.alpha.betas[0])?;
        below_one("alpha.betas", self.alpha.betas[1])?;
        Ok(())
    }

    /// Checks that no field contradicts the method.
    fn validate_method(&self) -> Result<(), SearchError> {
        let (method, rules) = (self.search.method, self.search.method.rules());
        let refuse = |field, found: &str, valid: &str| {
            let valid = format!("{valid} with `search.method` {method}");
            Err(SearchError::field(field, found, &valid))
        };
        let draws = self.architecture.draws;
        if rules.one_draw && draws != 1 {
            return refuse("architecture.draws", &draws.to_string(), "1");
        }
        if rules.relaxation != Relaxation::Code {
            if self.architecture.normalization == Normalization::Sum {
                return refuse("architecture.normalization", "sum", "none");
            }
            if self.search.execution == Execution::Sampled {
                let valid = "exact-sparse or dense, as every operation runs,";
                return refuse("search.execution", "sampled", valid);
            }
        }
        if self.search.precision == Precision::F16 {
            let valid = "f32 or bf16: small gradients of the logits do not survive f16";
            return Err(SearchError::field("search.precision", "f16", valid));
        }
        let whole_graph = !self.search.checkpoint_cells && !self.alpha.second_order;
        if self.search.precision != Precision::F32 && !whole_graph {
            let valid = "f32 with `search.checkpoint_cells` or `alpha.second_order`";
            return Err(SearchError::field(
                "search.precision",
                self.search.precision,
                valid,
            ));
        }
        if self.alpha.second_order && self.search.checkpoint_cells {
            let valid = "false where `alpha.second_order` is true";
            return Err(SearchError::field("search.checkpoint_cells", true, valid));
        }
        if self.alpha.second_order && !rules.second_order {
            return refuse("alpha.second_order", "true", "false");
        }
        for (field, penalty, meaningless) in [
            (
                "alpha.distribution_penalty",
                self.alpha.distribution_penalty,
                // The weights of a mixture are the probabilities.
                !rules.learns || rules.relaxation == Relaxation::Mixture,
            ),
            ("alpha.cost_penalty", self.alpha.cost_penalty, !rules.learns),
        ] {
            if penalty > 0.0 && meaningless {
                return refuse(field, &penalty.to_string(), "0");
            }
        }
        // Equal probabilities have no most probable code.
        if !rules.learns && self.search.derive != DeriveRule::SampledCode {
            return refuse("search.derive", "another rule", "sampled-code");
        }
        Ok(())
    }

    /// Loads the data set.
    ///
    /// # Errors
    ///
    /// As [`load_with`].
    pub fn load(&self) -> Result<Splits, SearchError> {
        Ok(load_with(
            self.data.set,
            self.data.root.as_deref(),
            &self.data.folder,
        )?)
    }

    /// The supernet for images of a data set.
    ///
    /// # Errors
    ///
    /// When the images are too small or the parts too few for a batch.
    pub fn supernet(&self, splits: &Splits) -> Result<SupernetConfig, SearchError> {
        let [image_channels, height, width] = splits.train.image_shape();
        let network = NetworkConfig {
            image_channels,
            classes: splits.train.classes(),
            channels: self.network.channels,
            cells: self.network.cells,
        };
        network.validate_image(height, width)?;
        Ok(SupernetConfig {
            network,
            space: self.space.clone(),
        })
    }

    /// Why training images cannot be divided.
    pub(crate) fn no_division(&self, train: &Dataset) -> SearchError {
        let valid = format!("a share of {} images of 1 or more, not all", train.len());
        SearchError::field("data.weights_fraction", self.data.weights_fraction, &valid)
    }

    /// A name for the content of the configuration: a resumed run must have the same. Left out is
    /// where the data lie, which may move, and what is done about files that cannot be read, so that a
    /// run that one of them stopped can go on.
    ///
    /// # Errors
    ///
    /// When the configuration has no JSON form (a number that is not finite).
    pub fn fingerprint(&self) -> Result<String, SearchError> {
        let mut config = self.clone();
        config.data.root = None;
        config.data.folder.on_corrupt = OnCorrupt::default();
        Ok(fingerprint(&config)?)
    }

    /// The configuration as TOML.
    ///
    /// # Errors
    ///
    /// When a value has no TOML form.
    pub fn to_toml(&self) -> Result<String, SearchError> {
        Ok(to_toml(self, &self.name)?)
    }
}

/// Lays `over` on `base`, with the values of the method between where `over` names another one.
fn lay(base: &mut Table, over: Table) -> Result<(), SearchError> {
    // A method that does not exist is refused later, with all the other fields.
    let method = |table: &Table| -> Option<SearchMethod> {
        let value = table.get("search")?.get("method")?;
        value.clone().try_into().ok()
    };
    if let Some(new) = method(&over).filter(|new| method(base) != Some(*new)) {
        merge(base, parse_table(new.rules().defaults, "method")?);
    }
    merge(base, over);
    Ok(())
}

#[cfg(test)]
mod tests;
