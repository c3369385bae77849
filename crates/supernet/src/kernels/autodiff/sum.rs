//! Sums of node terms, and the ReLU.

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
struct Rectify;

impl<B: KernelBackend> Backward<B, 1> for Rectify {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<B, _>(ops, grads, |output, dy| B::rectify_backward(output, dy));
    }
}

/// Runs and records the ReLU.
pub(super) fn rectify<B: KernelBackend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    let prep = Rectify
        .prepare::<C>([x.node.clone()])
        .compute_bound()
        .stateful();
    let output = B::rectify(x.primitive);
    match prep {
        OpsKind::Tracked(prep) => prep.finish(output.clone(), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct AddTerm;

impl<B: KernelBackend> Backward<B, 2> for AddTerm {
    type State = ();

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, 2>(ops, grads, |(), dy, _| [Some(dy.clone()), Some(dy)]);
    }
}

/// Runs and records a sum.
pub(super) fn add_term<B: KernelBackend, C: CheckpointStrategy>(
    sum: FloatTensor<Autodiff<B, C>>,
    term: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    let prep = AddTerm
        .prepare::<C>([sum.node.clone(), term.node.clone()])
        .compute_bound();
    prep.stateless(B::add_term(sum.primitive, term.primitive))
}

/// A term and the table that weighs it; the term is kept only for the gradient of its weight.
#[derive(Clone, Debug)]
struct Weighted<T> {
    term: Option<T>,
    weights: T,
    entry: [usize; 2],
}

impl<T: Clone> Weighted<T> {
    fn gradients<B>(self, dy: T, need_dterm: bool) -> (Option<T>, Option<T>)
    where
        B: KernelBackend<FloatTensorPrimitive = T>,
    {
        let need_dweights = self.term.is_some();
        let term = self.term.unwrap_or_else(|| dy.clone());
        B::add_weighted_backward(
            term,
            self.weights,
            self.entry,
            dy,
            need_dterm,
            need_dweights,
        )
    }
}

/// Without a sum: parents are the term and the weights.
#[derive(Debug)]
struct Weigh;

impl<B: KernelBackend> Backward<B, 2> for Weigh {
    type State = Weighted<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, 2>(ops, grads, |saved, dy, [need_dterm, _]| {
            let (dterm, dweights) = saved.gradients::<B>(dy, need_dterm);
            [dterm, dweights]
        });
    }
}

/// With a sum: parents are the sum, the term and the weights.
#[derive(Debug)]
struct AddWeighted;

impl<B: KernelBackend> Backward<B, 3> for AddWeighted {
    type State = Weighted<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, 3>(ops, grads, |saved, dy, [_, need_dterm, _]| {
            let (dterm, dweights) = saved.gradients::<B>(dy.clone(), need_dterm);
            [Some(dy), dterm, dweights]
        });
    }
}

/// Runs and records a weighted sum.
pub(super) fn add_weighted<B: KernelBackend, C: CheckpointStrategy>(
    sum: Option<FloatTensor<Autodiff<B, C>>>,
    term: FloatTensor<Autodiff<B, C>>,
    weights: FloatTensor<Autodiff<B, C>>,
    entry: [usize; 2],
) -> FloatTensor<Autodiff<B, C>> {
    let saved = Weighted {
        term: (!weights.node.requirement.is_none()).then(|| term.primitive.clone()),
        weights: weights.primitive.clone(),
        entry,
    };
    let Some(sum) = sum else {
        let prep = Weigh
            .prepare::<C>([term.node.clone(), weights.node.clone()])
            .compute_bound()
            .stateful();
        let output = B::add_weighted(None, term.primitive, weights.primitive, entry);
        return match prep {
            OpsKind::Tracked(prep) => prep.finish(saved, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        };
    };
    let prep = AddWeighted
        .prepare::<C>([sum.node.clone(), term.node.clone(), weights.node.clone()])
        .compute_bound()
        .stateful();
    let sum = Some(sum.primitive);
    let output = B::add_weighted(sum, term.primitive, weights.primitive, entry);
    match prep {
        OpsKind::Tracked(prep) => prep.finish(saved, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
