//! Concatenation of channels, and every second pixel.

use burn::tensor::{TensorMetadata, ops::FloatTensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::{backward, unary};
use crate::kernels::KernelBackend;

#[derive(Debug)]
struct Concat;

impl<B: KernelBackend, const N: usize> Backward<B, N> for Concat {
    /// Channels of each tensor.
    type State = [usize; N];

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, N>(ops, grads, |channels, dy, tracked| {
            let mut start = 0;
            core::array::from_fn(|index| {
                let range = start..start + channels[index];
                start = range.end;
                tracked[index].then(|| B::channels(dy.clone(), range))
            })
        });
    }
}

fn concat<B: KernelBackend, C: CheckpointStrategy, const N: usize>(
    tensors: [FloatTensor<Autodiff<B, C>>; N],
) -> FloatTensor<Autodiff<B, C>> {
    let channels = tensors
        .each_ref()
        .map(|tensor| tensor.primitive.shape().dims::<4>()[1]);
    let prep = Concat
        .prepare::<C>(tensors.each_ref().map(|tensor| tensor.node.clone()))
        .compute_bound()
        .stateful();
    let output = B::concat_channels(tensors.map(|tensor| tensor.primitive).to_vec());
    match prep {
        OpsKind::Tracked(prep) => prep.finish(channels, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

/// Runs and records a concatenation. A node of Burn's graph has a number of parents that is known
/// when it is compiled: two and four are what cells need, other counts are joined one by one.
pub(super) fn concat_channels<B: KernelBackend, C: CheckpointStrategy>(
    tensors: Vec<FloatTensor<Autodiff<B, C>>>,
) -> FloatTensor<Autodiff<B, C>> {
    match <[_; 4]>::try_from(tensors) {
        Ok(four) => concat::<B, C, 4>(four),
        Err(tensors) => tensors
            .into_iter()
            .reduce(|joined, next| concat::<B, C, 2>([joined, next]))
            .unwrap_or_else(|| concat::<B, C, 0>([])),
    }
}

#[derive(Debug)]
struct EverySecond;

impl<B: KernelBackend> Backward<B, 1> for EverySecond {
    type State = ([usize; 2], usize);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |(input, shift), dy| {
            B::every_second_backward(dy, input, shift)
        });
    }
}

/// Runs and records a choice of pixels.
pub(super) fn every_second<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    shift: usize,
) -> FloatTensor<Autodiff<B, C>> {
    let [_, _, height, width] = x.primitive.shape().dims::<4>();
    let prep = EverySecond
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful();
    let output = B::every_second(x.primitive, shift);
    match prep {
        OpsKind::Tracked(prep) => prep.finish(([height, width], shift), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
