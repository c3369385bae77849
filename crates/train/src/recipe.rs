//! What is trained: which network answers which problem, and what is particular about training it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use burn::module::{AutodiffModule, Module};
use burn::tensor::{DType, Tensor, backend::Backend};
use supernet::{Genotype, ModelBackend, OperationSet, Statistics, TrainBackend, WeightInit};
use toml::Table;
use workbench::cli::Shorthand;
use workbench::config::Section;
use workbench::precision::{Precision, cast_convolutions};
use workbench::problem::{Problem, Score};
use workbench::report::Chapter;

use crate::{Averaging, FitConfig, TrainError};

/// A pairing of a problem with the networks that are trained on it.
///
/// A value of it is a configuration opened: it knows what the networks are, which may depend on the
/// data (number of classes, vocabulary). [`Fit`](crate::Fit) trains one, whichever it is.
pub trait Recipe: Debug + Clone + PartialEq + Send + Sync + 'static {
    /// The task's name, `task` in configurations.
    const NAME: &'static str;
    /// A whole configuration (TOML), which files and options lay theirs on.
    const DEFAULTS: &'static str;
    /// Options of the command line that are short for fields of the task's own.
    const SHORTHANDS: &'static [Shorthand] = &[];
    /// Fields of the section `data` that say which data they are, in the task's searches and trainings alike: with
    /// the cells of a run a training takes its data, where it is given no others.
    const DATA_SOURCE: &'static [&'static str] = &[];
    /// What networks of this kind can be trained in.
    const PRECISIONS: &'static [Precision] = &[Precision::F32];

    /// What is learned.
    type Problem: Problem;
    /// The operations of the cells.
    type Op: OperationSet;
    /// Section `data` of the configuration.
    type Data: Section;
    /// Section `network` of the configuration.
    type Network: Section;
    /// Fields of the section `fit` beside those of [`LoopConfig`](crate::LoopConfig).
    type Fit: Section;
    /// The network.
    type Model<B: ModelBackend>: Module<B>;
    /// What a network keeps from one batch to the next, without a graph, such as hidden states; its
    /// default begins an epoch and a scoring.
    type Carry<B: Backend>: Clone + Default;

    /// What a configuration starts from with the data that these fields choose, a file's and overrides'
    /// as they were given. It is laid on [`DEFAULTS`](Self::DEFAULTS) and below those fields, so optional
    /// fields have no place in it: a run that left one out would take it when it is read again.
    ///
    /// # Errors
    ///
    /// When there is no such table.
    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        let _ = stated;
        Ok(Table::new())
    }

    /// Checks everything particular to the task that can be checked without the data.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    fn validate(config: &FitConfig<Self>) -> Result<(), TrainError>;

    /// Where the section `data` says which folder the data lie in; none where they lie in none.
    fn data_root(_data: &mut Self::Data) -> Option<&mut Option<PathBuf>> {
        None
    }

    /// What of a configuration a resumed run must share. What does not change its result, such as where
    /// the data lie, takes a fixed value here.
    fn identity(mut config: FitConfig<Self>) -> FitConfig<Self> {
        if let Some(root) = Self::data_root(&mut config.data) {
            *root = None;
        }
        config
    }

    /// The name of a run whose configuration has no other: what it trains on.
    fn run_name(_config: &FitConfig<Self>) -> String {
        format!("fit-{}", Self::NAME)
    }

    /// Reads the data and finds the network that fits them.
    ///
    /// # Errors
    ///
    /// When the data cannot be read or do not fit the configuration.
    fn open(config: &FitConfig<Self>) -> Result<(Self, Self::Problem), TrainError>;

    /// The network with fresh weights.
    ///
    /// # Errors
    ///
    /// When there can be no such network.
    fn init<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<Self::Model<B>, TrainError>;

    /// What a training begins with: the network with fresh weights, or with those that it takes over from
    /// another one, and what a person should know of that, a sentence each. It is not asked for where a
    /// training is resumed.
    ///
    /// # Errors
    ///
    /// When what is to be taken over cannot be read or does not fit.
    fn begin<B: TrainBackend>(
        &self,
        model: Self::Model<B>,
        device: &B::Device,
    ) -> Result<(Self::Model<B>, Vec<String>), TrainError>
    where
        Self: TrainRecipe<B>,
    {
        let _ = device;
        Ok((model, Vec::new()))
    }

    /// A pass of a training step.
    fn pass<B: ModelBackend>(
        &self,
        model: &Self::Model<B>,
        batch: &BatchOf<Self, B>,
        carry: Self::Carry<B>,
        context: &PassContext<'_, Self>,
    ) -> Answered<Self, B>;

    /// What the network says of a batch when it is scored with these statistics, and what it keeps for the
    /// next one.
    fn evaluate<B: ModelBackend>(
        &self,
        model: &Self::Model<B>,
        batch: &BatchOf<Self, B>,
        carry: Self::Carry<B>,
        statistics: Statistics,
    ) -> (AnswerOf<Self, B>, Self::Carry<B>);

    /// The network without what serves its training alone.
    ///
    /// # Errors
    ///
    /// When it cannot be counted.
    fn size(&self) -> Result<Size, TrainError>;

    /// Bytes that a training step needs at its peak, beside what the process holds anyway, such as the data;
    /// none where the recipe does not know.
    fn step_bytes(&self, config: &FitConfig<Self>) -> Option<u64> {
        let _ = config;
        None
    }

    /// A copy of the model that computes in `dtype`, with the parameter ids of the model and weights
    /// that are casts of its own, so that differentiating by the model's works: by default, one in
    /// which all weights of four axes, those of convolutions, are cast. It is asked for only where
    /// [`PRECISIONS`](Self::PRECISIONS) has more than f32; [`pass`](Self::pass) casts the inputs.
    fn cast<B: ModelBackend>(model: &Self::Model<B>, dtype: DType) -> Self::Model<B> {
        cast_convolutions(model, dtype)
    }

    /// The factor that a step's learning rate takes from the first of its batches, such as the length
    /// of sequences over their usual length.
    fn learning_rate_factor<B: Backend>(&self, first: &BatchOf<Self, B>) -> f64 {
        let _ = first;
        1.0
    }

    /// What is scored in place of the weights after an epoch that begins now. `validation` has the
    /// scores of the epochs so far, where examples are held out.
    fn averaging(config: &FitConfig<Self>, validation: &[Score]) -> Averaging {
        let _ = validation;
        match config.fit.average_decay {
            0.0 => Averaging::Off,
            decay => Averaging::Exponential { decay },
        }
    }

    /// What else a page shows of the network of a finished training, beside the answers to test examples:
    /// such as text that it writes.
    ///
    /// # Errors
    ///
    /// When the network cannot be asked.
    fn answers<B: ModelBackend>(
        &self,
        problem: &Self::Problem,
        network: &Self::Model<B>,
        device: &B::Device,
    ) -> Result<Vec<Chapter>, TrainError> {
        let _ = (problem, network, device);
        Ok(Vec::new())
    }

    /// Figures of an epoch, counted from 0, that only this task has, for its record.
    fn figures(config: &FitConfig<Self>, epoch: usize) -> BTreeMap<String, f64> {
        let _ = (config, epoch);
        BTreeMap::new()
    }
}

/// Examples of a recipe's problem on a device.
pub type BatchOf<R, B> = <<R as Recipe>::Problem as Problem>::Batch<B>;
/// What a recipe's network says of them.
pub type AnswerOf<R, B> = <<R as Recipe>::Problem as Problem>::Answer<B>;
/// Cells of a recipe.
pub type GenotypeOf<R> = Genotype<<R as Recipe>::Op>;

/// What a pass of a training step gives.
pub struct Answered<R: Recipe, B: ModelBackend> {
    /// What is said of the batch.
    pub answer: AnswerOf<R, B>,
    /// `[1]`: what is added to the problem's loss before it is differentiated, such as an auxiliary
    /// head's loss or a regulariser. It is no part of the loss shown.
    pub penalty: Option<Tensor<B, 1>>,
    /// What is kept for the next step's batch, without a graph.
    pub carry: R::Carry<B>,
}

/// Where in a training a pass is, and how it is run. Random draws should depend on the seed, the
/// epoch, the step and the place of an example in the step, so that they are the same however a step
/// is cut into passes and wherever a run is resumed.
pub struct PassContext<'a, R: Recipe> {
    /// What is learned, for losses beside that of the answer.
    pub problem: &'a R::Problem,
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, counted from 0.
    pub epoch: usize,
    /// All epochs of the run.
    pub epochs: usize,
    /// Step of the epoch, counted from 0.
    pub step: usize,
    /// Place of the pass's first example, or stream, in the step.
    pub first: usize,
    /// What the network is computed in.
    pub precision: Precision,
    /// What batch normalisation uses.
    pub statistics: Statistics,
}

/// How large a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Number of weights.
    pub weights: usize,
    /// Multiply-adds for one example, where examples are of one size.
    pub multiply_adds: Option<u64>,
}

/// A recipe whose networks a backend can train. Every [`Recipe`] is one whose model derives Burn's
/// `Module`.
pub trait TrainRecipe<B: TrainBackend>:
    Recipe<Model<B>: AutodiffModule<B, InnerModule = <Self as Recipe>::Model<B::InnerBackend>>>
{
}

impl<B: TrainBackend, R> TrainRecipe<B> for R where
    R: Recipe<Model<B>: AutodiffModule<B, InnerModule = <R as Recipe>::Model<B::InnerBackend>>>
{
}
