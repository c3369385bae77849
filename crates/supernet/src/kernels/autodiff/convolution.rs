//! Operations of an input and a weight, of which either, both or none may be tracked.

use core::fmt::Debug;

use burn::tensor::ops::FloatTensor;
use burn_autodiff::{
    Autodiff, NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::backward;
use crate::kernels::{InputActivation, KernelBackend, WindowOptions};

/// A function of an input and a weight on an inner backend, linear in the weight.
pub(super) trait Convolution<B: KernelBackend>: Copy + Debug + Send + 'static {
    fn forward(self, x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B>;

    fn backward(
        self,
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        dy: FloatTensor<B>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>);
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Depthwise(pub WindowOptions, pub InputActivation);

impl<B: KernelBackend> Convolution<B> for Depthwise {
    fn forward(self, x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
        B::depthwise_conv2d(x, weight, self.0, self.1)
    }

    fn backward(
        self,
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        dy: FloatTensor<B>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
        B::depthwise_conv2d_backward(x, weight, dy, self.0, self.1, need_dx, need_dw)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Dense(pub WindowOptions);

impl<B: KernelBackend> Convolution<B> for Dense {
    fn forward(self, x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
        B::dense_conv2d(x, weight, self.0)
    }

    fn backward(
        self,
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        dy: FloatTensor<B>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
        B::dense_conv2d_backward(x, weight, dy, self.0, need_dx, need_dw)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pointwise;

impl<B: KernelBackend> Convolution<B> for Pointwise {
    fn forward(self, x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
        B::pointwise_conv2d(x, weight)
    }

    fn backward(
        self,
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        dy: FloatTensor<B>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
        B::pointwise_conv2d_backward(x, weight, dy, need_dx, need_dw)
    }
}

#[derive(Debug)]
struct Step<O>(O);

impl<B: KernelBackend, O: Convolution<B>> Backward<B, 2> for Step<O> {
    type State = (NodeId, NodeId);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, 2>(ops, grads, |(x, weight), dy, [need_dx, need_dw]| {
            let x = checkpointer.retrieve_node_output(x);
            let weight = checkpointer.retrieve_node_output(weight);
            let (dx, dw) = self.0.backward(x, weight, dy, need_dx, need_dw);
            [dx, dw]
        });
    }
}

/// Runs `operation` and records it for the backward pass.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy, O: Convolution<B>>(
    operation: O,
    x: FloatTensor<Autodiff<B, C>>,
    weight: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    match Step(operation)
        .prepare::<C>([x.node.clone(), weight.node.clone()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(mut prep) => {
            let state = (prep.checkpoint(&x), prep.checkpoint(&weight));
            prep.finish(state, operation.forward(x.primitive, weight.primitive))
        }
        OpsKind::UnTracked(prep) => prep.finish(operation.forward(x.primitive, weight.primitive)),
    }
}
