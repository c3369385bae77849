use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use super::SegmentationConfig;
use crate::convolution::{DerivedStem, Form, NetworkConfig};
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{self, KernelBackend};
use crate::layers::{BatchNorm, Conv2d, Statistics, WeightInit};

/// 3x3 convolutions of stride 2, each with affine batch normalisation, and a ReLU between them. Both
/// inputs of the first cell are what the last one leaves.
#[derive(Module, Debug)]
pub(crate) struct StridedStem<B: Backend> {
    convs: Vec<Conv2d<B>>,
    norms: Vec<BatchNorm<B>>,
}

/// Channels in and out of each convolution of a stem of stride 2 or 4.
pub(super) fn strided_convolutions(network: &NetworkConfig, stride: usize) -> Vec<[usize; 2]> {
    let (image, whole) = (network.image_channels, network.stem_channels());
    match stride {
        2 => vec![[image, whole]],
        _ => vec![[image, whole / 2], [whole / 2, whole]],
    }
}

/// The form of a classifier with the same first layers, if there is one.
pub(super) fn classifier_form(stem_stride: usize) -> Option<Form> {
    match stem_stride {
        1 => Some(Form::Cifar),
        8 => Some(Form::Imagenet),
        _ => None,
    }
}

/// The layers before the first cell.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "modules cannot be boxed, and a network has one"
)]
pub(crate) enum EncoderStem<B: Backend> {
    Classifier(DerivedStem<B>),
    Strided(StridedStem<B>),
}

impl<B: Backend> EncoderStem<B> {
    pub(super) fn new(
        config: &SegmentationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let (network, stride) = (config.cells(), config.size.stem_stride);
        if let Some(form) = classifier_form(stride) {
            return Self::Classifier(DerivedStem::new(&network, form, init, device));
        }
        let convolutions = strided_convolutions(&network, stride);
        let conv = |&channels| Conv2d::new(channels, 3, 2, 1, init, device);
        Self::Strided(StridedStem {
            convs: convolutions.iter().map(conv).collect(),
            norms: convolutions
                .iter()
                .map(|[_, out]| BatchNorm::affine(*out, device))
                .collect(),
        })
    }

    /// Both inputs of the first cell.
    pub(super) fn describe(&self, graph: &mut GraphBuilder, images: Value) -> [Value; 2] {
        match self {
            Self::Classifier(stem) => stem.describe(graph, images),
            Self::Strided(stem) => {
                let mut x = images;
                for (index, (conv, norm)) in stem.convs.iter().zip(&stem.norms).enumerate() {
                    if index > 0 {
                        x = graph.rectified(x);
                    }
                    x = conv.describe(graph, x);
                    x = norm.describe(graph, x);
                }
                [x; 2]
            }
        }
    }
}

impl<B: KernelBackend> EncoderStem<B> {
    /// Both inputs of the first cell.
    pub(super) fn forward(
        &self,
        images: Tensor<B, 4>,
        statistics: Statistics,
    ) -> [Tensor<B, 4>; 2] {
        match self {
            Self::Classifier(stem) => stem.forward(images, statistics),
            Self::Strided(stem) => {
                let mut x = images;
                for (index, (conv, norm)) in stem.convs.iter().zip(&stem.norms).enumerate() {
                    if index > 0 {
                        x = kernels::rectify(x);
                    }
                    x = norm.forward(conv.forward(x), statistics);
                }
                [x.clone(), x]
            }
        }
    }
}
