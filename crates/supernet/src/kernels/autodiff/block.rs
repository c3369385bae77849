//! A convolution block keeps what it reads and its normalised output; its backward pass computes what
//! lies between them again.

use burn::tensor::ops::FloatTensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::backward_onto;
use crate::kernels::{BlockNeeds, BlockParts, KernelBackend};

/// With `N` parents: what is read, the pointwise weights, then the depthwise filters if there are any, then
/// scale and shift if there are any.
#[derive(Debug)]
struct Block<const N: usize>;

#[derive(Clone, Debug)]
struct Saved<T> {
    parts: BlockParts<T>,
    output: T,
    variance: T,
    eps: f64,
}

impl<B: KernelBackend, const N: usize> Backward<B, N> for Block<N> {
    type State = Saved<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward_onto::<B, _, N>(ops, grads, true, |saved, dy, tracked, onto| {
            let filters = usize::from(saved.parts.depthwise.is_some());
            let (filters, affine) = tracked[2..].split_at(filters);
            let needs = BlockNeeds {
                x: tracked[0],
                pointwise: tracked[1],
                depthwise: filters.contains(&true),
                affine: affine.contains(&true),
            };
            let filters = filters.len();
            let Saved {
                parts,
                output,
                variance,
                eps,
            } = saved;
            let gradients = B::conv_block_backward(parts, output, variance, dy, eps, needs, onto);
            let depthwise = [gradients.depthwise].into_iter().take(filters);
            let affine = gradients.affine.into_iter().flatten().map(Some);
            let mut gradients = [gradients.x, gradients.pointwise]
                .into_iter()
                .chain(depthwise)
                .chain(affine);
            core::array::from_fn(|_| gradients.next().flatten())
        });
    }
}

/// The tracked output, then the mean and the variance as tensors of the inner backend.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    parts: BlockParts<FloatTensor<Autodiff<B, C>>>,
    eps: f64,
) -> (FloatTensor<Autodiff<B, C>>, FloatTensor<B>, FloatTensor<B>) {
    let BlockParts {
        x,
        affine,
        activation,
        depthwise,
        pointwise,
    } = parts;
    let inner = BlockParts {
        x: x.primitive.clone(),
        affine: affine
            .as_ref()
            .map(|pair| pair.each_ref().map(|part| part.primitive.clone())),
        activation,
        depthwise: depthwise
            .as_ref()
            .map(|(weight, options)| (weight.primitive.clone(), *options)),
        pointwise: pointwise.primitive.clone(),
    };
    let weight = depthwise.map(|(weight, _)| weight);
    match (weight, affine) {
        (None, None) => prepared::<B, C, _>([x, pointwise], inner, eps),
        (Some(weight), None) => prepared::<B, C, _>([x, pointwise, weight], inner, eps),
        (None, Some([scale, shift])) => {
            prepared::<B, C, _>([x, pointwise, scale, shift], inner, eps)
        }
        (Some(weight), Some([scale, shift])) => {
            prepared::<B, C, _>([x, pointwise, weight, scale, shift], inner, eps)
        }
    }
}

fn prepared<B: KernelBackend, C: CheckpointStrategy, const N: usize>(
    parents: [FloatTensor<Autodiff<B, C>>; N],
    parts: BlockParts<FloatTensor<B>>,
    eps: f64,
) -> (FloatTensor<Autodiff<B, C>>, FloatTensor<B>, FloatTensor<B>) {
    let nodes = parents.map(|parent| parent.node);
    match Block::<N>.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (output, mean, variance) = B::conv_block(parts.clone(), eps);
            let saved = Saved {
                parts,
                output: output.clone(),
                variance: variance.clone(),
                eps,
            };
            (prep.finish(saved, output), mean, variance)
        }
        OpsKind::UnTracked(prep) => {
            let (output, mean, variance) = B::conv_block(parts, eps);
            (prep.finish(output), mean, variance)
        }
    }
}
