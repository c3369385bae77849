use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::candidate::OperationForm;
use super::stem::DerivedStem;
use super::{
    AuxiliaryHead, CellKind, CellPlan, DerivedCell, Form, Genotype, NetworkConfig, SearchCell,
    SearchSpace, Stride, Supernet, SupernetConfig, describe_cells,
};
use crate::SupernetError;
use crate::graph::{Function, GraphBuilder, Value};
use crate::kernels::KernelBackend;
use crate::layers::{DropPath, Linear, StateDict, Statistics, WeightInit, global_average};

/// A derived network as data: affine normalisation and bare pools, as the papers retrain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedConfig {
    /// Outer shape.
    pub network: NetworkConfig,
    /// The cells.
    pub genotype: Genotype,
    /// Outer form.
    #[serde(default)]
    pub form: Form,
    /// Whether an auxiliary head is trained along.
    #[serde(default)]
    pub auxiliary: bool,
}

impl DerivedConfig {
    /// The CIFAR form without an auxiliary head.
    pub fn new(network: NetworkConfig, genotype: Genotype) -> Self {
        Self {
            network,
            genotype,
            form: Form::Cifar,
            auxiliary: false,
        }
    }

    /// The cells in order and the channels of the last one's output.
    pub(crate) fn plan(&self) -> (Vec<CellPlan>, usize) {
        let outputs = [CellKind::Normal, CellKind::Reduce];
        let outputs = outputs.map(|kind| self.genotype.cell(kind).outputs().len());
        let network = &self.network;
        match self.form {
            Form::Cifar => network.plan_after(network.stem_channels(), Stride::One, outputs),
            Form::Imagenet => network.plan_after(network.channels, Stride::Two, outputs),
        }
    }

    /// Channels of the features that the auxiliary head reads.
    pub(crate) fn auxiliary_channels(&self, plan: &[CellPlan]) -> usize {
        let cell = plan[self.auxiliary_cell()];
        self.genotype.cell(cell.kind).outputs().len() * cell.channels
    }

    /// The cell whose output the auxiliary head reads.
    pub(crate) fn auxiliary_cell(&self) -> usize {
        2 * self.network.cells / 3
    }

    /// Checks that the network can be built and run on images of this size.
    ///
    /// # Errors
    ///
    /// [`SupernetError`] naming the field, the genotype's cell or the size.
    pub fn validate(&self, height: usize, width: usize) -> Result<(), SupernetError> {
        self.validate_network()?;
        if self.form == Form::Imagenet && height.min(width) < Self::MIN_IMAGENET {
            return Err(SupernetError::config(
                "image size",
                format!("{height}x{width}"),
                format!("{0}x{0} or larger in the ImageNet form", Self::MIN_IMAGENET),
            ));
        }
        self.network.validate_image(height, width)
    }

    /// Checks everything but the size of images.
    fn validate_network(&self) -> Result<(), SupernetError> {
        self.network.validate()?;
        self.genotype.validate()?;
        NetworkConfig::validate_weights(self.count_weights())
    }

    /// Checks that `state` can hold the weights of this network, before memory is taken for it. A small
    /// network passes whatever the state: [`DerivedNetwork::load_state_dict`] says which tensor differs.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when the network has more weights than the state has numbers, or as
    /// [`DerivedConfig::validate`].
    pub fn validate_state(&self, state: &StateDict) -> Result<(), SupernetError> {
        self.validate_network()?;
        NetworkConfig::validate_state(self.count_weights(), state)
    }

    /// Smallest height and width of an image in the ImageNet form: the stem leaves an eighth.
    const MIN_IMAGENET: usize = 8 * NetworkConfig::MIN_SIZE;

    /// Builds the network with fresh weights.
    ///
    /// # Errors
    ///
    /// [`SupernetError`] when the genotype or the outer shape is impossible.
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<DerivedNetwork<B>, SupernetError> {
        self.init_as(OperationForm::Retrained, init, device)
    }

    /// The same with operations of another form, such as that of a network which
    /// [inherits](Supernet::inherit) from a supernet.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init).
    pub fn init_as<B: Backend>(
        &self,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<DerivedNetwork<B>, SupernetError> {
        self.validate_network()?;
        let (plan, features) = self.plan();
        let stem = DerivedStem::new(&self.network, self.form, init, device);
        let cells = plan.iter().map(|cell| {
            let genotype = self.genotype.cell(cell.kind);
            DerivedCell::new(cell, genotype, form, init, device)
        });
        let cells = cells.collect();
        let classifier = Linear::new(features, self.network.classes, init, device);
        let at = self.auxiliary_cell();
        let auxiliary = self.auxiliary.then(|| {
            let channels = self.auxiliary_channels(&plan);
            AuxiliaryHead::new(channels, self.network.classes, self.form, init, device)
        });
        Ok(DerivedNetwork {
            stem,
            cells,
            classifier,
            auxiliary_head: auxiliary,
            auxiliary_cell: at,
        })
    }
}

/// The network a genotype describes, built from the same operations as the supernet.
#[derive(Module, Debug)]
pub struct DerivedNetwork<B: Backend> {
    stem: DerivedStem<B>,
    cells: Vec<DerivedCell<B>>,
    classifier: Linear<B>,
    auxiliary_head: Option<AuxiliaryHead<B>>,
    auxiliary_cell: usize,
}

/// What a network gives while it is trained.
#[derive(Debug, Clone)]
pub struct TrainingOutput<B: Backend> {
    /// Class logits `[batch, classes]`.
    pub logits: Tensor<B, 2>,
    /// Class logits `[batch, classes]` of the auxiliary head, if there is one.
    pub auxiliary: Option<Tensor<B, 2>>,
}

impl<B: Backend> DerivedNetwork<B> {
    /// What [`forward`](Self::forward) computes of images with running statistics: class logits. The graph
    /// is one of [this network](Self::graph).
    pub fn describe(&self, graph: &mut GraphBuilder, images: Value) -> Value {
        let inputs = self.stem.describe(graph, images);
        let features = describe_cells(&self.cells, graph, inputs);
        let average = graph.apply(Function::GlobalAverage, &[features]);
        let vector = graph.apply(Function::Flattened, &[average]);
        self.classifier.describe(graph, vector)
    }
}

impl<B: KernelBackend> DerivedNetwork<B> {
    /// Class logits; the auxiliary head is not run.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`, sizes as [`DerivedConfig::validate`] has
    ///   it
    /// - output: `[batch, classes]`
    pub fn forward(&self, images: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 2> {
        let features = self.features(images, statistics, None, |_, _| {});
        self.classifier.forward(global_average(features))
    }

    /// The pass of a training step: with the auxiliary head, and with drop-path where it is given.
    /// Shapes are those of [`forward`](Self::forward).
    pub fn forward_train(
        &self,
        images: Tensor<B, 4>,
        statistics: Statistics,
        drop_path: Option<&DropPath>,
    ) -> TrainingOutput<B> {
        let mut auxiliary = None;
        let features = self.features(images, statistics, drop_path, |index, output| {
            if let Some(head) = &self.auxiliary_head
                && index == self.auxiliary_cell
            {
                auxiliary = Some(head.forward(output.clone(), statistics));
            }
        });
        TrainingOutput {
            logits: self.classifier.forward(global_average(features)),
            auxiliary,
        }
    }

    /// The output of the last cell; `visit` sees those of all cells, with their numbers.
    fn features(
        &self,
        images: Tensor<B, 4>,
        statistics: Statistics,
        drop_path: Option<&DropPath>,
        visit: impl FnMut(usize, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        let inputs = self.stem.forward(images, statistics);
        run_cells(&self.cells, inputs, statistics, drop_path, visit)
    }
}

/// The output of the last cell, the first one reading what the stem leaves; `visit` sees those of all
/// cells, with their numbers.
pub(crate) fn run_cells<B: KernelBackend>(
    cells: &[DerivedCell<B>],
    [mut prev_prev, mut prev]: [Tensor<B, 4>; 2],
    statistics: Statistics,
    drop_path: Option<&DropPath>,
    mut visit: impl FnMut(usize, &Tensor<B, 4>),
) -> Tensor<B, 4> {
    for (index, cell) in cells.iter().enumerate() {
        let drop_path = drop_path.map(|drop_path| (drop_path, index));
        let output = cell.forward([prev_prev, prev.clone()], statistics, drop_path);
        visit(index, &output);
        (prev_prev, prev) = (prev, output);
    }
    prev
}

impl<B: Backend> Supernet<B> {
    /// The network that `genotype` leaves of this supernet, with copies of its weights and running
    /// statistics: what it does to itself afterwards does not touch the supernet.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Mismatch`] when the genotype has another number of nodes, cells that put out
    /// some of them only, or an operation that was not searched; [`SupernetError::Genotype`] when it is not valid in itself.
    pub fn inherit(
        &self,
        config: &SupernetConfig,
        genotype: &Genotype,
    ) -> Result<DerivedNetwork<B>, SupernetError> {
        Ok(DerivedNetwork {
            stem: DerivedStem::Cifar(self.stem.clone()),
            cells: inherit_cells(&self.cells, genotype, &config.space)?,
            classifier: self.classifier.clone(),
            auxiliary_head: None,
            auxiliary_cell: 0,
        })
    }
}

/// What `genotype` leaves of searched cells, as [`Supernet::inherit`] has it.
pub(crate) fn inherit_cells<B: Backend>(
    cells: &[SearchCell<B>],
    genotype: &Genotype,
    space: &SearchSpace,
) -> Result<Vec<DerivedCell<B>>, SupernetError> {
    genotype.validate()?;
    for (name, cell) in genotype.named_cells() {
        let (nodes, searched) = (cell.nodes.len(), space.nodes);
        let problem = if nodes != searched {
            format!("{nodes} nodes in the {name} cell, the supernet has {searched}")
        } else if let Some(concat) = &cell.concat {
            format!("the {name} cell puts out nodes {concat:?}, the supernet all of them")
        } else {
            continue;
        };
        return Err(SupernetError::Mismatch { problem });
    }
    cells
        .iter()
        .map(|cell| DerivedCell::inherit(cell, genotype.cell(cell.plan.kind), space))
        .collect()
}
