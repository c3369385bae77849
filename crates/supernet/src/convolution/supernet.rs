use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::convolution::stem::{Stem, global_average};
use crate::kernels::KernelBackend;
use crate::layers::conv::Linear;
use crate::{
    CellCodes, NetworkConfig, SearchCell, SearchSpace, Statistics, SupernetError, WeightInit,
};

/// Which operations of an edge a forward pass runs.
///
/// In every form an operation that is switched off moves no running statistics. In the sparse forms
/// its weights get no gradient at all, so an optimiser that skips weights without a gradient applies
/// neither decay nor momentum to them; in the dense form they get a zero gradient, and decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Runs every operation and records it: the reference.
    Dense,
    /// Runs what the gradients need and no more. In a weight step that is the operations switched
    /// on; in an architecture step the others run too, but on constants, since only the inner
    /// product of their output with the node's gradient is needed. Loss and gradients equal the
    /// dense ones.
    #[default]
    ExactSparse,
    /// Runs only the operations switched on, in both steps. In an architecture step the logits of
    /// the others get no gradient through their own code: biased, as in GDAS, and faster.
    Sampled,
}

/// Which parameters a pass will be differentiated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The network's weights; the codes are constants.
    Weights,
    /// The architecture logits, through the codes.
    Architecture,
}

/// How to run a supernet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Which operations run.
    pub execution: Execution,
    /// What the pass will be differentiated by.
    pub step: Step,
    /// What batch normalisation uses.
    pub statistics: Statistics,
}

impl Run {
    /// A pass that is not differentiated, normalised with the batch's own statistics.
    pub const SCORE: Run = Run {
        execution: Execution::ExactSparse,
        step: Step::Weights,
        statistics: Statistics::Batch,
    };
}

/// A supernet as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupernetConfig {
    /// Outer shape.
    pub network: NetworkConfig,
    /// Search space of the cells.
    pub space: SearchSpace,
}

impl SupernetConfig {
    /// Builds the supernet with weights drawn from `init`.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when the network or the space is impossible.
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<Supernet<B>, SupernetError> {
        self.network.validate()?;
        self.space.validate()?;
        let (plan, features) = self.network.plan(self.space.nodes);
        Ok(Supernet {
            stem: Stem::new(&self.network, init, device),
            cells: plan
                .iter()
                .map(|cell| SearchCell::new(cell, &self.space, init, device))
                .collect(),
            classifier: Linear::new(features, self.network.classes, init, device),
        })
    }
}

/// The network that contains every architecture of the search space. It holds weights only: the
/// architecture logits live in [`Architecture`](crate::Architecture), and a sampled code is an
/// argument of the forward pass.
#[derive(Module, Debug)]
pub struct Supernet<B: Backend> {
    pub(crate) stem: Stem<B>,
    pub(crate) cells: Vec<SearchCell<B>>,
    pub(crate) classifier: Linear<B>,
}

impl<B: KernelBackend> Supernet<B> {
    /// Class logits of the network that `codes` describe.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`, height and width 8 or more, in the type
    ///   that the convolutions compute in
    /// - output: `[batch, classes]`
    pub fn forward(&self, images: Tensor<B, 4>, codes: &CellCodes<B>, run: Run) -> Tensor<B, 2> {
        let codes = codes.in_dtype(images.dtype());
        let stem = self.stem.forward(images, run.statistics);
        let (mut prev_prev, mut prev) = (stem.clone(), stem);
        for cell in &self.cells {
            let table = codes.of(cell.reduction);
            let output = cell.forward([prev_prev, prev.clone()], table, run);
            (prev_prev, prev) = (prev, output);
        }
        self.classifier.forward(global_average(prev))
    }
}
