//! Terms that are computed when the gradient of their weight is asked for, and not before.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::ops::FloatTensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::backward;
use crate::kernels::{DeferredTerm, KernelBackend};

/// Parents are the sum and the weights.
#[derive(Debug)]
struct AddDeferred;

/// The weights and the terms, which the backward pass takes.
#[derive(Clone)]
struct Saved<T> {
    weights: T,
    terms: Arc<Mutex<Vec<DeferredTerm<T>>>>,
}

impl<T> fmt::Debug for Saved<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deferred terms")
    }
}

impl<B: KernelBackend> Backward<B, 2> for AddDeferred {
    type State = Saved<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, 2>(
            ops,
            grads,
            |Saved { weights, terms }, dy, [_, need_dweights]| {
                let mut terms = terms.lock().unwrap_or_else(PoisonError::into_inner);
                let terms = std::mem::take(&mut *terms);
                let dweights = match need_dweights {
                    true => B::deferred_gradient(weights, dy.clone(), terms),
                    false => None,
                };
                [Some(dy), dweights]
            },
        );
    }
}

/// Records the terms; nothing runs.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    sum: FloatTensor<Autodiff<B, C>>,
    weights: FloatTensor<Autodiff<B, C>>,
    terms: Vec<DeferredTerm<FloatTensor<Autodiff<B, C>>>>,
) -> FloatTensor<Autodiff<B, C>> {
    match AddDeferred
        .prepare::<C>([sum.node.clone(), weights.node.clone()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => {
            let inner =
                |DeferredTerm { entry, compute }: DeferredTerm<FloatTensor<Autodiff<B, C>>>| {
                    DeferredTerm {
                        entry,
                        compute: Box::new(move || compute().primitive),
                    }
                };
            let saved = Saved {
                weights: weights.primitive,
                terms: Arc::new(Mutex::new(terms.into_iter().map(inner).collect())),
            };
            prep.finish(saved, sum.primitive)
        }
        OpsKind::UnTracked(prep) => prep.finish(sum.primitive),
    }
}
