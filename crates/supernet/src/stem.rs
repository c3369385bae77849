use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::blocks::{FactorizedReduce, ReluConvNorm};
use crate::conv::Conv2d;
use crate::kernels::{self, KernelBackend};
use crate::{BatchNorm, CellPlan, NetworkConfig, Statistics, WeightInit};

/// The first layer: 3x3 convolution and affine batch normalisation.
#[derive(Module, Debug)]
pub(crate) struct Stem<B: Backend> {
    conv: Conv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> Stem<B> {
    pub(crate) fn new(config: &NetworkConfig, init: &mut WeightInit, device: &B::Device) -> Self {
        let channels = config.stem_channels();
        Self {
            conv: Conv2d::new([config.image_channels, channels], 3, 1, 1, init, device),
            norm: BatchNorm::new(channels, true, device),
        }
    }
}

impl<B: KernelBackend> Stem<B> {
    pub(crate) fn forward(&self, images: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        self.norm.forward(self.conv.forward(images), statistics)
    }
}

/// Brings one input of a cell to the cell's channels and size.
#[derive(Module, Debug)]
pub(crate) enum Preprocess<B: Backend> {
    Same(ReluConvNorm<B>),
    Reduce(FactorizedReduce<B>),
}

impl<B: Backend> Preprocess<B> {
    /// The two preprocessing layers of a cell.
    pub(crate) fn pair(
        plan: &CellPlan,
        affine: bool,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> [Self; 2] {
        let first = [plan.channels_prev_prev, plan.channels];
        let first = if plan.reduction_prev {
            Preprocess::Reduce(FactorizedReduce::new(first, affine, init, device))
        } else {
            Preprocess::Same(ReluConvNorm::new(first, affine, init, device))
        };
        let second = [plan.channels_prev, plan.channels];
        let second = Preprocess::Same(ReluConvNorm::new(second, affine, init, device));
        [first, second]
    }
}

impl<B: KernelBackend> Preprocess<B> {
    pub(crate) fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        match self {
            Preprocess::Same(conv) => conv.forward(kernels::rectify(x), statistics),
            Preprocess::Reduce(reduce) => reduce.forward(kernels::rectify(x), statistics),
        }
    }
}

/// Global average pooling `[batch, channels, height, width]` to `[batch, channels]`.
pub(crate) fn global_average<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}
