//! What a segmentation network learns from, as configurations say it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{
    ClassWeights, PairOptions, SceneAugment, SceneChanges, SceneTrainTest, StandInOptions,
    VocOptions, folder, stand_in, voc,
};
use crate::cli::{Shorthand, Takes};
use crate::data_folder::data_folder;
use crate::{Result, WorkbenchError};

/// Options of the commands that start a run on scenes with a network of cells.
pub const SHORTHANDS: &[Shorthand] = &[CHANNELS, CELLS, CROP];

/// Channels of the first cells.
pub const CHANNELS: Shorthand = Shorthand {
    option: "channels",
    field: "network.channels",
    takes: Takes::Value("N"),
    help: "Channels of the first cells",
};

/// Number of cells.
pub const CELLS: Shorthand = Shorthand {
    option: "cells",
    field: "network.cells",
    takes: Takes::Value("N"),
    help: "Number of cells",
};

/// What is cut out of training images.
pub const CROP: Shorthand = Shorthand {
    option: "crop",
    field: "data.crop",
    takes: Takes::Value("PIXELS"),
    help: "Side of the squares that are cut out of training images",
};

/// Side of the squares that are cut out of photographs, where none is stated.
const PHOTOGRAPH_CROP: i64 = 128;

/// A data set of images and masks that can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneSetId {
    /// Digits on photographs, bundled: a stand-in, with 11 classes.
    Scenes,
    /// PASCAL VOC 2012, from a folder: 21 classes.
    Voc2012,
    /// Images and masks from a folder.
    Folder,
}

impl SceneSetId {
    /// Every data set.
    pub const ALL: [Self; 3] = [Self::Scenes, Self::Voc2012, Self::Folder];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scenes => "scenes",
            Self::Voc2012 => "voc2012",
            Self::Folder => "folder",
        }
    }
}

impl fmt::Display for SceneSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SceneSetId {
    type Err = WorkbenchError;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|id| id.name() == name);
        let names = Self::ALL.map(Self::name);
        found.ok_or_else(|| WorkbenchError::unknown_name("data set", name, &names))
    }
}

/// The section `data` of a configuration, but for how the training images are divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneData {
    /// The data set.
    pub set: SceneSetId,
    /// Folder of its files, where it is not bundled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Side of the squares that are cut out of training images.
    pub crop: usize,
    /// Random changes to the training images.
    #[serde(default)]
    pub augment: SceneAugment,
    /// How much the pixels of a class count in what is learned from.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// What scenes are made, for `set = "scenes"`.
    #[serde(default)]
    pub scenes: StandInOptions,
    /// For `set = "voc2012"`.
    #[serde(default)]
    pub voc: VocOptions,
    /// How images find their masks, for `set = "folder"`.
    #[serde(default)]
    pub folder: PairOptions,
}

impl SceneData {
    /// What a configuration starts from with the data that its fields choose, `stated` being what a file and
    /// options say: a folder that is named alone is VOC's where it looks like that, and otherwise one of images
    /// and masks. Of photographs larger squares are cut out, they are resized and mirrored, and the classes of
    /// a person's own may be rare.
    pub fn defaults_for(stated: &Table) -> Table {
        let given = |field: &str| stated.get("data")?.get(field)?.as_str();
        let set = match (given("set"), given("root")) {
            (Some(set), _) => set.parse().ok(),
            (None, Some(root)) if voc::is_in(Path::new(root)) => Some(SceneSetId::Voc2012),
            (None, Some(_)) => Some(SceneSetId::Folder),
            (None, None) => None,
        };
        let Some(set) = set.filter(|set| *set != SceneSetId::Scenes) else {
            return Table::new();
        };
        let augment = Table::from_iter([
            ("scale".into(), Value::from(vec![0.5, 2.0])),
            ("flip".into(), true.into()),
        ]);
        // Networks for VOC are published without weights.
        let class_weights = match set {
            SceneSetId::Voc2012 => ClassWeights::Equal,
            SceneSetId::Scenes | SceneSetId::Folder => ClassWeights::Balanced,
        };
        let data = Table::from_iter([
            ("set".into(), set.name().into()),
            ("crop".into(), PHOTOGRAPH_CROP.into()),
            ("augment".into(), augment.into()),
            ("class_weights".into(), class_weights.into()),
        ]);
        Table::from_iter([("data".into(), data.into())])
    }

    /// How the images that are learned from are changed.
    pub fn changes(&self) -> SceneChanges {
        SceneChanges {
            crop: self.crop,
            augment: self.augment,
        }
    }

    /// Checks what can be checked without the data.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        self.changes().validate()?;
        match self.set {
            SceneSetId::Scenes => self.scenes.validate(),
            SceneSetId::Voc2012 => Ok(()),
            SceneSetId::Folder => self.folder.validate(),
        }
    }

    /// Finds the images and masks; they are made or decoded when they are asked for.
    ///
    /// # Errors
    ///
    /// When a file is missing or a field is impossible.
    pub fn load(&self) -> Result<SceneTrainTest> {
        self.load_from(data_folder().as_deref())
    }

    fn load_from(&self, variable: Option<&Path>) -> Result<SceneTrainTest> {
        let (id, root) = (self.set.name(), self.root.as_deref());
        let given = |files| {
            root.or(variable)
                .ok_or(WorkbenchError::DataRootMissing { dataset: id, files })
        };
        match (self.set, root) {
            (SceneSetId::Scenes, Some(root)) => {
                let valid = "no folder, as these scenes are made; of images and masks of yours, `data.set = \"folder\"`";
                Err(WorkbenchError::field("data.root", root.display(), valid))
            }
            (SceneSetId::Scenes, None) => stand_in::read(&self.scenes),
            (SceneSetId::Voc2012, _) => {
                let files = "VOC2012, with JPEGImages, SegmentationClass and ImageSets";
                voc::read(id, given(files)?, self.voc)
            }
            (SceneSetId::Folder, _) => {
                let files =
                    "images/NAME.jpg and masks/NAME.png, or train and val with such folders";
                folder::read(id, given(files)?, &self.folder)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> SceneData {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_folder_that_is_named_alone_is_told_by_what_it_holds() {
        let root = tempfile::tempdir().unwrap();
        let stated = format!("data.root = '{}'", root.path().display());
        let set = || {
            let defaults = SceneData::defaults_for(&stated.parse().unwrap());
            defaults["data"]["set"].as_str().unwrap().to_string()
        };
        assert_eq!(set(), "folder");
        std::fs::create_dir_all(root.path().join("VOC2012/ImageSets/Segmentation")).unwrap();
        assert_eq!(set(), "voc2012");
        for stated in [
            "seed = 1",
            "data.set = \"scenes\"",
            "data.set = \"unknown\"",
        ] {
            assert!(SceneData::defaults_for(&stated.parse().unwrap()).is_empty());
        }
    }

    #[test]
    fn the_bundled_stand_in_needs_no_folder_and_takes_none() {
        let made = data("set = \"scenes\"\ncrop = 64\nscenes.train = 5");
        made.validate().unwrap();
        assert_eq!(
            made.load_from(Some("/nowhere".as_ref()))
                .unwrap()
                .train
                .len(),
            5
        );
        let moved = SceneData {
            root: Some("here".into()),
            ..made
        };
        let message = moved.load().unwrap_err().to_string();
        assert!(
            message.contains("`data.root` is here; valid: no folder"),
            "{message}"
        );
    }

    #[test]
    fn a_set_that_is_not_bundled_says_how_to_point_at_it() {
        for (set, file) in [("voc2012", "JPEGImages"), ("folder", "masks/NAME.png")] {
            let data = data(&format!(
                "set = \"{set}\"\ncrop = 64\nfolder.classes = [\"a\", \"b\"]"
            ));
            data.validate().unwrap();
            let message = data.load_from(None).unwrap_err().to_string();
            assert!(
                message.contains("DATA_DIR") && message.contains(file),
                "{message}"
            );
        }
        assert_eq!(
            SceneSetId::ALL.map(|id| id.to_string().parse::<SceneSetId>().unwrap()),
            SceneSetId::ALL
        );
    }
}
