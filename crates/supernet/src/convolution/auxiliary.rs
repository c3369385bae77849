use burn::module::Module;
use burn::tensor::{
    Tensor,
    backend::Backend,
    module::{adaptive_avg_pool2d, avg_pool2d},
};

use super::Form;
use crate::kernels::{self, KernelBackend};
use crate::layers::{
    BatchNorm, Conv2d, Linear, PointwiseConv2d, Statistics, TensorName, WeightInit, conv_name,
    global_average, linear_name, norm_name,
};

/// The auxiliary classifier of DARTS: reads the cell at two thirds of the depth while training, so
/// that gradients reach the first cells on a short way. It is not run to predict.
///
/// ReLU, average pool 5x5, 1x1 convolution to 128 channels, normalisation, ReLU, 2x2 convolution to
/// 768 channels, normalisation (not in the ImageNet form, where the published one leaves it out),
/// ReLU, linear layer. What the second convolution leaves of the image is averaged: in the published
/// sizes it is a single pixel. Features too small for that pool (of images below 32x32 in the CIFAR
/// form, which the papers do not have) are averaged to the 2x2 that the second convolution needs.
#[derive(Module, Debug)]
pub struct AuxiliaryHead<B: Backend> {
    narrow: PointwiseConv2d<B>,
    narrow_norm: BatchNorm<B>,
    wide: Conv2d<B>,
    wide_norm: Option<BatchNorm<B>>,
    classifier: Linear<B>,
    stride: usize,
}

/// Where the auxiliary head differs between the forms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuxiliaryPlan {
    pub(crate) stride: usize,
    pub(crate) wide_norm: bool,
}

impl AuxiliaryPlan {
    pub(crate) const NARROW: usize = 128;
    pub(crate) const WIDE: usize = 768;
    pub(crate) const POOL: usize = 5;
    pub(crate) const KERNEL: usize = 2;

    pub(crate) fn of(form: Form) -> Self {
        match form {
            Form::Cifar => Self {
                stride: 3,
                wide_norm: true,
            },
            Form::Imagenet => Self {
                stride: 2,
                wide_norm: false,
            },
        }
    }
}

impl<B: Backend> AuxiliaryHead<B> {
    pub(crate) fn new(
        channels: usize,
        classes: usize,
        form: Form,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let plan = AuxiliaryPlan::of(form);
        let (narrow, wide) = (AuxiliaryPlan::NARROW, AuxiliaryPlan::WIDE);
        Self {
            narrow: PointwiseConv2d::new([channels, narrow], init, device),
            narrow_norm: BatchNorm::affine(narrow, device),
            wide: Conv2d::new([narrow, wide], AuxiliaryPlan::KERNEL, 1, 0, init, device),
            wide_norm: plan.wide_norm.then(|| BatchNorm::affine(wide, device)),
            classifier: Linear::new(wide, classes, init, device),
            stride: plan.stride,
        }
    }
}

impl<B: KernelBackend> AuxiliaryHead<B> {
    /// # Shapes
    ///
    /// - features: `[batch, channels, height, width]`
    /// - output: class logits `[batch, classes]`
    pub(crate) fn forward(&self, features: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 2> {
        let x = self.pool(kernels::rectify(features));
        let x = kernels::rectify(self.narrow_norm.forward(self.narrow.forward(x), statistics));
        let x = self.wide.forward(x);
        let x = match &self.wide_norm {
            Some(norm) => norm.forward(x, statistics),
            None => x,
        };
        self.classifier.forward(global_average(kernels::rectify(x)))
    }

    fn pool(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let (pool, kernel) = (AuxiliaryPlan::POOL, AuxiliaryPlan::KERNEL);
        let [_, _, height, width] = x.dims();
        if height.min(width) < pool + self.stride * (kernel - 1) {
            return adaptive_avg_pool2d(x, [kernel; 2]);
        }
        avg_pool2d(x, [pool; 2], [self.stride; 2], [0, 0], false, false)
    }
}

/// The tensors of the auxiliary head.
pub(crate) fn auxiliary_name(path: &[&str]) -> Option<TensorName> {
    match path {
        ["narrow", rest @ ..] => conv_name("auxiliary_head.features.2", rest),
        ["narrow_norm", rest @ ..] => norm_name("auxiliary_head.features.3", rest),
        ["wide", rest @ ..] => conv_name("auxiliary_head.features.5", rest),
        ["wide_norm", rest @ ..] => norm_name("auxiliary_head.features.6", rest),
        ["classifier", rest @ ..] => linear_name("auxiliary_head.classifier", rest),
        _ => None,
    }
}
