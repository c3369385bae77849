use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::convolution::{CellPlan, Spacing};
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{InputActivation, KernelBackend};
use crate::layers::{BatchNorm, DepthwiseConv2d, PointwiseConv2d, Scaled, Statistics, WeightInit};

/// A stage of the plain encoder, in place of a cell: ReLU, depthwise 3x3 convolution that strides or
/// dilates as the cell would, 1x1 convolution, affine normalisation.
#[derive(Module, Debug)]
pub struct PlainStage<B: Backend> {
    depthwise: DepthwiseConv2d<B>,
    pointwise: PointwiseConv2d<B>,
    norm: BatchNorm<B>,
}

/// Side of its kernel.
pub(super) const PLAIN_KERNEL: usize = 3;

/// A stage's place in the encoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainPlan {
    pub(super) channels: [usize; 2],
    pub(super) spacing: Spacing,
}

/// The stages in place of these cells, and the channels of the last one's output; each puts out `width`
/// times the channels of its cell's nodes.
pub(super) fn plain_plan(plan: &[CellPlan], width: usize) -> (Vec<PlainPlan>, usize) {
    let mut channels = plan.first().map_or(0, |first| first.channels_prev);
    let stages = plan.iter().map(|cell| {
        let before = std::mem::replace(&mut channels, width * cell.channels);
        PlainPlan {
            channels: [before, channels],
            spacing: cell.spacing,
        }
    });
    let stages = stages.collect();
    (stages, channels)
}

impl<B: Backend> PlainStage<B> {
    pub(super) fn new(plan: &PlainPlan, init: &mut WeightInit, device: &B::Device) -> Self {
        let [channels_in, channels_out] = plan.channels;
        let Spacing { stride, dilation } = plan.spacing;
        let (kernel, stride) = (PLAIN_KERNEL, stride.factor());
        Self {
            depthwise: DepthwiseConv2d::same(channels_in, kernel, stride, dilation, init, device),
            pointwise: PointwiseConv2d::new(plan.channels, init, device),
            norm: BatchNorm::affine(channels_out, device),
        }
    }

    pub(super) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        let rectified = graph.rectified(x);
        let x = self.depthwise.describe(graph, rectified);
        let x = self.pointwise.describe(graph, x);
        self.norm.describe(graph, x)
    }
}

impl<B: KernelBackend> PlainStage<B> {
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, ceil(height / stride), ceil(width / stride)]`
    pub(super) fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        let (relu, depthwise) = (InputActivation::Relu, Some(&self.depthwise));
        let x = Scaled::plain(x);
        let output = self
            .norm
            .block(x, relu, depthwise, &self.pointwise, statistics);
        output.applied()
    }
}
