use burn::module::{Module, Param};
use burn::tensor::{Tensor, backend::Backend};

use super::{DropoutKey, SegmentationConfig};
use crate::convolution::{ConvNorm, OperationForm};
use crate::graph::{Convolution, Function, GraphBuilder, Value};
use crate::kernels::{self, KernelBackend, WindowOptions};
use crate::layers::{BatchNorm, Conv2d, Statistics, WeightInit, global_average, in_f32};

/// 3x3 convolution that keeps the size, affine normalisation and ReLU.
#[derive(Module, Debug)]
pub struct AtrousConv<B: Backend> {
    conv: Conv2d<B>,
    norm: BatchNorm<B>,
}

impl<B: Backend> AtrousConv<B> {
    pub(super) fn new(
        channels: [usize; 2],
        dilation: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            conv: Conv2d::same(channels, 3, 1, dilation, init, device),
            norm: BatchNorm::affine(channels[1], device),
        }
    }

    fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        let x = self.conv.describe(graph, x);
        let x = self.norm.describe(graph, x);
        graph.rectified(x)
    }
}

impl<B: KernelBackend> AtrousConv<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    pub(super) fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        kernels::rectify(self.norm.forward(self.conv.forward(x), statistics))
    }
}

/// A branch of the pyramid; all end with affine normalisation and ReLU.
#[derive(Module, Debug)]
pub enum PyramidBranch<B: Backend> {
    /// 1x1 convolution.
    Pointwise(ConvNorm<B>),
    /// 3x3 convolution of a large dilation.
    Atrous(AtrousConv<B>),
    /// The mean of the image, 1x1 convolution, the same at every pixel.
    Pooled(ConvNorm<B>),
}

/// Several views of the features, near and far, projected to one map.
#[derive(Module, Debug)]
pub struct AtrousPyramid<B: Backend> {
    branches: Vec<PyramidBranch<B>>,
    project: ConvNorm<B>,
}

impl<B: Backend> AtrousPyramid<B> {
    /// Fewest images of a pass whose own statistics normalise the image pooling.
    pub const MIN_POOLED: usize = 3;

    /// A pyramid from `channels_in` to `channels_out` channels, with a 3x3 convolution for each rate.
    pub fn new(
        [channels_in, channels_out]: [usize; 2],
        rates: &[usize],
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let channels = [channels_in, channels_out];
        let mut branches = vec![PyramidBranch::Pointwise(affine(channels, init, device))];
        for &rate in rates {
            let conv = AtrousConv::new(channels, rate, init, device);
            branches.push(PyramidBranch::Atrous(conv));
        }
        branches.push(PyramidBranch::Pooled(affine(channels, init, device)));
        let joined = branches.len() * channels_out;
        Self {
            branches,
            project: affine([joined, channels_out], init, device),
        }
    }

    fn describe(&self, graph: &mut GraphBuilder, features: Value) -> Value {
        let mut branches: Vec<Value> = Vec::with_capacity(self.branches.len());
        for branch in &self.branches {
            let output = match branch {
                PyramidBranch::Pointwise(conv) => {
                    let x = conv.describe(graph, features);
                    graph.rectified(x)
                }
                PyramidBranch::Atrous(conv) => conv.describe(graph, features),
                PyramidBranch::Pooled(conv) => {
                    let mean = graph.apply(Function::GlobalAverage, &[features]);
                    let x = conv.describe(graph, mean);
                    let rectified = graph.rectified(x);
                    // Every branch has as many channels, and the first one is as large as the features.
                    graph.apply(Function::Expanded, &[rectified, branches[0]])
                }
            };
            branches.push(output);
        }
        let joined = graph.joined(&branches);
        let projected = self.project.describe(graph, joined);
        graph.rectified(projected)
    }
}

fn affine<B: Backend>(
    channels: [usize; 2],
    init: &mut WeightInit,
    device: &B::Device,
) -> ConvNorm<B> {
    ConvNorm::new(channels, OperationForm::Retrained, init, device)
}

impl<B: KernelBackend> AtrousPyramid<B> {
    /// The outputs of all branches: 1x1, 3x3 in the order of their rates, image pooling.
    ///
    /// # Shapes
    ///
    /// - features: `[batch, channels_in, height, width]`
    /// - each output: `[batch, channels_out, height, width]`, of the last one `[batch, channels_out, 1, 1]`
    pub fn branches(&self, features: Tensor<B, 4>, statistics: Statistics) -> Vec<Tensor<B, 4>> {
        let of = |branch: &PyramidBranch<B>| {
            let x = features.clone();
            match branch {
                PyramidBranch::Pointwise(conv) => kernels::rectify(conv.forward(x, statistics)),
                PyramidBranch::Atrous(conv) => conv.forward(x, statistics),
                PyramidBranch::Pooled(conv) => {
                    let [batch, channels, ..] = x.dims();
                    let dtype = x.dtype();
                    let mean = global_average(x).reshape([batch, channels, 1, 1]);
                    let statistics = match batch < Self::MIN_POOLED {
                        true => Statistics::Running,
                        false => statistics,
                    };
                    kernels::rectify(conv.forward(mean.cast(dtype), statistics))
                }
            }
        };
        self.branches.iter().map(of).collect()
    }

    /// # Shapes
    ///
    /// - features: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    pub fn forward(&self, features: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        let [batch, _, height, width] = features.dims();
        let branches = self.branches(features, statistics);
        let whole = |branch: Tensor<B, 4>| {
            let [_, channels, rows, columns] = branch.dims();
            if [rows, columns] == [height, width] {
                return branch;
            }
            // With an axis behind that of the pixels, whose gradients are so added up in their order.
            let pooled = branch.expand([batch, channels, height * width, 1]);
            pooled.reshape([batch, channels, height, width])
        };
        let joined = kernels::concat_channels(branches.into_iter().map(whole).collect());
        kernels::rectify(self.project.forward(joined, statistics))
    }
}

/// A 1x1 convolution with bias to the logits of each pixel's class.
#[derive(Module, Debug)]
pub struct PixelClassifier<B: Backend> {
    /// `[classes, channels, 1, 1]`
    weight: Param<Tensor<B, 4>>,
    /// `[classes]`
    bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> PixelClassifier<B> {
    pub(super) fn new(
        channels: usize,
        classes: usize,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            weight: init.uniform([classes, channels, 1, 1], channels, device),
            bias: init.uniform([classes], channels, device),
        }
    }

    fn describe(&self, graph: &mut GraphBuilder, features: Value) -> Value {
        let convolution = Convolution {
            weight: self.weight.id,
            bias: Some(self.bias.id),
            window: WindowOptions::default(),
            groups: 1,
        };
        graph.convolution(features, convolution)
    }
}

impl<B: KernelBackend> PixelClassifier<B> {
    /// Logits in f32, whatever the features are computed in.
    ///
    /// # Shapes
    ///
    /// - features: `[batch, channels, height, width]`
    /// - output: `[batch, classes, height, width]`
    pub(super) fn forward(&self, features: Tensor<B, 4>) -> Tensor<B, 4> {
        let logits = in_f32(kernels::pointwise_conv2d(features, self.weight.val()));
        let [batch, classes, height, width] = logits.dims();
        // With an axis behind that of the pixels, whose gradients are so added up in their order.
        let pixels = logits.reshape([batch, classes, height * width, 1]);
        let answers = pixels + self.bias.val().reshape([1, classes, 1, 1]);
        answers.reshape([batch, classes, height, width])
    }
}

/// What turns the features of an encoder into logits: the pyramid, dropout, a 3x3 convolution with
/// normalisation and ReLU, and the classifier of pixels (DeepLab v3, in the form of torchvision).
#[derive(Module, Debug)]
pub struct SegmentationHead<B: Backend> {
    pyramid: AtrousPyramid<B>,
    conv: AtrousConv<B>,
    classifier: PixelClassifier<B>,
    dropout: f64,
}

impl<B: Backend> SegmentationHead<B> {
    /// The head of a network of this shape, for so many features.
    pub fn new(
        features: usize,
        config: &SegmentationConfig,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let pyramid = &config.size.pyramid;
        let (channels, rates) = (pyramid.channels, config.size.rates());
        Self {
            pyramid: AtrousPyramid::new([features, channels], &rates, init, device),
            conv: AtrousConv::new([channels; 2], 1, init, device),
            classifier: PixelClassifier::new(channels, config.classes, init, device),
            dropout: pyramid.dropout,
        }
    }

    /// Logits of each pixel of the features; nothing is dropped.
    pub(super) fn describe(&self, graph: &mut GraphBuilder, features: Value) -> Value {
        let x = self.pyramid.describe(graph, features);
        let x = self.conv.describe(graph, x);
        self.classifier.describe(graph, x)
    }
}

impl<B: KernelBackend> SegmentationHead<B> {
    /// Logits of each pixel of the features; with a key some of what the pyramid gives is dropped.
    ///
    /// # Shapes
    ///
    /// - features: `[batch, channels, height, width]`
    /// - output: `[batch, classes, height, width]`
    pub fn forward(
        &self,
        features: Tensor<B, 4>,
        statistics: Statistics,
        dropout: Option<&DropoutKey>,
    ) -> Tensor<B, 4> {
        let mut x = self.pyramid.forward(features, statistics);
        if let Some(key) = dropout.filter(|_| self.dropout > 0.0) {
            x = key.apply(x, self.dropout);
        }
        self.classifier.forward(self.conv.forward(x, statistics))
    }
}
