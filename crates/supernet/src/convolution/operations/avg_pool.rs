use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend, module::avg_pool2d};

use crate::convolution::candidate::{Candidate, OperationConfig};
use crate::convolution::node::Node;
use crate::graph::{Function, GraphBuilder, Value};
use crate::kernels::{self, KernelBackend, PoolWindow};
use crate::layers::{BatchNorm, Scaled, Statistics, TensorName, WeightInit, norm_name};

/// `avg_pool_3x3`.
pub(crate) const AVG_POOL_3X3: AveragePooling = AveragePooling {
    name: "avg_pool_3x3",
    window: 3,
};

/// `avg_pool_5x5`.
pub(crate) const AVG_POOL_5X5: AveragePooling = AveragePooling {
    name: "avg_pool_5x5",
    window: 5,
};

/// Average pooling with a square window of this side, padding not counted.
pub(crate) struct AveragePooling {
    name: &'static str,
    window: usize,
}

impl AveragePooling {
    fn pool<B: KernelBackend>(
        &self,
        x: Tensor<B, 4>,
        stride: usize,
        dilation: usize,
    ) -> Tensor<B, 4> {
        if self.window == 3 || dilation > 1 {
            let window = PoolWindow {
                kernel: self.window,
                stride,
                dilation,
            };
            return kernels::avg_pool(x, window);
        }
        let (window, stride, padding) = ([self.window; 2], [stride; 2], [self.window / 2; 2]);
        avg_pool2d(x, window, stride, padding, false, false)
    }
}

/// Average pooling, normalised in the supernet.
#[derive(Module, Debug)]
pub struct AvgPool<B: Backend> {
    stride: usize,
    dilation: usize,
    norm: Option<BatchNorm<B>>,
}

impl Candidate for AveragePooling {
    type Module<B: Backend> = AvgPool<B>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn build<B: Backend>(
        &self,
        config: OperationConfig,
        _init: &mut WeightInit,
        device: &B::Device,
    ) -> AvgPool<B> {
        AvgPool {
            stride: config.spacing.stride.factor(),
            dilation: config.spacing.dilation,
            norm: config.form.pool_norm(config.channels, device),
        }
    }

    fn forward<'a, B: KernelBackend>(
        &self,
        module: &'a AvgPool<B>,
        node: &Node<B>,
        statistics: Statistics,
    ) -> Scaled<'a, B> {
        let pooled = self.pool(node.raw(), module.stride, module.dilation);
        match &module.norm {
            Some(norm) => norm.scaled(pooled, statistics),
            None => Scaled::plain(pooled),
        }
    }

    fn describe<B: Backend>(
        &self,
        module: &AvgPool<B>,
        graph: &mut GraphBuilder,
        node: Value,
    ) -> Value {
        let window = PoolWindow {
            kernel: self.window,
            stride: module.stride,
            dilation: module.dilation,
        };
        let pooled = graph.apply(Function::AvgPool(window), &[node]);
        match &module.norm {
            Some(norm) => norm.describe(graph, pooled),
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
