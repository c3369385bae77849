//! Networks outside of the run that trained them.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use supernet::{ModelBackend, StateDict, Statistics, TrainBackend};
use toml::Table;
use workbench::backend::Selected;
use workbench::config::Section;
use workbench::images::OnCorrupt;

use crate::{FitConfig, Judging, OnnxModel, Recipe, TrainError, Trainer};

/// A recipe whose networks can be scored, exported and asked by the commands of `train`.
pub trait Portable: Recipe {
    /// `config.json` of an exported network: everything needed to build it and to give it examples.
    type Export: Section;
    /// What a network says of an input: as text for a person, as an object of JSON for a program.
    type Prediction: Serialize + Display;
    /// Commands that only this task has.
    type Commands: TaskCommands;

    /// Whether an answer is pictures, which are written to files, and an image may be looked at several times.
    const MAKES_PICTURES: bool = false;

    /// What a network trained for so many epochs is exported with.
    fn export(trainer: &Trainer<Self>, epochs: usize) -> Self::Export;

    /// Checks that the network can be built and be given examples.
    ///
    /// # Errors
    ///
    /// Naming what is wrong.
    fn validate_export(export: &Self::Export) -> Result<(), TrainError>;

    /// The recipe of an exported network.
    fn of_export(export: &Self::Export) -> Self;

    /// The recipe of a network that is scored with so many views of an image, where a task has such.
    fn with_views(self, _views: &Views) -> Self {
        self
    }

    /// How its search scores a network that has a supernet's weights; none of one that was trained.
    fn inherited(_export: &Self::Export) -> Option<Inherited> {
        None
    }

    /// Where the data of a search lie and how they are read, by the section `data` of its configuration.
    fn data_of_search(data: &Table) -> DataChoice {
        DataChoice {
            root: data
                .get("root")
                .and_then(|root| root.as_str())
                .map(PathBuf::from),
            ..DataChoice::default()
        }
    }

    /// Weights and running statistics of a network, by the names they have in files.
    fn state_dict<B: ModelBackend>(model: &Self::Model<B>) -> StateDict;

    /// Checks that the weights of a file can be those of the network, before memory is taken for it.
    ///
    /// # Errors
    ///
    /// When the network is larger than the file.
    fn check_size(export: &Self::Export, weights: &StateDict) -> Result<(), TrainError>;

    /// The network with the weights of a file.
    ///
    /// # Errors
    ///
    /// When they are not those of the network.
    fn load_state_dict<B: ModelBackend>(
        model: Self::Model<B>,
        weights: &StateDict,
    ) -> Result<Self::Model<B>, TrainError>;

    /// The network as other programs run it, with running statistics and without what only training needs.
    ///
    /// # Errors
    ///
    /// When it cannot be said in that format.
    fn onnx<B: ModelBackend>(
        export: &Self::Export,
        model: &Self::Model<B>,
    ) -> Result<OnnxModel, TrainError>;

    /// Checks that a network which was trained on data of the
    /// [description](workbench::problem::Problem::description) `before` can be scored on others.
    ///
    /// # Errors
    ///
    /// Naming what differs.
    fn check_network(problem: &Self::Problem, before: &Value) -> Result<(), TrainError>;

    /// The configuration of a run whose data lie elsewhere or are read otherwise; `choice.set` is none.
    fn with_data(config: FitConfig<Self>, choice: &DataChoice) -> FitConfig<Self>;

    /// Test data for an exported network, as it takes them. `trained_with` are the data of its run, where
    /// that is at hand.
    ///
    /// # Errors
    ///
    /// When they cannot be read or the network cannot be given them.
    fn test_data(
        export: &Self::Export,
        trained_with: Option<&Self::Data>,
        choice: &DataChoice,
    ) -> Result<Self::Problem, TrainError>;

    /// Files in a folder that a network can be asked about, in a fixed order.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or holds none.
    fn inputs(folder: &Path) -> Result<Vec<PathBuf>, TrainError>;

    /// What a network says of an input file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, the network cannot be given it, or its answer cannot be written.
    fn predict<B: ModelBackend>(
        export: &Self::Export,
        model: &Self::Model<B>,
        input: &Path,
        question: &Question,
        device: &B::Device,
    ) -> Result<Self::Prediction, TrainError>;
}

/// How a network is asked about an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// How many of the most probable answers are given, where there are several.
    pub top: usize,
    /// How it looks at an image.
    pub views: Views,
    /// The folder that pictures are written to; by default beside the input.
    pub out: Option<PathBuf>,
}

/// How often a network looks at an image; probabilities are averaged over all views. By default once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views {
    /// Factors that the image is resized by, a view each; none is as it is.
    pub scales: Vec<f64>,
    /// Whether each view is looked at in a mirror, too.
    pub mirrored: bool,
}

/// Commands of a task.
pub trait TaskCommands: clap::Subcommand + std::fmt::Debug {
    /// Does what needs no device, and gives back what needs one.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the arguments and files.
    fn prepare(self) -> Result<Option<Self>, TrainError>;

    /// The backend asked for, if any.
    fn backend(&self) -> Option<&str>;

    /// Does what needs a device.
    ///
    /// # Errors
    ///
    /// Whatever stops it.
    fn run<B: TrainBackend>(self, selected: &Selected<B>) -> Result<(), TrainError>;
}

/// How a search scores its child, whose running statistics are averages over other architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inherited {
    /// Most examples of a batch.
    pub batch_size: usize,
    /// Seed of the order that batches are cut from.
    pub seed: u64,
}

impl Inherited {
    /// With the statistics of each batch.
    pub fn judging(&self) -> Judging {
        Judging {
            statistics: Statistics::Batch,
            batch_size: self.batch_size,
            seed: self.seed,
        }
    }
}

/// What a network is scored on, where it is not what it was trained with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataChoice {
    /// Another data set.
    pub set: Option<String>,
    /// The folder of the data set.
    pub root: Option<PathBuf>,
    /// What to do about a file that cannot be read.
    pub on_corrupt: Option<OnCorrupt>,
}
