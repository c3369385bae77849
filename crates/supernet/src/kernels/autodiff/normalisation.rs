//! Batch normalisation keeps its output and the variance, so its input can be freed.

use burn::tensor::ops::FloatTensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::{backward, unary};
use crate::kernels::KernelBackend;

#[derive(Debug)]
struct BatchNorm;

#[derive(Clone, Debug)]
struct Saved<T> {
    output: T,
    variance: T,
    eps: f64,
}

impl<B: KernelBackend> Backward<B, 1> for BatchNorm {
    type State = Saved<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |saved, dy| {
            B::batch_norm_backward(saved.output, saved.variance, dy, saved.eps)
        });
    }
}

/// The tracked output, then the mean and the variance as tensors of the inner backend.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    eps: f64,
) -> (FloatTensor<Autodiff<B, C>>, FloatTensor<B>, FloatTensor<B>) {
    let prep = BatchNorm
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful();
    let (output, mean, variance) = B::batch_norm(x.primitive, eps);
    let output = match prep {
        OpsKind::Tracked(prep) => prep.finish(
            Saved {
                output: output.clone(),
                variance: variance.clone(),
                eps,
            },
            output,
        ),
        OpsKind::UnTracked(prep) => prep.finish(output),
    };
    (output, mean, variance)
}

#[derive(Debug)]
struct ScaleChannels;

impl<B: KernelBackend> Backward<B, 3> for ScaleChannels {
    /// The input and the scale.
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, 3>(ops, grads, |(x, scale), dy, [need_dx, ..]| {
            let (dx, dscale, dshift) = B::scale_channels_backward(x, scale, dy, need_dx);
            [dx, Some(dscale), Some(dshift)]
        });
    }
}

/// Runs and records a scale and a shift.
pub(super) fn scale_channels<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    scale: FloatTensor<Autodiff<B, C>>,
    shift: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    match ScaleChannels
        .prepare::<C>([x.node.clone(), scale.node.clone(), shift.node.clone()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(
            (x.primitive.clone(), scale.primitive.clone()),
            B::scale_channels(x.primitive, scale.primitive, shift.primitive),
        ),
        OpsKind::UnTracked(prep) => prep.finish(B::scale_channels(
            x.primitive,
            scale.primitive,
            shift.primitive,
        )),
    }
}
