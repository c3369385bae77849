//! Sums of terms that are scaled and shifted by channel and scaled by image.

use std::sync::Arc;

use burn::tensor::ops::FloatTensor;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};

use super::backward;
use crate::kernels::KernelBackend;

/// With `N` parents: the term, then the sum if there is one, then scale and shift if there are any.
#[derive(Debug)]
struct AddScaled<const N: usize>;

/// The term is kept only for the gradient of its scale.
#[derive(Clone, Debug)]
struct Saved<T> {
    term: Option<T>,
    scale: Option<T>,
    factors: Option<Arc<[f32]>>,
    summed: bool,
}

impl<B: KernelBackend, const N: usize> Backward<B, N> for AddScaled<N> {
    type State = Saved<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        backward::<B, _, N>(ops, grads, |saved, dy, tracked| {
            let dsum = saved.summed.then(|| Some(dy.clone()));
            let factors = saved.factors.as_deref();
            let (dterm, daffine) =
                B::add_scaled_backward(saved.term, saved.scale, factors, dy, tracked[0]);
            let daffine = daffine.into_iter().flatten().map(Some);
            let mut gradients = [dterm].into_iter().chain(dsum).chain(daffine);
            core::array::from_fn(|_| gradients.next().flatten())
        });
    }
}

/// Runs and records a sum.
pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    sum: Option<FloatTensor<Autodiff<B, C>>>,
    term: FloatTensor<Autodiff<B, C>>,
    affine: Option<[FloatTensor<Autodiff<B, C>>; 2]>,
    factors: Option<&[f32]>,
) -> FloatTensor<Autodiff<B, C>> {
    match (sum, affine) {
        (None, None) => prepared::<B, C, _>(None, [term], None, factors),
        (Some(sum), None) => {
            let inner = Some(sum.primitive.clone());
            prepared::<B, C, _>(inner, [term, sum], None, factors)
        }
        (None, Some([scale, shift])) => {
            let inner = [scale.primitive.clone(), shift.primitive.clone()];
            prepared::<B, C, _>(None, [term, scale, shift], Some(inner), factors)
        }
        (Some(sum), Some([scale, shift])) => {
            let affine = [scale.primitive.clone(), shift.primitive.clone()];
            let inner = Some(sum.primitive.clone());
            prepared::<B, C, _>(inner, [term, sum, scale, shift], Some(affine), factors)
        }
    }
}

fn prepared<B: KernelBackend, C: CheckpointStrategy, const N: usize>(
    sum: Option<FloatTensor<B>>,
    parents: [FloatTensor<Autodiff<B, C>>; N],
    affine: Option<[FloatTensor<B>; 2]>,
    factors: Option<&[f32]>,
) -> FloatTensor<Autodiff<B, C>> {
    let term = parents[0].primitive.clone();
    let scale = affine.as_ref().map(|[scale, _]| scale.clone());
    let saved = Saved {
        term: scale.is_some().then(|| term.clone()),
        scale,
        factors: factors.map(Arc::from),
        summed: sum.is_some(),
    };
    // What is left of the sum's own memory can be written to: its tensor must not be held twice.
    let nodes = parents.map(|parent| parent.node);
    let prep = AddScaled::<N>
        .prepare::<C>(nodes)
        .compute_bound()
        .stateful();
    let output = B::add_scaled(sum, term, affine, factors);
    match prep {
        OpsKind::Tracked(prep) => prep.finish(saved, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
