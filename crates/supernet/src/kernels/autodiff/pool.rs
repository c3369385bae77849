//! The average pool keeps a shape, the max pool its input.

use burn::tensor::{TensorMetadata, ops::FloatTensor};
use burn_autodiff::{
    Autodiff, NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::unary;
use crate::kernels::{KernelBackend, PoolWindow};

#[derive(Debug)]
struct AvgPool;

impl<B: KernelBackend> Backward<B, 1> for AvgPool {
    type State = ([usize; 2], PoolWindow);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |(input, window), dy| {
            B::avg_pool_backward(dy, input, window)
        });
    }
}

/// Runs and records the average pool.
pub(super) fn average<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    window: PoolWindow,
) -> FloatTensor<Autodiff<B, C>> {
    let [_, _, height, width] = x.primitive.shape().dims::<4>();
    match AvgPool
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => {
            prep.finish(([height, width], window), B::avg_pool(x.primitive, window))
        }
        OpsKind::UnTracked(prep) => prep.finish(B::avg_pool(x.primitive, window)),
    }
}

#[derive(Debug)]
struct MaxPool;

impl<B: KernelBackend> Backward<B, 1> for MaxPool {
    type State = (NodeId, PoolWindow);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |(x, window), dy| {
            let x = checkpointer.retrieve_node_output(x);
            B::max_pool_backward(x, dy, window)
        });
    }
}

/// Runs and records the max pool.
pub(super) fn maximum<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    window: PoolWindow,
) -> FloatTensor<Autodiff<B, C>> {
    match MaxPool
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(mut prep) => {
            let state = (prep.checkpoint(&x), window);
            prep.finish(state, B::max_pool(x.primitive, window))
        }
        OpsKind::UnTracked(prep) => prep.finish(B::max_pool(x.primitive, window)),
    }
}

#[derive(Debug)]
struct PlaneMeans;

impl<B: KernelBackend> Backward<B, 1> for PlaneMeans {
    type State = [usize; 2];

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |input, dy| B::plane_means_backward(dy, input));
    }
}

/// Runs and records the means.
pub(super) fn means<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    let [_, _, height, width] = x.primitive.shape().dims::<4>();
    let prep = PlaneMeans
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful();
    let output = B::plane_means(x.primitive);
    match prep {
        OpsKind::Tracked(prep) => prep.finish([height, width], output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
