use burn::module::Module;
use burn::tensor::{DType, Tensor, backend::Backend};

use crate::convolution::blocks::{FactorizedReduce, ReluConvNorm};
use crate::kernels::{self, KernelBackend};
use crate::layers::conv::Conv2d;
use crate::{BatchNorm, CellPlan, Form, NetworkConfig, Statistics, WeightInit};

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

/// The ImageNet form's first layers (DARTS): three 3x3 convolutions of stride 2, each with affine
/// batch normalisation. The first cell reads what the second and the third leave.
#[derive(Module, Debug)]
pub(crate) struct ImagenetStem<B: Backend> {
    convs: [Conv2d<B>; 3],
    norms: [BatchNorm<B>; 3],
}

impl<B: Backend> ImagenetStem<B> {
    fn new(config: &NetworkConfig, init: &mut WeightInit, device: &B::Device) -> Self {
        let convs =
            stem_convolutions(config).map(|channels| Conv2d::new(channels, 3, 2, 1, init, device));
        let norm = |[_, out]: [usize; 2]| BatchNorm::new(out, true, device);
        Self {
            convs,
            norms: stem_convolutions(config).map(norm),
        }
    }
}

/// Channels in and out of each convolution of the ImageNet form's stem.
pub(crate) fn stem_convolutions(config: &NetworkConfig) -> [[usize; 2]; 3] {
    let (half, whole) = (config.channels / 2, config.channels);
    [[config.image_channels, half], [half, whole], [whole, whole]]
}

impl<B: KernelBackend> ImagenetStem<B> {
    fn forward(&self, images: Tensor<B, 4>, statistics: Statistics) -> [Tensor<B, 4>; 2] {
        let layer =
            |index: usize, x| self.norms[index].forward(self.convs[index].forward(x), statistics);
        let second = layer(1, kernels::rectify(layer(0, images)));
        let third = layer(2, kernels::rectify(second.clone()));
        [second, third]
    }
}

/// The first layers of a derived network, in either form.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "modules cannot be boxed, and a network has one"
)]
pub(crate) enum DerivedStem<B: Backend> {
    Cifar(Stem<B>),
    Imagenet(ImagenetStem<B>),
}

impl<B: Backend> DerivedStem<B> {
    pub(crate) fn new(
        config: &NetworkConfig,
        form: Form,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        match form {
            Form::Cifar => Self::Cifar(Stem::new(config, init, device)),
            Form::Imagenet => Self::Imagenet(ImagenetStem::new(config, init, device)),
        }
    }
}

impl<B: KernelBackend> DerivedStem<B> {
    /// Both inputs of the first cell.
    pub(crate) fn forward(
        &self,
        images: Tensor<B, 4>,
        statistics: Statistics,
    ) -> [Tensor<B, 4>; 2] {
        match self {
            Self::Cifar(stem) => {
                let output = stem.forward(images, statistics);
                [output.clone(), output]
            }
            Self::Imagenet(stem) => stem.forward(images, statistics),
        }
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

/// Global average pooling `[batch, channels, height, width]` to `[batch, channels]`, in f32 whatever
/// the features are computed in.
pub(crate) fn global_average<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, height, width] = x.dims();
    in_f32(x)
        .reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}

/// The same values in f32.
pub(crate) fn in_f32<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    match x.dtype() {
        DType::F32 => x,
        _ => x.cast(DType::F32),
    }
}
