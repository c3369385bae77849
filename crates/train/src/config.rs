use std::path::Path;

use serde::{Deserialize, Serialize};
use workbench::config::checks::{below_one, not_blank, not_negative, positive};
use workbench::config::{self, Joined, Source, make_absolute, merge, set_root, stated, to_toml};
use workbench::optim::Schedule;
use workbench::precision::Precision;
use workbench::session::Extension;

use crate::recipe::GenotypeOf;
use crate::{Recipe, TrainError, genotype};

/// Everything that determines a training. A configuration file may leave fields out: they take the
/// values of the recipe's [defaults](Recipe::DEFAULTS).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct FitConfig<R: Recipe> {
    /// Begins the name of the run folder; by default [`Recipe::run_name`].
    #[serde(default)]
    pub name: String,
    /// Seed of weights, order, changes to examples and drop-path.
    pub seed: u64,
    /// The [name](Recipe::NAME) of the recipe.
    pub task: String,
    /// The cells: in a file the name of published ones, a genotype file or the text form.
    #[serde(
        serialize_with = "genotype::serialize",
        deserialize_with = "genotype::deserialize::<R, _>"
    )]
    pub genotype: GenotypeOf<R>,
    /// What is learned.
    pub data: R::Data,
    /// Size of the network.
    pub network: R::Network,
    /// The loop.
    pub fit: Joined<LoopConfig, R::Fit>,
    /// Optimisation of the weights: SGD.
    pub weights: WeightsConfig,
    /// How a shorter training was extended to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
}

/// The loop of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopConfig {
    /// Passes over the training examples.
    pub epochs: usize,
    /// Examples of a step.
    pub batch_size: usize,
    /// Passes that a step's batch is cut into; gradients are those of the whole batch, up to the
    /// statistics of batch normalisation, which each pass has of its own.
    pub parts: usize,
    /// What the network is computed in.
    pub precision: Precision,
    /// Decay of the moving average of the weights that is scored; 0 scores the weights themselves.
    pub average_decay: f64,
    /// Epochs without a better validation score after which the training stops; 0 for never. With
    /// it, the weights of the epoch of the best validation score are the result.
    pub patience: usize,
}

/// Optimisation of the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsConfig {
    /// Learning rate after the warm-up.
    pub learning_rate: Schedule,
    /// Epochs in which the learning rate rises from nearly 0 along a straight line.
    pub warmup_epochs: usize,
    /// Momentum, without dampening.
    pub momentum: f64,
    /// L2 decay, added to the gradient.
    pub weight_decay: f64,
    /// Largest norm of all gradients together.
    pub clip_norm: f64,
}

impl LoopConfig {
    /// Examples of a pass: those of the largest one of a step.
    pub fn pass_size(&self) -> usize {
        self.batch_size.div_ceil(self.parts)
    }
}

impl WeightsConfig {
    fn validate(&self, epochs: usize) -> Result<(), TrainError> {
        if self.warmup_epochs >= epochs {
            let valid = format!("less than the {epochs} epochs");
            let found = self.warmup_epochs;
            return Err(TrainError::field("weights.warmup_epochs", found, &valid));
        }
        let (low, high) = self.learning_rate.range();
        not_negative("weights.learning_rate", low)?;
        positive("weights.learning_rate", high)?;
        below_one("weights.momentum", self.momentum)?;
        not_negative("weights.weight_decay", self.weight_decay)?;
        Ok(positive("weights.clip_norm", self.clip_norm)?)
    }
}

impl<R: Recipe> PartialEq for FitConfig<R> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.seed == other.seed
            && self.task == other.task
            && self.genotype == other.genotype
            && self.data == other.data
            && self.network == other.network
            && self.fit == other.fit
            && self.weights == other.weights
            && self.extension == other.extension
    }
}

impl<R: Recipe> FitConfig<R> {
    /// The configuration of a file's text or the default, with overrides `section.field=value`. The data
    /// that they choose may [bring values](Recipe::defaults_for), which are laid below.
    ///
    /// # Errors
    ///
    /// When a field is unknown, of a wrong type or of an impossible value.
    pub fn resolve(file: Option<Source<'_>>, overrides: &[String]) -> Result<Self, TrainError> {
        let overlay = |base: &mut _, over| {
            merge(base, over);
            Ok(())
        };
        let stated = stated(file, overrides)?;
        let chosen = to_toml(&R::defaults_for(&stated)?, "default")?;
        let bases = [R::DEFAULTS, &chosen];
        let mut config: Self = config::resolve(&bases, file, overrides, overlay)?;
        if !stated.contains_key("name") {
            config.name = R::run_name(&config);
        }
        config.validate()?;
        Ok(config)
    }

    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<(), TrainError> {
        if self.task != R::NAME {
            return Err(TrainError::field("task", &self.task, R::NAME));
        }
        not_blank("name", &self.name)?;
        self.genotype.validate()?;
        R::validate(self)?;
        let fit = &self.fit;
        for (field, found) in [
            ("fit.epochs", fit.epochs),
            ("fit.batch_size", fit.batch_size),
        ] {
            if found == 0 {
                return Err(TrainError::field(field, found, "1 or more"));
            }
        }
        if fit.parts == 0 || fit.parts > fit.batch_size {
            let valid = format!("1 to {}, the examples of a step", fit.batch_size);
            return Err(TrainError::field("fit.parts", fit.parts, &valid));
        }
        if !R::PRECISIONS.contains(&fit.precision) {
            let names: Vec<_> = R::PRECISIONS.iter().map(Precision::to_string).collect();
            let valid = names.join(", ");
            return Err(TrainError::field("fit.precision", fit.precision, &valid));
        }
        below_one("fit.average_decay", fit.average_decay)?;
        if let Some(extension) = &self.extension {
            extension.validate(fit.epochs)?;
        }
        self.weights.validate(fit.epochs)
    }

    /// A name for what of the configuration a resumed run must share ([`Recipe::identity`]).
    ///
    /// # Errors
    ///
    /// When the configuration has no JSON form (a number that is not finite).
    pub fn fingerprint(&self) -> Result<String, TrainError> {
        Ok(config::fingerprint(&R::identity(self.clone()))?)
    }

    /// Whether a run of this configuration is one of the other: what a [fingerprint](Self::fingerprint)
    /// leaves out may differ, and so may the name.
    ///
    /// # Errors
    ///
    /// As [`fingerprint`](Self::fingerprint).
    pub fn is_run_of(&self, other: &Self) -> Result<bool, TrainError> {
        let mut other = other.clone();
        other.name.clone_from(&self.name);
        Ok(self.fingerprint()? == other.fingerprint()?)
    }

    /// The same with data that lie in this folder, where one is named.
    ///
    /// # Errors
    ///
    /// When the task's data have no folder.
    pub fn with_root(mut self, root: Option<&Path>) -> Result<Self, TrainError> {
        set_root(R::data_root(&mut self.data), root)?;
        Ok(self)
    }

    /// The same with a folder of the data that does not depend on the present one.
    ///
    /// # Errors
    ///
    /// When the present folder is not known.
    pub fn with_absolute_root(mut self) -> Result<Self, TrainError> {
        if let Some(root) = R::data_root(&mut self.data) {
            make_absolute(root)?;
        }
        Ok(self)
    }

    /// The configuration as TOML.
    ///
    /// # Errors
    ///
    /// When a value has no TOML form.
    pub fn to_toml(&self) -> Result<String, TrainError> {
        Ok(to_toml(self, &self.name)?)
    }
}
