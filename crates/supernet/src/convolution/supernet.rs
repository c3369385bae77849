use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::stem::Stem;
use super::{Cost, NetworkConfig, SearchCell, SearchSpace};
use crate::SupernetError;
use crate::architecture::{Codes, ForwardMode};
use crate::kernels::KernelBackend;
use crate::layers::{Linear, WeightInit, global_average};

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
        // Sides of images do not matter to weights.
        let costs = self
            .network
            .operation_costs(&self.space, [1, 1], Cost::Parameters);
        let weights: f64 = costs.iter().flatten().flatten().sum();
        NetworkConfig::validate_weights(weights as u64)?;
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
    /// Features of the network that `codes` describe: the output of its last cell.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`, height and width 8 or more, in the type
    ///   that the convolutions compute in
    /// - codes: a table for each kind of cell
    /// - output: `[batch, channels, height, width]` of the last cell
    pub fn features(
        &self,
        images: Tensor<B, 4>,
        codes: &Codes<B>,
        mode: ForwardMode,
    ) -> Tensor<B, 4> {
        let codes = codes.in_dtype(images.dtype());
        let stem = self.stem.forward(images, mode.statistics);
        let (mut prev_prev, mut prev) = (stem.clone(), stem);
        for cell in &self.cells {
            let table = &codes.tables[cell.plan.kind.index()];
            let output = cell.forward([prev_prev, prev.clone()], table, mode);
            (prev_prev, prev) = (prev, output);
        }
        prev
    }

    /// Class logits `[batch, classes]` of the network that `codes` describe: its
    /// [features](Self::features) averaged over the image, and classified.
    pub fn forward(
        &self,
        images: Tensor<B, 4>,
        codes: &Codes<B>,
        mode: ForwardMode,
    ) -> Tensor<B, 2> {
        let features = self.features(images, codes, mode);
        self.classifier.forward(global_average(features))
    }
}
