use burn::tensor::backend::Backend;

use super::layer::OperationLayer;
use super::node::Node;
use super::{Spacing, Stride};
use crate::graph::{GraphBuilder, Value};
use crate::kernels::KernelBackend;
use crate::layers::{BatchNorm, Scaled, Statistics, TensorName, WeightInit};

/// What the file of an operation says of it. The list in `operation.rs` makes the enums and their
/// matches of it.
pub(crate) trait Candidate {
    /// The operation with its weights.
    type Module<B: Backend>;

    /// The name in configurations and genotypes.
    fn name(&self) -> &'static str;

    /// Builds the operation with weights drawn from `init`.
    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self::Module<B>;

    /// Applies the operation to a node.
    ///
    /// # Shapes
    ///
    /// - node: `[batch, channels, height, width]`
    /// - output: `[batch, channels, ceil(height / stride), ceil(width / stride)]`
    fn forward<'a, B: KernelBackend>(
        &self,
        module: &'a Self::Module<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Scaled<'a, B>;

    /// What [`forward`](Self::forward) computes of a node, with running statistics.
    fn describe<B: Backend>(
        &self,
        module: &Self::Module<B>,
        graph: &mut GraphBuilder,
        node: Value,
    ) -> Value;

    /// Its convolutions.
    fn layers(&self, _channels: usize, _stride: Stride) -> Vec<OperationLayer> {
        Vec::new()
    }

    /// Whether it hands its input on unchanged.
    fn is_identity(&self, _stride: Stride) -> bool {
        false
    }

    /// The name in DARTS' code of the tensor at `path` in the module, for an operation at `place`.
    fn tensor_name(&self, _place: &str, _path: &[&str]) -> Option<TensorName> {
        None
    }
}

/// How an operation of a cell is built.
#[derive(Debug, Clone, Copy)]
pub struct OperationConfig {
    /// Channels of its input and output.
    pub channels: usize,
    /// How it goes over the image.
    pub spacing: Spacing,
    /// Its form.
    pub form: OperationForm,
}

/// Where the operations of a supernet and of a derived network differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationForm {
    /// Nothing is affine, so that a code's strength cannot hide in a scale, and pools are normalised
    /// (DARTS).
    Searched,
    /// Normalisation is affine and pools are bare, as the papers retrain.
    Retrained,
}

impl OperationForm {
    /// The normalisation after a convolution.
    pub(crate) fn norm<B: Backend>(self, channels: usize, device: &B::Device) -> BatchNorm<B> {
        match self {
            Self::Searched => BatchNorm::new(channels, device),
            Self::Retrained => BatchNorm::affine(channels, device),
        }
    }

    /// The normalisation after a pool.
    pub(crate) fn pool_norm<B: Backend>(
        self,
        channels: usize,
        device: &B::Device,
    ) -> Option<BatchNorm<B>> {
        match self {
            Self::Searched => Some(BatchNorm::new(channels, device)),
            Self::Retrained => None,
        }
    }
}
