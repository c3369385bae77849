use std::path::Path;

use egs_core::Normalization;
use serde::{Deserialize, Serialize};
use supernet::{
    ArchitectureConfig, Cost, DeriveRule, Execution, OperationSet, Relaxation, SearchSpace,
};
use toml::{Table, Value};
use workbench::config::checks::{below_one, not_blank, not_negative, positive};
use workbench::config::{
    Source, fingerprint, make_absolute, merge, parse_table, resolve, set_root, stated, to_toml,
};
use workbench::files;
use workbench::optim::Schedule;
use workbench::precision::Precision;
use workbench::run_folder::{RunFolder, RunKind};
use workbench::session::Extension;

use crate::{SearchError, SearchMethod, Task};

/// Everything that determines a search of a task. A configuration file may leave fields out: they take
/// the task's defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "", deserialize = ""))]
pub struct SearchConfig<T: Task> {
    /// Begins the name of the run folder; by default what the data are called.
    pub name: String,
    /// Seed of weights, noise and order.
    pub seed: u64,
    /// What kind of thing is learned: [`Task::NAME`].
    pub task: String,
    /// What is searched on.
    pub data: T::Data,
    /// Size of the supernet.
    pub network: T::Network,
    /// The search space of the cells.
    pub space: SearchSpace<T::Op>,
    /// How architectures are sampled.
    pub architecture: ArchitectureConfig,
    /// The loop.
    pub search: LoopConfig,
    /// Optimisation of the weights: SGD.
    pub weights: WeightsConfig,
    /// Optimisation of the architecture logits: Adam.
    pub alpha: AlphaConfig,
    /// How a shorter search was extended to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
}

/// The loop of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopConfig {
    /// How the architecture is searched.
    pub method: SearchMethod,
    /// Which operations the child keeps; by default the method's own rule.
    pub derive: DeriveRule,
    /// Most skip connections that the child's normal cell keeps; without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_skips: Option<usize>,
    /// Passes over the data that train weights.
    pub epochs: usize,
    /// Epochs at the start in which only the weights are trained.
    pub warmup_epochs: usize,
    /// Examples of a step; an alternating step takes this many for each kind of parameter.
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
    /// Weight of the expected cost of the cells, relative to that of all operations, or with a budget of
    /// what the expected child costs beyond it, relative to it; 0 is off.
    pub cost_penalty: f64,
    /// What the cost is.
    pub cost: Cost,
    /// The most that the child may cost, all its layers together; without it, as much as it comes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_budget: Option<f64>,
}

/// More draws than any row has operations.
const MOST_DRAWS: usize = 1000;

/// What all tasks share.
const COMMON: &str = include_str!("common.toml");

impl<T: Task> SearchConfig<T> {
    /// The configuration of a file or the task's defaults, with overrides `section.field=value`. The
    /// data that they choose may [bring values](Task::defaults_for), which are laid below. Where the file or the overrides name another method than what they are laid on, the [values that it
    /// starts from](crate::MethodRules::defaults) come between.
    ///
    /// # Errors
    ///
    /// When a field is unknown, of a wrong type or of an impossible value.
    pub fn resolve(file: Option<Source<'_>>, overrides: &[String]) -> Result<Self, SearchError> {
        let name = format!("task = \"{}\"", T::NAME);
        let stated = stated(file, overrides)?;
        let chosen = to_toml(&T::defaults_for(&stated)?, "default")?;
        let bases = [COMMON, &name, T::DEFAULTS, &chosen];
        let mut config: Self = resolve(&bases, file, overrides, overlay)?;
        if !stated.contains_key("name") {
            config.name = T::data_name(&config);
        }
        config.validate()?;
        Ok(config)
    }

    /// The configuration that a run folder keeps.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), and when the file cannot be read or the run was no search.
    pub fn of_run(folder: &RunFolder) -> Result<Self, SearchError> {
        RunFolder::open_as(folder.path(), RunKind::Search)?;
        let path = folder.config();
        let text = files::read_to_string(&path)?;
        let name = path.display().to_string();
        let source = Source {
            name: &name,
            text: &text,
        };
        Self::resolve(Some(source), &[])
    }

    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<(), SearchError> {
        if self.task != T::NAME {
            return Err(SearchError::field("task", &self.task, T::NAME));
        }
        not_blank("name", &self.name)?;
        T::validate(self)?;
        self.space.validate()?;
        let draws = self.architecture.draws;
        if !(1..=MOST_DRAWS).contains(&draws) {
            let valid = format!("1 or more draws (M), up to {MOST_DRAWS}");
            return Err(SearchError::field("architecture.draws", draws, &valid));
        }
        self.validate_method()?;
        self.validate_skips()?;
        self.validate_precision()?;
        let (coldest, hottest) = self.search.temperature.range();
        positive("search.temperature", coldest)?;
        positive("search.temperature", hottest)?;
        self.architecture.estimator(coldest)?;
        if self.search.epochs == 0 {
            return Err(SearchError::field("search.epochs", 0, "1 or more"));
        }
        if self.search.batch_size == 0 {
            return Err(SearchError::field("search.batch_size", 0, "1 or more"));
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
        if let Some(budget) = self.alpha.cost_budget {
            positive("alpha.cost_budget", budget)?;
        }
        not_negative("weights.weight_decay", self.weights.weight_decay)?;
        not_negative("alpha.weight_decay", self.alpha.weight_decay)?;
        positive("weights.clip_norm", self.weights.clip_norm)?;
        below_one("weights.momentum", self.weights.momentum)?;
        below_one("alpha.betas", self.alpha.betas[0])?;
        below_one("alpha.betas", self.alpha.betas[1])?;
        if let Some(extension) = &self.extension {
            extension.validate(self.search.epochs)?;
        }
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

    /// Checks that a limit of skips leaves something to derive.
    fn validate_skips(&self) -> Result<(), SearchError> {
        let Some(most) = self.search.max_skips else {
            return Ok(());
        };
        let (skip, none) = (<T::Op as OperationSet>::SKIP, <T::Op as OperationSet>::NONE);
        let mut others = self.space.operations.iter().copied().map(Some);
        let valid = if skip.is_none() {
            format!("no value with `task` {}, which has no skip", T::NAME)
        } else if others.all(|op| op == skip || op == none) {
            "no value with `space.operations` that are nothing but skips".into()
        } else {
            return Ok(());
        };
        Err(SearchError::field("search.max_skips", most, &valid))
    }

    /// Checks what the supernet computes in and what of it is kept.
    fn validate_precision(&self) -> Result<(), SearchError> {
        let (precision, cellwise) = (self.search.precision, self.search.checkpoint_cells);
        if cellwise && !T::CELLWISE {
            let valid = format!("false with `task` {}", T::NAME);
            return Err(SearchError::field("search.checkpoint_cells", true, &valid));
        }
        if precision == Precision::F16 {
            let valid = "f32 or bf16: small gradients of the logits do not survive f16";
            return Err(SearchError::field("search.precision", "f16", valid));
        }
        if !T::PRECISIONS.contains(&precision) {
            let names: Vec<_> = T::PRECISIONS.iter().map(Precision::to_string).collect();
            let valid = format!("{} with `task` {}", names.join(", "), T::NAME);
            return Err(SearchError::field("search.precision", precision, &valid));
        }
        let whole_graph = !cellwise && !self.alpha.second_order;
        if precision != Precision::F32 && !whole_graph {
            let valid = "f32 with `search.checkpoint_cells` or `alpha.second_order`";
            return Err(SearchError::field("search.precision", precision, valid));
        }
        if self.alpha.second_order && cellwise {
            let valid = "false where `alpha.second_order` is true";
            return Err(SearchError::field("search.checkpoint_cells", true, valid));
        }
        Ok(())
    }

    /// A name for the content of the configuration: a resumed run must have the same. Left out is what
    /// may change on the way ([`Task::forget_place`]).
    ///
    /// # Errors
    ///
    /// When the configuration has no JSON form (a number that is not finite).
    pub fn fingerprint(&self) -> Result<String, SearchError> {
        let mut config = self.clone();
        T::forget_place(&mut config.data);
        Ok(fingerprint(&config)?)
    }

    /// Whether a run of this configuration is one of the other: what a [fingerprint](Self::fingerprint)
    /// leaves out may differ, and so may the name.
    ///
    /// # Errors
    ///
    /// As [`fingerprint`](Self::fingerprint).
    pub fn is_run_of(&self, other: &Self) -> Result<bool, SearchError> {
        let bare = |config: &Self| {
            let mut bare = config.clone();
            bare.name.clear();
            // It names the seed, too, in which runs beside each other differ.
            if let Some(extension) = &mut bare.extension {
                extension.of.clear();
            }
            bare.fingerprint()
        };
        Ok(bare(self)? == bare(other)?)
    }

    /// The same with data that lie in this folder, where one is named.
    ///
    /// # Errors
    ///
    /// When the task's data have no folder.
    pub fn with_root(mut self, root: Option<&Path>) -> Result<Self, SearchError> {
        set_root(T::data_root(&mut self.data), root)?;
        Ok(self)
    }

    /// The same with a folder of the data that does not depend on the present one.
    ///
    /// # Errors
    ///
    /// When the present folder is not known.
    pub fn with_absolute_root(mut self) -> Result<Self, SearchError> {
        if let Some(root) = T::data_root(&mut self.data) {
            make_absolute(root)?;
        }
        Ok(self)
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
fn overlay(base: &mut Table, over: Table) -> workbench::Result<()> {
    // A method that does not exist is refused later, with all the other fields.
    let method = |table: &Table| -> Option<SearchMethod> {
        let value: &Value = table.get("search")?.get("method")?;
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
