use std::fmt::Debug;
use std::path::PathBuf;

use burn::module::{AutodiffModule, Module};
use burn::optim::GradientsParams;
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use supernet::{
    Codes, Cost, CostTable, ForwardMode, Genotype, ModelBackend, OperationSet, Statistics,
    TrainBackend, WeightInit,
};
use toml::Table;
use workbench::cli::Shorthand;
use workbench::config::Section;
use workbench::precision::Precision;
use workbench::problem::{Phase, Problem};
use workbench::record::SecondScoring;

use crate::{ExportedChild, SearchConfig, SearchError};

/// A batch of a task's problem.
pub type BatchOf<T, B> = <<T as Task>::Problem as Problem>::Batch<B>;

/// What a network of a task says of a batch.
pub type AnswerOf<T, B> = <<T as Task>::Problem as Problem>::Answer<B>;

/// How a supernet is run on one batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pass {
    /// Which operations run, what is trained, what batch normalisation uses.
    pub mode: ForwardMode,
    /// What convolutions compute in; one of [`Task::PRECISIONS`].
    pub precision: Precision,
    /// Whether masks and other random changes apply.
    pub phase: Phase,
    /// Seed of the run.
    pub seed: u64,
    /// A number that no other training pass of the run has: random changes are functions of it and
    /// the seed.
    pub index: u64,
}

impl Pass {
    /// A pass that is not differentiated, normalised with the batch's own statistics.
    pub const EVALUATION: Self = Self {
        mode: ForwardMode::SCORE,
        precision: Precision::F32,
        phase: Phase::Evaluation,
        seed: 0,
        index: 0,
    };
}

/// What a pass gives.
pub struct Answered<B: Backend, T: Task> {
    /// What the problem makes a loss of.
    pub answer: AnswerOf<T, B>,
    /// What is added to the loss of a training pass `[1]`, such as an activation regulariser.
    pub regulariser: Option<Tensor<B, 1>>,
    /// What the next batch of the same stream starts from, without a graph.
    pub carry: T::Carry<B>,
}

impl<B: Backend, T: Task<Carry<B> = ()>> Answered<B, T> {
    /// An answer that adds nothing to the loss and leaves nothing to the next batch.
    pub fn plain(answer: AnswerOf<T, B>) -> Self {
        Self {
            answer,
            regulariser: None,
            carry: (),
        }
    }
}

/// A pass of a supernet that was differentiated with the graph of one cell in memory at a time.
pub struct Cellwise<B: AutodiffBackend, T: Task> {
    /// As of the pass itself.
    pub answer: AnswerOf<T, B>,
    /// The loss `[1]`.
    pub loss: Tensor<B::InnerBackend, 1>,
    /// Gradients of the weights; none in a pass that trains the logits.
    pub weights: GradientsParams,
    /// Gradients `[edges, ops]` of the weights of each code table; none in a pass that trains weights.
    pub codes: Vec<Option<Tensor<B::InnerBackend, 2>>>,
}

/// The pairing of a [`Problem`] with a supernet: which network answers it, how a child inherits, what
/// is carried from batch to batch, how cells are named and counted.
///
/// The value holds what is known once the data are: sizes of images, of a vocabulary. Everything that
/// has a default is optional.
pub trait Task: Debug + Clone + PartialEq + Send + Sync + 'static {
    /// Name in configurations, `task = "NAME"`.
    const NAME: &'static str;
    /// TOML that is laid on the defaults that all tasks share: whatever sections have fields without a
    /// default. `search config --print-default` prints it.
    const DEFAULTS: &'static str;
    /// What is learned.
    type Problem: Problem;
    /// Operations of the search space and kinds of cells.
    type Op: OperationSet;
    /// Section `[data]`; [`Empty`](workbench::config::Empty) where there is nothing to say.
    type Data: Section;
    /// Section `[network]`.
    type Network: Section;
    /// The network that holds every architecture of the space. It holds weights only: logits are
    /// [`Architecture`](supernet::Architecture)'s.
    type Supernet<B: ModelBackend>: Module<B>;
    /// The network that a genotype describes.
    type Child<B: ModelBackend>: Module<B>;
    /// What goes from one batch of a stream to the next, without a graph: `()`, or hidden states. A
    /// new epoch starts from the default.
    type Carry<B: Backend>: Clone + Default + Send;

    /// Options of the command line that are short for fields of the task's own.
    const SHORTHANDS: &'static [Shorthand] = &[];
    /// What else a supernet's convolutions can compute in while it trains.
    const PRECISIONS: &'static [Precision] = &[Precision::F32];
    /// How a child with inherited weights is scored beside the way its supernet is.
    const SECOND_SCORING: SecondScoring = SecondScoring::Running;
    /// Whether [`differentiate_cellwise`](Self::differentiate_cellwise) is there.
    const CELLWISE: bool = false;

    /// Loads the data and sizes the networks for them.
    ///
    /// # Errors
    ///
    /// When the data cannot be read or do not fit the configuration.
    fn open(config: &SearchConfig<Self>) -> Result<(Self, Self::Problem), SearchError>;

    /// The supernet with fresh weights.
    ///
    /// # Errors
    ///
    /// When the network is impossible.
    fn supernet<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<Self::Supernet<B>, SearchError>;

    /// Runs the supernet as the architecture that `codes` describe. What a mode asks of operations
    /// that are off does [`CodeTable::mix`](supernet::CodeTable::mix).
    fn run<B: ModelBackend>(
        &self,
        supernet: &Self::Supernet<B>,
        codes: &Codes<B>,
        batch: &BatchOf<Self, B>,
        carry: Self::Carry<B>,
        pass: Pass,
    ) -> Answered<B, Self>;

    /// The child with copies of the supernet's weights and statistics.
    ///
    /// # Errors
    ///
    /// When the genotype does not fit the supernet.
    fn inherit<B: ModelBackend>(
        &self,
        supernet: &Self::Supernet<B>,
        genotype: &Genotype<Self::Op>,
    ) -> Result<Self::Child<B>, SearchError>;

    /// The child with fresh weights, in the form it is retrained in; by default none, and then several
    /// searches cannot be told apart by retraining.
    ///
    /// # Errors
    ///
    /// When the genotype or the network is impossible.
    fn child<B: ModelBackend>(
        &self,
        _genotype: &Genotype<Self::Op>,
        _init: &mut WeightInit,
        _device: &B::Device,
    ) -> Result<Self::Child<B>, SearchError> {
        let valid = "a task whose children can be trained from fresh weights";
        Err(SearchError::field("task", Self::NAME, valid))
    }

    /// Runs a child.
    fn run_child<B: ModelBackend>(
        &self,
        child: &Self::Child<B>,
        batch: &BatchOf<Self, B>,
        carry: Self::Carry<B>,
        statistics: Statistics,
    ) -> Answered<B, Self>;

    /// The child as it is [retrained](SecondScoring::Unnormalised), with the weights it has; asked for
    /// only where [`SECOND_SCORING`](Self::SECOND_SCORING) says so.
    fn unnormalised<B: ModelBackend>(&self, child: Self::Child<B>) -> Self::Child<B> {
        child
    }

    /// The factor that a weight step's learning rate takes from its batch, such as the length of
    /// sequences over their usual length.
    fn learning_rate_factor<B: Backend>(&self, _batch: &BatchOf<Self, B>) -> f64 {
        1.0
    }

    /// A copy of the supernet whose convolutions compute in one of [`PRECISIONS`](Self::PRECISIONS)
    /// other than f32. Differentiating by the original's weights works as if there were no copy.
    fn cast<B: ModelBackend>(
        &self,
        supernet: &Self::Supernet<B>,
        _precision: Precision,
    ) -> Self::Supernet<B> {
        supernet.clone()
    }

    /// As [`run`](Self::run), `loss` and a backward pass, but with the graph of one cell in memory at
    /// a time; there where [`CELLWISE`](Self::CELLWISE) says so.
    fn differentiate_cellwise<B: TrainBackend>(
        &self,
        _supernet: &Self::Supernet<B>,
        _codes: &Codes<B>,
        _batch: &BatchOf<Self, B>,
        _pass: Pass,
        _loss: impl FnOnce(&AnswerOf<Self, B>) -> Tensor<B, 1>,
    ) -> Option<Cellwise<B, Self>> {
        None
    }

    /// What it costs to switch an operation on, `[tables][edges][ops]`; none where the task has no such
    /// count, and then no cost penalty.
    fn costs(&self, _cost: Cost) -> Option<Vec<Vec<Vec<f64>>>> {
        None
    }

    /// What a configuration starts from with the data that these fields choose, a file's and overrides'
    /// as they were given. It is laid on [`DEFAULTS`](Self::DEFAULTS) and below those fields, so optional
    /// fields have no place in it: a run that left one out would take it when it is read again.
    ///
    /// # Errors
    ///
    /// When there is no such table.
    fn defaults_for(_stated: &Table) -> workbench::Result<Table> {
        Ok(Table::new())
    }

    /// What children cost that are trained in the size of the search; by default their operations alone.
    fn child_costs(&self, cost: Cost) -> Option<CostTable> {
        let operations = self.costs(cost)?;
        let fixed = 0.0;
        Some(CostTable { fixed, operations })
    }

    /// Bytes that an alternating step needs at its peak, beside what the process holds anyway, such as the
    /// data; none where the task does not know.
    fn step_bytes(&self, _config: &SearchConfig<Self>) -> Option<u64> {
        None
    }

    /// Checks the sections of the task's own and what it demands of the others.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    fn validate(_config: &SearchConfig<Self>) -> Result<(), SearchError> {
        Ok(())
    }

    /// Where the section `data` says which folder the data lie in; none where they lie in none.
    fn data_root(_data: &mut Self::Data) -> Option<&mut Option<PathBuf>> {
        None
    }

    /// Takes out of `[data]` what a resumed run may have otherwise: where the data lie.
    fn forget_place(data: &mut Self::Data) {
        if let Some(root) = Self::data_root(data) {
            *root = None;
        }
    }

    /// The child of a finished search as an exported network, which other programs read; none where the
    /// task has no such form.
    fn export_child<B: ModelBackend>(
        &self,
        _config: &SearchConfig<Self>,
        _problem: &Self::Problem,
        _genotype: &Genotype<Self::Op>,
        _child: &Self::Child<B>,
    ) -> Option<Result<ExportedChild, SearchError>> {
        None
    }

    /// Name of the data set of a configuration, as results tell it, and of a run that has no other.
    fn data_name(_config: &SearchConfig<Self>) -> String {
        Self::NAME.into()
    }

    /// Options of `train fit` for what it does not take from the folder of a search, such as the data set.
    fn retraining(_config: &SearchConfig<Self>) -> Vec<String> {
        Vec::new()
    }

    /// What a person should know about a configuration that is valid, a sentence each.
    fn remarks(_config: &SearchConfig<Self>) -> Vec<String> {
        Vec::new()
    }
}

/// A [`Task`] on a backend that differentiates: the inner module of its networks is the same network
/// on the inner backend. Every task whose networks derive [`Module`] is one.
pub trait TrainTask<B: TrainBackend>:
    Task<
        Supernet<B>: AutodiffModule<
            B,
            InnerModule = <Self as Task>::Supernet<<B as AutodiffBackend>::InnerBackend>,
        >,
        Child<B>: AutodiffModule<
            B,
            InnerModule = <Self as Task>::Child<<B as AutodiffBackend>::InnerBackend>,
        >,
    >
{
}

impl<B: TrainBackend, T> TrainTask<B> for T where
    T: Task<
            Supernet<B>: AutodiffModule<
                B,
                InnerModule = <T as Task>::Supernet<<B as AutodiffBackend>::InnerBackend>,
            >,
            Child<B>: AutodiffModule<
                B,
                InnerModule = <T as Task>::Child<<B as AutodiffBackend>::InnerBackend>,
            >,
        >
{
}
