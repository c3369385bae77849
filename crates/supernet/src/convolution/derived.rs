use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::candidate::OperationForm;
use super::stem::DerivedStem;
use super::{
    AuxiliaryHead, CellPlan, DerivedCell, Form, Genotype, NetworkConfig, Supernet, SupernetConfig,
};
use crate::SupernetError;
use crate::kernels::KernelBackend;
use crate::layers::{DropPath, Linear, Statistics, WeightInit, global_average};

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
        let nodes = self.genotype.nodes();
        match self.form {
            Form::Cifar => self.network.plan(nodes),
            Form::Imagenet => self.network.plan_after(self.network.channels, 2, nodes),
        }
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
        self.network.validate()?;
        self.genotype.validate()?;
        if self.form == Form::Imagenet && height.min(width) < Self::MIN_IMAGENET {
            return Err(SupernetError::config(
                "image size",
                format!("{height}x{width}"),
                format!("{0}x{0} or larger in the ImageNet form", Self::MIN_IMAGENET),
            ));
        }
        self.network.validate_image(height, width)
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
        self.network.validate()?;
        self.genotype.validate()?;
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
            let channels = self.genotype.nodes() * plan[at].channels;
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
        mut visit: impl FnMut(usize, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        let [mut prev_prev, mut prev] = self.stem.forward(images, statistics);
        for (index, cell) in self.cells.iter().enumerate() {
            let drop_path = drop_path.map(|drop_path| (drop_path, index));
            let output = cell.forward([prev_prev, prev.clone()], statistics, drop_path);
            visit(index, &output);
            (prev_prev, prev) = (prev, output);
        }
        prev
    }
}

impl<B: Backend> Supernet<B> {
    /// The network that `genotype` leaves of this supernet, with copies of its weights and running
    /// statistics: what it does to itself afterwards does not touch the supernet.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Mismatch`] when the genotype has another number of nodes or an operation
    /// that was not searched; [`SupernetError::Genotype`] when it is not valid in itself.
    pub fn inherit(
        &self,
        config: &SupernetConfig,
        genotype: &Genotype,
    ) -> Result<DerivedNetwork<B>, SupernetError> {
        genotype.validate()?;
        let nodes = genotype.nodes();
        if nodes != config.space.nodes {
            return Err(SupernetError::Mismatch {
                problem: format!(
                    "{nodes} nodes in a cell, the supernet has {}",
                    config.space.nodes
                ),
            });
        }
        let cells = self
            .cells
            .iter()
            .map(|cell| DerivedCell::inherit(cell, genotype.cell(cell.plan.kind), &config.space))
            .collect::<Result<_, _>>()?;
        Ok(DerivedNetwork {
            stem: DerivedStem::Cifar(self.stem.clone()),
            cells,
            classifier: self.classifier.clone(),
            auxiliary_head: None,
            auxiliary_cell: 0,
        })
    }
}
