use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::node::Node;
use crate::kernels::{self, KernelBackend};
use crate::layers::{BatchNorm, Statistics, TensorName, WeightInit, norm_name};

/// `max_pool_3x3`.
pub(crate) const MAX_POOL_3X3: MaximumPooling = MaximumPooling;

/// 3x3 maximum pooling.
pub(crate) struct MaximumPooling;

/// 3x3 maximum pooling, normalised in the supernet.
#[derive(Module, Debug)]
pub struct MaxPool<B: Backend> {
    stride: usize,
    norm: Option<BatchNorm<B>>,
}

impl Candidate for MaximumPooling {
    type Module<B: Backend> = MaxPool<B>;

    fn name(&self) -> &'static str {
        "max_pool_3x3"
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        _init: &mut WeightInit,
        device: &B::Device,
    ) -> MaxPool<B> {
        MaxPool {
            stride: config.stride,
            norm: config.form.pool_norm(config.channels, device),
        }
    }

    fn forward<B: KernelBackend>(
        &self,
        module: &MaxPool<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Tensor<B, 4> {
        let pooled = kernels::max_pool3x3(node.raw(), module.stride);
        match &module.norm {
            Some(norm) => norm.forward(pooled, statistics),
            None => pooled,
        }
    }

    /// In DARTS' search the pool is number 0 and its normalisation number 1.
    fn tensor_name(&self, place: &str, path: &[&str]) -> Option<TensorName> {
        match path {
            ["norm", rest @ ..] => norm_name(&format!("{place}.1"), rest),
            _ => None,
        }
    }
}
