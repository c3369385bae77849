//! A log-likelihood keeps its logits, which their gradient is written over.

use burn::tensor::ops::{FloatTensor, IntTensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::unary;
use crate::kernels::KernelBackend;

#[derive(Debug)]
struct LogLikelihood;

impl<B: KernelBackend> Backward<B, 1> for LogLikelihood {
    /// Logits, classes chosen and the logarithms of the sums.
    type State = (FloatTensor<B>, IntTensor<B>, FloatTensor<B>);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |(logits, chosen, sums), dy| {
            B::log_likelihood_backward(logits, chosen, sums, dy)
        });
    }
}

/// The tracked log-likelihoods, then the logarithms of the sums as a tensor of the inner backend.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    logits: FloatTensor<Autodiff<B, C>>,
    chosen: IntTensor<B>,
) -> (FloatTensor<Autodiff<B, C>>, FloatTensor<B>) {
    let prep = LogLikelihood
        .prepare::<C>([logits.node.clone()])
        .compute_bound()
        .stateful();
    match prep {
        OpsKind::Tracked(prep) => {
            let (likelihoods, sums) = B::log_likelihood(logits.primitive.clone(), chosen.clone());
            let state = (logits.primitive, chosen, sums.clone());
            (prep.finish(state, likelihoods), sums)
        }
        OpsKind::UnTracked(prep) => {
            let (likelihoods, sums) = B::log_likelihood(logits.primitive, chosen);
            (prep.finish(likelihoods), sums)
        }
    }
}
