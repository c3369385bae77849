use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use supernet::Form;
use toml::Table;
use workbench::config::checks::{below_one, not_negative};
use workbench::images::{self, Augment, DatasetId, FolderOptions, TrainTest, load_with};

use super::ImageRecipe;
use crate::{FitConfig, TrainError};

/// What is learned: the section `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageData {
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

/// Size of the network: the section `network`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageNetwork {
    /// Channels of the first cells.
    pub channels: usize,
    /// Number of cells.
    pub cells: usize,
    /// Outer form.
    pub form: Form,
}

/// Fields of the section `fit` that only images have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFit {
    /// Share of a label that goes evenly to all classes.
    pub label_smoothing: f64,
    /// Weight of the auxiliary head's loss; 0 builds no head.
    pub auxiliary_weight: f64,
    /// Drop-path's rate, reached along a straight line from 0.
    pub drop_path: f64,
}

impl ImageData {
    /// Loads the data set.
    ///
    /// # Errors
    ///
    /// As [`load_with`].
    pub fn load(&self) -> Result<TrainTest, TrainError> {
        Ok(load_with(self.set, self.root.as_deref(), &self.folder)?)
    }
}

/// Images of a step on a folder of many pictures.
const FOLDER_BATCH: usize = 32;

/// What a training on the data that these fields choose starts from.
pub(super) fn defaults_for(stated: &Table) -> workbench::Result<Table> {
    images::defaults_for(stated, "fit", include_str!("folder.toml"), FOLDER_BATCH)
}

/// Checks what can be checked without the data.
pub(super) fn validate(config: &FitConfig<ImageRecipe>) -> Result<(), TrainError> {
    config.data.folder.validate()?;
    let (fit, own) = (&config.fit, &config.fit.own);
    if fit.batch_size < 2 {
        let valid = "2 or more: batch normalisation needs several images";
        return Err(TrainError::field("fit.batch_size", fit.batch_size, valid));
    }
    if fit.parts == 0 || fit.batch_size / fit.parts < 2 {
        let valid = format!("1 to {}: a part has 2 images or more", fit.batch_size / 2);
        return Err(TrainError::field("fit.parts", fit.parts, &valid));
    }
    below_one("data.validation", config.data.validation)?;
    if fit.patience > 0 && config.data.validation == 0.0 {
        let valid = "0, unless data.validation holds out images to judge by";
        return Err(TrainError::field("fit.patience", fit.patience, valid));
    }
    below_one("fit.label_smoothing", own.label_smoothing)?;
    below_one("fit.drop_path", own.drop_path)?;
    Ok(not_negative("fit.auxiliary_weight", own.auxiliary_weight)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;
    use supernet::Published;
    use workbench::config::Source;

    type Config = FitConfig<ImageRecipe>;

    fn resolve(name: &str, text: &str) -> Config {
        Config::resolve(Some(Source { name, text }), &[]).unwrap()
    }

    #[test]
    fn the_default_is_valid_and_round_trips() {
        let config = Config::resolve(None, &[]).unwrap();
        assert_eq!(config.genotype, Published::DartsV2.genotype().unwrap());
        let text = config.to_toml().unwrap();
        let again = resolve("again", &text);
        assert_eq!(config, again);
        assert_eq!(config.fingerprint().unwrap(), again.fingerprint().unwrap());
    }

    fn refused(set: &[&str]) -> String {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        Config::resolve(None, &set).unwrap_err().to_string()
    }

    #[test]
    fn a_run_is_called_as_its_data_unless_it_has_a_name() {
        assert_eq!(resolve("file", "").name, "fit-digits");
        assert_eq!(
            resolve("file", "data.set = \"mnist_5k\"").name,
            "fit-mnist_5k"
        );
        assert_eq!(resolve("file", "name = \"mine\"").name, "mine");
        assert!(refused(&["name= "]).contains("`name` is \"\""));
    }

    /// The default with its optional fields, which are commented out.
    fn with_optional_fields() -> String {
        let uncommented = |line: &str| match line.strip_prefix("# ") {
            Some(rest) if rest.split(' ').nth(1) == Some("=") => rest.to_string(),
            _ => line.to_string(),
        };
        let lines: Vec<String> = ImageRecipe::DEFAULTS.lines().map(uncommented).collect();
        lines.join("\n")
    }

    /// The fields that a section has, as the error about one that it lacks says.
    fn fields_of(section: &str) -> Vec<String> {
        let field = format!("{section}.unknown_field=1");
        let message = refused(&[field.trim_start_matches('.')]);
        let (_, valid) = message.rsplit_once("alid: ").unwrap();
        valid.split(", ").map(String::from).collect()
    }

    #[test]
    fn the_printed_default_has_every_field_and_is_valid_with_the_optional_ones() {
        let text = with_optional_fields();
        resolve("printed", &text);
        let table: toml::Table = text.parse().unwrap();
        let inside = |section: &str| {
            let mut names = section.split('.').filter(|name| !name.is_empty());
            names.try_fold(&table, |table, name| table.get(name)?.as_table())
        };
        for section in [
            "",
            "data",
            "data.folder",
            "data.augment",
            "network",
            "fit",
            "weights",
        ] {
            let printed = inside(section).unwrap();
            let fields = fields_of(section);
            assert!(fields.len() > 1, "{fields:?}");
            for field in fields {
                // Only a run that was extended has it.
                let printed = printed.contains_key(&field) || field == "extension";
                assert!(printed, "`{field}` of [{section}] is not printed");
            }
        }
    }

    #[test]
    fn the_papers_settings_are_valid() {
        let text = include_str!("../../../../../configs/fit-cifar10.toml");
        let config = resolve("fit-cifar10.toml", text);
        assert_eq!((config.network.channels, config.network.cells), (36, 20));
        assert_eq!((config.fit.epochs, config.data.augment.cutout), (600, 16));
    }

    #[test]
    fn a_folder_of_pictures_brings_values_below_those_that_are_given() {
        let set = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
            Config::resolve(None, &texts).unwrap()
        };
        for chosen in ["data.set=folder", "data.root=no/such"] {
            let config = set(&[chosen, "network.channels=9"]);
            assert_eq!(config.data.set, DatasetId::Folder);
            assert_eq!((config.data.folder.size, config.fit.batch_size), (48, 32));
            assert_eq!(
                (config.network.channels, config.name.as_str()),
                (9, "fit-folder")
            );
            assert_eq!(resolve("again", &config.to_toml().unwrap()), config);
        }
        assert_eq!(
            set(&["data.set=folder", "fit.batch_size=7"]).fit.batch_size,
            7
        );
        assert_eq!(
            set(&["data.set=digits"]),
            Config::resolve(None, &[]).unwrap()
        );
        // A file that says more than a folder's values keeps what it says.
        let text = include_str!("../../../../../configs/fit-imagenet.toml");
        let config = resolve("fit-imagenet.toml", text);
        assert_eq!(
            (config.data.folder.size, config.fit.batch_size),
            (224, 1024)
        );
        assert_eq!(config.data.augment.crop_padding, 0);
    }

    #[test]
    fn the_mobile_setting_is_valid() {
        let text = include_str!("../../../../../configs/fit-imagenet.toml");
        let config = resolve("fit-imagenet.toml", text);
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
            ("fit.drop_paht=0.1", "did you mean `drop_path`"),
            ("task=picture", "`task` is picture; valid: image"),
        ];
        for (text, expected) in cases {
            let error = Config::resolve(None, &[text.to_string()])
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
