use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::SegmentationConfig;
use super::auxiliary::SegmentationAuxiliary;
use super::dropout::DropoutKey;
use super::plain::{PlainPlan, PlainStage, plain_plan};
use super::pyramid::SegmentationHead;
use super::stem::EncoderStem;
use crate::SupernetError;
use crate::convolution::{
    CellKind, CellPlan, DerivedCell, Genotype, NetworkConfig, OperationForm, describe_cells,
    run_cells,
};
use crate::graph::{Function, GraphBuilder, Value};
use crate::kernels::{Corners, KernelBackend, upsample_bilinear};
use crate::layers::{DropPath, StateDict, Statistics, WeightInit};

/// The encoder of a segmentation network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum EncoderChoice {
    /// What a genotype describes.
    Cells {
        /// The cells.
        genotype: Genotype,
    },
    /// A stage of a separable convolution in place of each cell, the baseline.
    Plain {
        /// Channels of a stage's output, as a multiple of those of its cell's nodes.
        width: usize,
    },
}

impl EncoderChoice {
    /// A stage of this width has about the weights of a cell.
    pub const PLAIN_WIDTH: usize = 4;
    const MAX_PLAIN_WIDTH: usize = 64;

    fn validate(&self) -> Result<(), SupernetError> {
        match self {
            Self::Cells { genotype } => genotype.validate(),
            Self::Plain { width } if (1..=Self::MAX_PLAIN_WIDTH).contains(width) => Ok(()),
            Self::Plain { width } => {
                let valid = format!("1 to {}", Self::MAX_PLAIN_WIDTH);
                Err(SupernetError::config("network.plain_width", width, valid))
            }
        }
    }
}

/// A derived segmentation network as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentationNetworkConfig {
    /// Outer shape.
    pub network: SegmentationConfig,
    /// The encoder.
    pub encoder: EncoderChoice,
    /// Whether an auxiliary head is trained along.
    #[serde(default)]
    pub auxiliary: bool,
}

/// The layers between stem and head, in order.
pub(super) enum EncoderPlan<'a> {
    Cells(&'a Genotype, Vec<CellPlan>),
    Plain(Vec<PlainPlan>),
}

impl EncoderPlan<'_> {
    /// Channels of the output of a cell or a stage.
    pub(super) fn channels(&self, index: usize) -> usize {
        match self {
            Self::Cells(genotype, plan) => {
                let cell = plan[index];
                genotype.cell(cell.kind).outputs().len() * cell.channels
            }
            Self::Plain(stages) => stages[index].channels[1],
        }
    }
}

impl SegmentationNetworkConfig {
    /// A network of these cells without an auxiliary head.
    pub fn of_cells(network: SegmentationConfig, genotype: Genotype) -> Self {
        Self {
            network,
            encoder: EncoderChoice::Cells { genotype },
            auxiliary: false,
        }
    }

    /// The layers between stem and head, and the channels of the last one's output.
    pub(super) fn plan(&self) -> (EncoderPlan<'_>, usize) {
        match &self.encoder {
            EncoderChoice::Cells { genotype } => {
                let kinds = [CellKind::Normal, CellKind::Reduce];
                let outputs = kinds.map(|kind| genotype.cell(kind).outputs().len());
                let (plan, features) = self.network.plan(outputs);
                (EncoderPlan::Cells(genotype, plan), features)
            }
            EncoderChoice::Plain { width } => {
                // Stages have channels of their own; those that cells put out do not matter.
                let (plan, _) = self.network.plan([1; 2]);
                let (stages, features) = plain_plan(&plan, *width);
                (EncoderPlan::Plain(stages), features)
            }
        }
    }

    /// Checks that the network can be built and run on images of this size.
    ///
    /// # Errors
    ///
    /// [`SupernetError`] naming the field, the genotype's cell or the size.
    pub fn validate(&self, height: usize, width: usize) -> Result<(), SupernetError> {
        self.validate_network()?;
        self.network.validate_image(height, width)
    }

    /// Checks everything but the size of images.
    pub(super) fn validate_network(&self) -> Result<(), SupernetError> {
        self.network.validate()?;
        self.encoder.validate()?;
        NetworkConfig::validate_weights(self.count_weights())
    }

    /// Checks that `state` can hold the weights of this network, before memory is taken for it.
    ///
    /// # Errors
    ///
    /// As [`DerivedConfig::validate_state`](crate::DerivedConfig::validate_state).
    pub fn validate_state(&self, state: &StateDict) -> Result<(), SupernetError> {
        self.validate_network()?;
        NetworkConfig::validate_state(self.count_weights(), state)
    }

    /// Builds the network with fresh weights.
    ///
    /// # Errors
    ///
    /// [`SupernetError`] when the genotype or the outer shape is impossible.
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<SegmentationNetwork<B>, SupernetError> {
        self.init_as(OperationForm::Retrained, init, device)
    }

    /// The same with cells of another form, such as those of a network which
    /// [inherits](super::SegmentationSupernet::inherit) from a supernet.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init).
    pub fn init_as<B: Backend>(
        &self,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<SegmentationNetwork<B>, SupernetError> {
        self.validate_network()?;
        let (plan, features) = self.plan();
        let stem = EncoderStem::new(&self.network, init, device);
        let encoder = match &plan {
            EncoderPlan::Cells(genotype, cells) => {
                let cells = cells.iter().map(|cell| {
                    DerivedCell::new(cell, genotype.cell(cell.kind), form, init, device)
                });
                Encoder::Cells(cells.collect())
            }
            EncoderPlan::Plain(stages) => {
                let stages = stages.iter();
                Encoder::Plain(
                    stages
                        .map(|plan| PlainStage::new(plan, init, device))
                        .collect(),
                )
            }
        };
        let head = SegmentationHead::new(features, &self.network, init, device);
        let (at, classes) = (self.network.auxiliary_cell(), self.network.classes);
        let auxiliary = || SegmentationAuxiliary::new(plan.channels(at), classes, init, device);
        Ok(SegmentationNetwork {
            stem,
            encoder,
            head,
            auxiliary: self.auxiliary.then(auxiliary),
            auxiliary_cell: at,
        })
    }
}

/// What makes features of what the stem leaves.
#[derive(Module, Debug)]
pub(crate) enum Encoder<B: Backend> {
    Cells(Vec<DerivedCell<B>>),
    Plain(Vec<PlainStage<B>>),
}

impl<B: Backend> Encoder<B> {
    fn describe(&self, graph: &mut GraphBuilder, [before, previous]: [Value; 2]) -> Value {
        match self {
            Self::Cells(cells) => describe_cells(cells, graph, [before, previous]),
            Self::Plain(stages) => {
                let stages = stages.iter();
                stages.fold(previous, |x, stage| stage.describe(graph, x))
            }
        }
    }
}

impl<B: KernelBackend> Encoder<B> {
    /// The output of the last cell or stage; `visit` sees those of all, with their numbers.
    pub(super) fn forward(
        &self,
        [before, mut previous]: [Tensor<B, 4>; 2],
        statistics: Statistics,
        drop_path: Option<&DropPath>,
        mut visit: impl FnMut(usize, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        match self {
            Self::Cells(cells) => {
                run_cells(cells, [before, previous], statistics, drop_path, visit)
            }
            Self::Plain(stages) => {
                for (index, stage) in stages.iter().enumerate() {
                    previous = stage.forward(previous, statistics);
                    visit(index, &previous);
                }
                previous
            }
        }
    }
}

/// A segmentation network of derived cells, or with the plain encoder.
#[derive(Module, Debug)]
pub struct SegmentationNetwork<B: Backend> {
    pub(super) stem: EncoderStem<B>,
    pub(super) encoder: Encoder<B>,
    pub(super) head: SegmentationHead<B>,
    pub(super) auxiliary: Option<SegmentationAuxiliary<B>>,
    pub(super) auxiliary_cell: usize,
}

/// What a segmentation network gives while it is trained.
#[derive(Debug, Clone)]
pub struct SegmentationOutput<B: Backend> {
    /// Logits `[batch, classes, height, width]`.
    pub logits: Tensor<B, 4>,
    /// Logits `[batch, classes, height, width]` of the auxiliary head, if there is one.
    pub auxiliary: Option<Tensor<B, 4>>,
}

impl<B: Backend> SegmentationNetwork<B> {
    /// What [`forward`](Self::forward) computes of images with running statistics: logits of each pixel. The
    /// graph is one of [this network](Self::graph).
    pub fn describe(&self, graph: &mut GraphBuilder, images: Value) -> Value {
        let inputs = self.stem.describe(graph, images);
        let features = self.encoder.describe(graph, inputs);
        let logits = self.head.describe(graph, features);
        graph.apply(Function::Upsampled, &[logits, images])
    }
}

impl<B: KernelBackend> SegmentationNetwork<B> {
    /// Logits of each pixel, in f32; the auxiliary head is not run, and nothing is dropped.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`, height and width 8 or more
    /// - output: `[batch, classes, height, width]`
    pub fn forward(&self, images: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        let [_, _, height, width] = images.dims();
        let inputs = self.stem.forward(images, statistics);
        let features = self.encoder.forward(inputs, statistics, None, |_, _| {});
        let logits = self.head.forward(features, statistics, None);
        upsampled(logits, [height, width])
    }

    /// The pass of a training step: with the auxiliary head, and with drop-path and the head's dropout
    /// where they are given. Shapes are those of [`forward`](Self::forward).
    pub fn forward_train(
        &self,
        images: Tensor<B, 4>,
        statistics: Statistics,
        drop_path: Option<&DropPath>,
        dropout: Option<&DropoutKey>,
    ) -> SegmentationOutput<B> {
        let [_, _, height, width] = images.dims();
        let size = [height, width];
        let inputs = self.stem.forward(images, statistics);
        let mut auxiliary = None;
        let visit = |index: usize, output: &Tensor<B, 4>| {
            if let Some(head) = &self.auxiliary
                && index == self.auxiliary_cell
            {
                let logits = head.forward(output.clone(), statistics);
                auxiliary = Some(upsampled(logits, size));
            }
        };
        let features = self.encoder.forward(inputs, statistics, drop_path, visit);
        let logits = self.head.forward(features, statistics, dropout);
        SegmentationOutput {
            logits: upsampled(logits, size),
            auxiliary,
        }
    }
}

/// Logits at the size of the image.
pub(super) fn upsampled<B: KernelBackend>(logits: Tensor<B, 4>, size: [usize; 2]) -> Tensor<B, 4> {
    let [_, _, height, width] = logits.dims();
    match [height, width] == size {
        true => logits,
        false => upsample_bilinear(logits, size, Corners::HalfPixel),
    }
}
