use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use supernet::{DerivedConfig, Form, Genotype, NetworkConfig};
use workbench::config::checks::{below_one, not_negative, positive};
use workbench::config::{fingerprint, from_table, merge, overrides_table, parse_table, to_toml};
use workbench::data::{Augment, Dataset, DatasetId, FolderOptions, OnCorrupt, Splits, load_with};
use workbench::optim::Schedule;
use workbench::precision::Precision;

use crate::{TrainError, genotype};

/// Everything that determines a training. A configuration file may leave fields out: they take the
/// values of the default, `configs/fit-digits.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Begins the name of the run folder.
    pub name: String,
    /// Seed of weights, order, changes to images and drop-path.
    pub seed: u64,
    /// The cells: in a file the name of published ones, a genotype file or the text form.
    #[serde(with = "genotype::text")]
    pub genotype: Genotype,
    /// What is learned.
    pub data: DataConfig,
    /// Size of the network.
    pub network: SizeConfig,
    /// The loop.
    pub fit: LoopConfig,
    /// Optimisation of the weights: SGD.
    pub weights: WeightsConfig,
}

/// What is learned.
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
    /// Share of the training images that is held out and scored after every epoch.
    pub validation: f64,
    /// Random changes to the training images.
    #[serde(default)]
    pub augment: Augment,
}

/// Size of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeConfig {
    /// Channels of the first cells.
    pub channels: usize,
    /// Number of cells.
    pub cells: usize,
    /// Outer form.
    pub form: Form,
}

/// The loop of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopConfig {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images of a step.
    pub batch_size: usize,
    /// Passes that a step's batch is cut into; gradients are those of the whole batch, up to the
    /// statistics of batch normalisation, which see a part each.
    pub parts: usize,
    /// What the network is computed in.
    pub precision: Precision,
    /// Share of a label that goes evenly to all classes.
    pub label_smoothing: f64,
    /// Weight of the auxiliary head's loss; 0 builds no head.
    pub auxiliary_weight: f64,
    /// Drop-path's rate, reached along a straight line from 0.
    pub drop_path: f64,
    /// Decay of the moving average of the weights that is scored; 0 scores the weights themselves.
    pub average_decay: f64,
    /// Epochs without a lower validation error after which the training stops; 0 for never. With
    /// it, the weights of the epoch of the lowest validation error are the result.
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
    /// Images of a pass: those of the largest part of a step.
    pub fn pass_size(&self) -> usize {
        self.batch_size.div_ceil(self.parts)
    }
}

impl Default for FitConfig {
    fn default() -> Self {
        Self::resolve(None, &[])
            .expect("the embedded default configuration is valid, see the tests")
    }
}

impl FitConfig {
    /// The default configuration: `darts-v2` on the bundled digits.
    pub const DEFAULT_TOML: &str = include_str!("../../../configs/fit-digits.toml");

    /// The configuration of a file's text (with the name errors call it by) or the default, with
    /// overrides `section.field=value`.
    ///
    /// # Errors
    ///
    /// When a field is unknown, of a wrong type or of an impossible value.
    pub fn resolve(file: Option<(&str, &str)>, overrides: &[String]) -> Result<Self, TrainError> {
        let mut table = parse_table(Self::DEFAULT_TOML, "default")?;
        let mut source = "default".to_string();
        if let Some((name, text)) = file {
            merge(&mut table, parse_table(text, name)?);
            source = name.to_string();
        }
        if !overrides.is_empty() {
            merge(&mut table, overrides_table(overrides)?);
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
    pub fn validate(&self) -> Result<(), TrainError> {
        self.genotype.validate()?;
        self.data.folder.validate()?;
        let (fit, weights) = (&self.fit, &self.weights);
        if fit.epochs == 0 {
            return Err(TrainError::field("fit.epochs", 0, "1 or more"));
        }
        if fit.batch_size < 2 {
            let valid = "2 or more: batch normalisation needs several images";
            return Err(TrainError::field("fit.batch_size", fit.batch_size, valid));
        }
        if fit.parts == 0 || fit.batch_size / fit.parts < 2 {
            let valid = format!("1 to {}: a part has 2 images or more", fit.batch_size / 2);
            return Err(TrainError::field("fit.parts", fit.parts, &valid));
        }
        if weights.warmup_epochs >= fit.epochs {
            let valid = format!("less than the {} epochs", fit.epochs);
            let found = weights.warmup_epochs;
            return Err(TrainError::field("weights.warmup_epochs", found, &valid));
        }
        below_one("data.validation", self.data.validation)?;
        if fit.patience > 0 && self.data.validation == 0.0 {
            let valid = "0, unless data.validation holds out images to judge by";
            return Err(TrainError::field("fit.patience", fit.patience, valid));
        }
        below_one("fit.label_smoothing", fit.label_smoothing)?;
        below_one("fit.drop_path", fit.drop_path)?;
        below_one("fit.average_decay", fit.average_decay)?;
        not_negative("fit.auxiliary_weight", fit.auxiliary_weight)?;
        let (low, high) = weights.learning_rate.range();
        not_negative("weights.learning_rate", low)?;
        positive("weights.learning_rate", high)?;
        below_one("weights.momentum", weights.momentum)?;
        not_negative("weights.weight_decay", weights.weight_decay)?;
        Ok(positive("weights.clip_norm", weights.clip_norm)?)
    }

    /// Loads the data set.
    ///
    /// # Errors
    ///
    /// As [`load_with`].
    pub fn load(&self) -> Result<Splits, TrainError> {
        Ok(load_with(
            self.data.set,
            self.data.root.as_deref(),
            &self.data.folder,
        )?)
    }

    /// The network for images of a data set.
    ///
    /// # Errors
    ///
    /// When the images are too small for it.
    pub fn derived(&self, data: &Dataset) -> Result<DerivedConfig, TrainError> {
        let [image_channels, height, width] = data.image_shape();
        let network = NetworkConfig {
            image_channels,
            classes: data.classes(),
            channels: self.network.channels,
            cells: self.network.cells,
        };
        let derived = DerivedConfig {
            network,
            genotype: self.genotype.clone(),
            form: self.network.form,
            auxiliary: self.fit.auxiliary_weight > 0.0,
        };
        derived.validate(height, width)?;
        Ok(derived)
    }

    /// A name for the content of the configuration: a resumed run must have the same. Left out is
    /// where the data lie, which may move, and what is done about files that cannot be read, so that a
    /// run that one of them stopped can go on.
    ///
    /// # Errors
    ///
    /// When the configuration has no JSON form (a number that is not finite).
    pub fn fingerprint(&self) -> Result<String, TrainError> {
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
    pub fn to_toml(&self) -> Result<String, TrainError> {
        Ok(to_toml(self, &self.name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supernet::Published;

    #[test]
    fn the_default_is_valid_and_round_trips() {
        let config = FitConfig::default();
        assert_eq!(config.genotype, Published::DartsV2.genotype().unwrap());
        let text = config.to_toml().unwrap();
        let again = FitConfig::resolve(Some(("again", &text)), &[]).unwrap();
        assert_eq!(config, again);
        assert_eq!(config.fingerprint().unwrap(), again.fingerprint().unwrap());
    }

    #[test]
    fn the_papers_settings_are_valid() {
        let cifar = include_str!("../../../configs/fit-cifar10.toml");
        let config = FitConfig::resolve(Some(("fit-cifar10.toml", cifar)), &[]).unwrap();
        assert_eq!((config.network.channels, config.network.cells), (36, 20));
        assert_eq!((config.fit.epochs, config.data.augment.cutout), (600, 16));
    }

    #[test]
    fn the_mobile_setting_is_valid() {
        let text = include_str!("../../../configs/fit-imagenet.toml");
        let config = FitConfig::resolve(Some(("fit-imagenet.toml", text)), &[]).unwrap();
        assert_eq!(config.network.form, Form::Imagenet);
        assert_eq!((config.fit.batch_size, config.fit.parts), (1024, 8));
    }

    #[test]
    fn each_refusal_names_field_value_and_what_is_valid() {
        let cases = [
            ("fit.epochs=0", "`fit.epochs` is 0; valid: 1 or more"),
            ("fit.batch_size=1", "`fit.batch_size` is 1"),
            ("fit.parts=33", "`fit.parts` is 33; valid: 1 to 32"),
            ("fit.drop_path=1.0", "`fit.drop_path` is 1"),
            ("fit.patience=3", "data.validation"),
            ("fit.label_smoothing=-0.1", "`fit.label_smoothing` is -0.1"),
            ("weights.warmup_epochs=20", "less than the 20 epochs"),
            ("weights.clip_norm=nan", "`weights.clip_norm` is NaN"),
            ("genotype=darts-v22", "did you mean `darts-v2`"),
            ("fit.precision=f8", "valid: f32, f16, bf16"),
            ("fit.epoch=3", "did you mean `epochs`"),
        ];
        for (text, expected) in cases {
            let error = FitConfig::resolve(None, &[text.to_string()])
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
