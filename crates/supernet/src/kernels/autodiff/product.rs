//! Products of matrices keep both.

use burn::tensor::ops::FloatTensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::backward;
use crate::kernels::KernelBackend;

/// With `N` parents: left, right and, if there is one, bias.
#[derive(Debug)]
struct Product<const N: usize>;

impl<B: KernelBackend, const N: usize> Backward<B, N> for Product<N> {
    type State = [FloatTensor<B>; 2];

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, N>(ops, grads, |[left, right], dy, tracked| {
            core::array::from_fn(|parent| {
                tracked[parent].then(|| match parent {
                    0 => B::matrix_product_backward_left(right.clone(), dy.clone()),
                    1 => B::matrix_product_backward_right(left.clone(), dy.clone()),
                    _ => B::sum_rows(dy.clone()),
                })
            })
        });
    }
}

/// Runs and records a product.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    left: FloatTensor<Autodiff<B, C>>,
    right: FloatTensor<Autodiff<B, C>>,
    bias: Option<FloatTensor<Autodiff<B, C>>>,
) -> FloatTensor<Autodiff<B, C>> {
    match bias {
        None => prepared::<B, C, _>([left, right]),
        Some(bias) => prepared::<B, C, _>([left, right, bias]),
    }
}

fn prepared<B: KernelBackend, C: CheckpointStrategy, const N: usize>(
    parents: [FloatTensor<Autodiff<B, C>>; N],
) -> FloatTensor<Autodiff<B, C>> {
    let [left, right] = [0, 1].map(|parent: usize| parents[parent].primitive.clone());
    let bias = parents.get(2).map(|bias| bias.primitive.clone());
    let nodes = parents.map(|parent| parent.node);
    let prep = Product::<N>.prepare::<C>(nodes).compute_bound().stateful();
    let output = B::matrix_product(left.clone(), right.clone(), bias);
    match prep {
        OpsKind::Tracked(prep) => prep.finish([left, right], output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
