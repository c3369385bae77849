//! Bilinear resampling is linear and keeps a shape only.

use burn::tensor::{TensorMetadata, ops::FloatTensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::unary;
use crate::kernels::{Corners, KernelBackend};

#[derive(Debug)]
struct Bilinear;

impl<B: KernelBackend> Backward<B, 1> for Bilinear {
    type State = ([usize; 2], Corners);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |(input, corners), dy| {
            B::upsample_bilinear_backward(dy, input, corners)
        });
    }
}

/// Runs and records a resampling.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    size: [usize; 2],
    corners: Corners,
) -> FloatTensor<Autodiff<B, C>> {
    let [_, _, height, width] = x.primitive.shape().dims::<4>();
    let prep = Bilinear
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful();
    let output = B::upsample_bilinear(x.primitive, size, corners);
    match prep {
        OpsKind::Tracked(prep) => prep.finish(([height, width], corners), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
