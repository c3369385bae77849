use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::{Form, NetworkConfig};
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{self, KernelBackend};
use crate::layers::{BatchNorm, Conv2d, Statistics, TensorName, WeightInit, conv_name, norm_name};

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
            norm: BatchNorm::affine(channels, device),
        }
    }

    fn describe(&self, graph: &mut GraphBuilder, images: Value) -> Value {
        let x = self.conv.describe(graph, images);
        self.norm.describe(graph, x)
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
        let norm = |[_, out]: [usize; 2]| BatchNorm::affine(out, device);
        Self {
            convs,
            norms: stem_convolutions(config).map(norm),
        }
    }

    fn describe(&self, graph: &mut GraphBuilder, images: Value) -> [Value; 2] {
        let mut layer = |index: usize, x| {
            let x = match index {
                0 => x,
                _ => graph.rectified(x),
            };
            let x = self.convs[index].describe(graph, x);
            self.norms[index].describe(graph, x)
        };
        let first = layer(0, images);
        let second = layer(1, first);
        [second, layer(2, second)]
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

    /// Both inputs of the first cell.
    pub(crate) fn describe(&self, graph: &mut GraphBuilder, images: Value) -> [Value; 2] {
        match self {
            Self::Cifar(stem) => [stem.describe(graph, images); 2],
            Self::Imagenet(stem) => stem.describe(graph, images),
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

/// The tensors of a derived network's first layers.
pub(crate) fn stem_name(path: &[&str]) -> Option<TensorName> {
    match path {
        ["Cifar", "conv", rest @ ..] => conv_name("stem.0", rest),
        ["Cifar", "norm", rest @ ..] => norm_name("stem.1", rest),
        ["Imagenet", "convs", index, rest @ ..] => {
            let places = ["stem0.0", "stem0.3", "stem1.1"];
            conv_name(places.get(index.parse::<usize>().ok()?)?, rest)
        }
        ["Imagenet", "norms", index, rest @ ..] => {
            let places = ["stem0.1", "stem0.4", "stem1.2"];
            norm_name(places.get(index.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}
