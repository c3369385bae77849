use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::SegmentationConfig;
use super::network::{Encoder, SegmentationNetwork, upsampled};
use super::pyramid::SegmentationHead;
use super::stem::EncoderStem;
use crate::SupernetError;
use crate::architecture::{Codes, ForwardMode};
use crate::convolution::{Genotype, NetworkConfig, SearchCell, SearchSpace, inherit_cells};
use crate::kernels::KernelBackend;
use crate::layers::WeightInit;

/// A segmentation supernet as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentationSupernetConfig {
    /// Outer shape.
    pub network: SegmentationConfig,
    /// Search space of the cells.
    pub space: SearchSpace,
}

impl SegmentationSupernetConfig {
    /// Builds the supernet with weights drawn from `init`.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when the network or the space is impossible.
    pub fn init<B: Backend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<SegmentationSupernet<B>, SupernetError> {
        self.validate()?;
        let (plan, features) = self.network.plan([self.space.nodes; 2]);
        let stem = EncoderStem::new(&self.network, init, device);
        let cell = |cell| SearchCell::new(cell, &self.space, init, device);
        Ok(SegmentationSupernet {
            stem,
            cells: plan.iter().map(cell).collect(),
            head: SegmentationHead::new(features, &self.network, init, device),
        })
    }

    /// Checks that the supernet can be built.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] naming the field.
    pub fn validate(&self) -> Result<(), SupernetError> {
        self.network.validate()?;
        self.space.validate()?;
        NetworkConfig::validate_weights(self.weights() as u64)
    }
}

/// The network that contains every architecture of the search space: searched cells, and a head that
/// all of them share. As of [`Supernet`](crate::Supernet), it holds weights only.
#[derive(Module, Debug)]
pub struct SegmentationSupernet<B: Backend> {
    stem: EncoderStem<B>,
    cells: Vec<SearchCell<B>>,
    head: SegmentationHead<B>,
}

impl<B: KernelBackend> SegmentationSupernet<B> {
    /// Logits of each pixel, in f32, of the network that `codes` describe.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`, height and width 8 or more, in the type
    ///   that the convolutions compute in
    /// - codes: a table for each kind of cell
    /// - output: `[batch, classes, height, width]`
    pub fn forward(
        &self,
        images: Tensor<B, 4>,
        codes: &Codes<B>,
        mode: ForwardMode,
    ) -> Tensor<B, 4> {
        let [_, _, height, width] = images.dims();
        let codes = codes.in_dtype(images.dtype());
        let [mut prev_prev, mut prev] = self.stem.forward(images, mode.statistics);
        for cell in &self.cells {
            let table = &codes.tables[cell.plan.kind.index()];
            let output = cell.forward([prev_prev, prev.clone()], table, mode);
            (prev_prev, prev) = (prev, output);
        }
        let logits = self.head.forward(prev, mode.statistics, None);
        upsampled(logits, [height, width])
    }
}

impl<B: Backend> SegmentationSupernet<B> {
    /// The network that `genotype` leaves of this supernet, with copies of its weights and running
    /// statistics, without an auxiliary head.
    ///
    /// # Errors
    ///
    /// As [`Supernet::inherit`](crate::Supernet::inherit).
    pub fn inherit(
        &self,
        config: &SegmentationSupernetConfig,
        genotype: &Genotype,
    ) -> Result<SegmentationNetwork<B>, SupernetError> {
        Ok(SegmentationNetwork {
            stem: self.stem.clone(),
            encoder: Encoder::Cells(inherit_cells(&self.cells, genotype, &config.space)?),
            head: self.head.clone(),
            auxiliary: None,
            auxiliary_cell: config.network.auxiliary_cell(),
        })
    }
}
