use std::cell::OnceCell;

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::blocks::{FactorizedReduce, SeparableConv};
use crate::kernels::{self, KernelBackend};
use crate::{BatchNorm, Operation, Statistics, WeightInit};

/// The state of a cell's node as its outgoing operations see it: pools and skips read it as it is,
/// convolutions read it rectified, and the ReLU is computed once for all of them.
pub(crate) struct NodeState<B: Backend> {
    raw: Tensor<B, 4>,
    rectified: OnceCell<Tensor<B, 4>>,
}

impl<B: KernelBackend> NodeState<B> {
    pub(crate) fn new(raw: Tensor<B, 4>) -> Self {
        Self {
            raw,
            rectified: OnceCell::new(),
        }
    }

    pub(crate) fn raw(&self) -> Tensor<B, 4> {
        self.raw.clone()
    }

    pub(crate) fn rectified(&self) -> Tensor<B, 4> {
        self.rectified
            .get_or_init(|| kernels::rectify(self.raw.clone()))
            .clone()
    }

    /// The same values, cut off from the autodiff graph.
    pub(crate) fn detached(&self) -> Self {
        Self {
            raw: self.raw.clone().detach(),
            rectified: OnceCell::from(self.rectified().detach()),
        }
    }
}

/// How the operations of a cell are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OperationForm {
    /// Batch normalisation with affine parameters.
    pub affine: bool,
    /// Pools followed by batch normalisation, as in the supernet.
    pub pool_norm: bool,
}

impl OperationForm {
    /// In the supernet nothing is affine, so that a code's strength cannot hide in a scale, and
    /// pools are normalised (DARTS).
    pub(crate) const SEARCHED: Self = Self {
        affine: false,
        pool_norm: true,
    };
    /// As the papers retrain.
    pub(crate) const RETRAINED: Self = Self {
        affine: true,
        pool_norm: false,
    };
}

/// 3x3 pooling, normalised in the supernet.
#[derive(Module, Debug)]
pub struct Pool<B: Backend> {
    maximum: bool,
    stride: usize,
    norm: Option<BatchNorm<B>>,
}

impl<B: KernelBackend> Pool<B> {
    fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        let pooled = if self.maximum {
            kernels::max_pool3x3(x, self.stride)
        } else {
            kernels::avg_pool3x3(x, self.stride)
        };
        match &self.norm {
            Some(norm) => norm.forward(pooled, statistics),
            None => pooled,
        }
    }
}

/// Identity, or a factorised reduction at stride 2.
#[derive(Module, Debug)]
pub struct Skip<B: Backend> {
    reduce: Option<FactorizedReduce<B>>,
}

/// A candidate operation with its weights. [`Operation::None`] has none: it contributes nothing to
/// the output and nothing to a gradient, so it is never built.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "modules cannot be boxed, and an edge holds a handful"
)]
pub enum OperationModule<B: Backend> {
    /// Maximum or average pooling.
    Pool(Pool<B>),
    /// Identity or factorised reduction.
    Skip(Skip<B>),
    /// Separable convolution, twice or dilated.
    Separable(SeparableConv<B>),
}

impl<B: Backend> OperationModule<B> {
    /// Builds `operation`; nothing for [`Operation::None`].
    pub(crate) fn new(
        operation: Operation,
        channels: usize,
        stride: usize,
        form: OperationForm,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Option<Self> {
        let affine = form.affine;
        let pool = |maximum| {
            let norm = form.pool_norm;
            OperationModule::Pool(Pool {
                maximum,
                stride,
                norm: norm.then(|| BatchNorm::new(channels, affine, device)),
            })
        };
        let module = match operation {
            Operation::None => return None,
            Operation::MaxPool3x3 => pool(true),
            Operation::AvgPool3x3 => pool(false),
            Operation::SkipConnect => OperationModule::Skip(Skip {
                reduce: (stride == 2)
                    .then(|| FactorizedReduce::new([channels; 2], affine, init, device)),
            }),
            Operation::SepConv3x3 | Operation::SepConv5x5 => {
                let kernel = if operation == Operation::SepConv3x3 {
                    3
                } else {
                    5
                };
                OperationModule::Separable(SeparableConv::twice(
                    channels, kernel, stride, affine, init, device,
                ))
            }
            Operation::DilConv3x3 | Operation::DilConv5x5 => {
                let kernel = if operation == Operation::DilConv3x3 {
                    3
                } else {
                    5
                };
                OperationModule::Separable(SeparableConv::dilated(
                    channels, kernel, stride, affine, init, device,
                ))
            }
        };
        Some(module)
    }
}

impl<B: KernelBackend> OperationModule<B> {
    /// Applies the operation to a node's state `[batch, channels, height, width]`.
    pub(crate) fn forward(&self, state: &NodeState<B>, statistics: Statistics) -> Tensor<B, 4> {
        match self {
            OperationModule::Pool(pool) => pool.forward(state.raw(), statistics),
            OperationModule::Skip(skip) => match &skip.reduce {
                Some(reduce) => reduce.forward(state.rectified(), statistics),
                None => state.raw(),
            },
            OperationModule::Separable(conv) => conv.forward(state.rectified(), statistics),
        }
    }
}
