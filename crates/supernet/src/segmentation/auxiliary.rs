use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::pyramid::{AtrousConv, PixelClassifier};
use crate::kernels::KernelBackend;
use crate::layers::{Statistics, WeightInit};

/// The auxiliary classifier of pixels (the fully convolutional head of torchvision, without its
/// dropout): reads the output of the last reduction while training, so that gradients reach the first
/// cells on a short way. It is not run to predict.
#[derive(Module, Debug)]
pub struct SegmentationAuxiliary<B: Backend> {
    conv: AtrousConv<B>,
    classifier: PixelClassifier<B>,
}

/// Channels between its two convolutions.
pub(super) fn auxiliary_width(channels: usize) -> usize {
    (channels / 4).max(1)
}

impl<B: Backend> SegmentationAuxiliary<B> {
    pub(super) fn new(
        channels: usize,
        classes: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let width = auxiliary_width(channels);
        Self {
            conv: AtrousConv::new([channels, width], 1, init, device),
            classifier: PixelClassifier::new(width, classes, init, device),
        }
    }
}

impl<B: KernelBackend> SegmentationAuxiliary<B> {
    /// # Shapes
    ///
    /// - features: `[batch, channels, height, width]`
    /// - output: `[batch, classes, height, width]`
    pub(super) fn forward(&self, features: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        self.classifier
            .forward(self.conv.forward(features, statistics))
    }
}
