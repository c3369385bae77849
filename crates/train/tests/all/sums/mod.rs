//! Running sums of streams of numbers, by a recurrent network of two weights.

mod problem;

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};
use supernet::{ModelBackend, OperationSet, Statistics, WeightInit};
use train::recipe::{Answered, PassContext, Recipe, Size};
use train::{Averaging, FitConfig, TrainError};
use workbench::WorkbenchError;
use workbench::config::Empty;
use workbench::problem::Score;

use problem::{Numbers, Streams};

/// What can be done to the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Keep,
    Negate,
}

impl OperationSet for Op {
    const ALL: &'static [Self] = &[Self::Keep, Self::Negate];
    const NONE: Option<Self> = None;
    const CELLS: &'static [&'static str] = &["cell"];
    const INPUTS: usize = 1;

    fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Negate => "negate",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub streams: usize,
    pub held_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable_epoch: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub forgets: bool,
    pub learning_rate_factor: f64,
}

/// The hidden state is `h <- a h + b x`, which is the sum for `a = b = 1`.
#[derive(Module, Debug)]
pub struct Recurrent<B: Backend> {
    /// `[2]`: a and b.
    weights: Param<Tensor<B, 1>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    network: Network,
    sign: f64,
}

impl Sums {
    fn answer<B: Backend>(
        &self,
        model: &Recurrent<B>,
        numbers: &Numbers<B>,
        before: Option<Tensor<B, 2>>,
    ) -> (Tensor<B, 2>, Option<Tensor<B, 2>>) {
        let weight = |at: usize| model.weights.val().narrow(0, at, 1).unsqueeze::<2>();
        let mut hidden = numbers.next.clone() * weight(1);
        if let Some(before) = before {
            hidden = hidden + before * weight(0);
        }
        let carried = (!self.network.forgets).then(|| hidden.clone().detach());
        (hidden * self.sign, carried)
    }
}

impl Recipe for Sums {
    const NAME: &'static str = "sums";
    const DEFAULTS: &'static str = r#"
        name = "sums"
        seed = 3
        task = "sums"
        genotype = "cell: keep@0"

        [data]
        streams = 6
        held_out = true

        [network]
        forgets = false
        learning_rate_factor = 1.0

        [fit]
        epochs = 6
        batch_size = 6
        parts = 1
        precision = "f32"
        average_decay = 0.0
        patience = 0

        [weights]
        learning_rate = { shape = "linear", from = 0.2, to = 0.02 }
        warmup_epochs = 0
        momentum = 0.5
        weight_decay = 0.0
        clip_norm = 1.0
    "#;

    type Problem = Streams;
    type Op = Op;
    type Data = Data;
    type Network = Network;
    type Fit = Empty;
    type Model<B: ModelBackend> = Recurrent<B>;
    type Carry<B: Backend> = Option<Tensor<B, 2>>;

    fn validate(config: &FitConfig<Self>) -> Result<(), TrainError> {
        match config.data.streams {
            0 => Err(WorkbenchError::field("data.streams", 0, "1 or more").into()),
            _ => Ok(()),
        }
    }

    fn identity(mut config: FitConfig<Self>) -> FitConfig<Self> {
        config.data.unreadable_epoch = None;
        config
    }

    fn open(config: &FitConfig<Self>) -> Result<(Self, Streams), TrainError> {
        let recipe = Self {
            network: config.network.clone(),
            sign: match config.genotype.cells[0].nodes[0][0].op {
                Op::Keep => 1.0,
                Op::Negate => -1.0,
            },
        };
        Ok((recipe, Streams(config.data.clone())))
    }

    fn init<B: ModelBackend>(
        &self,
        _init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<Recurrent<B>, TrainError> {
        // Ids are random otherwise, and checkpoints hold them.
        let weights = Tensor::from_floats([0.3, 0.5], device).require_grad();
        Ok(Recurrent {
            weights: Param::initialized(ParamId::from(1), weights),
        })
    }

    fn pass<B: ModelBackend>(
        &self,
        model: &Recurrent<B>,
        batch: &Numbers<B>,
        carry: Option<Tensor<B, 2>>,
        _context: &PassContext<'_, Self>,
    ) -> Answered<Self, B> {
        let (answer, carry) = self.answer(model, batch, carry);
        Answered {
            answer,
            penalty: None,
            carry,
        }
    }

    fn evaluate<B: ModelBackend>(
        &self,
        model: &Recurrent<B>,
        batch: &Numbers<B>,
        carry: Option<Tensor<B, 2>>,
        _statistics: Statistics,
    ) -> (Tensor<B, 2>, Option<Tensor<B, 2>>) {
        self.answer(model, batch, carry)
    }

    fn size(&self) -> Result<Size, TrainError> {
        Ok(Size {
            weights: 2,
            multiply_adds: None,
        })
    }

    fn learning_rate_factor<B: Backend>(&self, _first: &Numbers<B>) -> f64 {
        self.network.learning_rate_factor
    }

    /// The mean of the weights since the epoch in which the loss was halved.
    fn averaging(_config: &FitConfig<Self>, validation: &[Score]) -> Averaging {
        let halved = |score: &Score| score.loss < validation[0].loss / 2.0;
        match validation.iter().position(halved) {
            Some(epoch) => Averaging::Mean { since: epoch + 1 },
            None => Averaging::Off,
        }
    }
}
