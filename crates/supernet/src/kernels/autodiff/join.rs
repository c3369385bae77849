//! One graph of Burn's for all parameters, before anything is computed from them.
//!
//! A parameter begins a graph of its own. When an operation meets a second graph, Burn moves one of the two
//! into the other, and does not ask which is the larger: half of the times that a parameter is first used, all
//! that a pass has recorded so far is moved. Graphs that were joined before the pass are small.

use core::array;

use burn::tensor::{TensorMetadata, ops::FloatTensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};

use crate::kernels::KernelBackend;

/// Graphs that one operation joins: a node has a number of parents that is known when it is compiled.
const PARENTS: usize = 32;

#[derive(Debug)]
struct Join;

impl<B: KernelBackend> Backward<B, PARENTS> for Join {
    type State = ();

    /// No loss depends on it.
    fn backward(self, _: Ops<(), PARENTS>, _: &mut Gradients, _: &mut Checkpointer) {}
}

pub(super) fn record<B: KernelBackend, C: CheckpointStrategy>(
    tensors: Vec<FloatTensor<Autodiff<B, C>>>,
) {
    let is_tracked = |tensor: &FloatTensor<Autodiff<B, C>>| !tensor.node.requirement.is_none();
    let tracked = tensors.into_iter().filter(is_tracked);
    let mut graphs: Vec<_> = tracked.collect();
    while graphs.len() > 1 {
        graphs = graphs.chunks(PARENTS).map(join::<B, C>).collect();
    }
}

fn join<B: KernelBackend, C: CheckpointStrategy>(
    graphs: &[FloatTensor<Autodiff<B, C>>],
) -> FloatTensor<Autodiff<B, C>> {
    let parents = array::from_fn(|parent| graphs[parent % graphs.len()].node.clone());
    let first = &graphs[0].primitive;
    let nothing = B::float_zeros([1].into(), &B::float_device(first), first.dtype().into());
    Join.prepare::<C>(parents)
        .compute_bound()
        .stateless(nothing)
}
