//! What moves by a share: steps of gradient descent and running statistics.

use burn::tensor::Tensor;

use super::{primitive, tensor};
use crate::kernels::{Descent, KernelBackend};

/// A step of stochastic gradient descent with momentum as PyTorch has it: `g <- g + decay w`, `v <- momentum v + g`
/// (the first `v` is `g`), `w <- w - rate v`. Returns `w` and `v`. It is for tensors that are in no graph.
///
/// # Panics
///
/// If weight, gradient and velocity have different shapes.
pub fn descend<B: KernelBackend, const D: usize>(
    weight: Tensor<B, D>,
    gradient: Tensor<B, D>,
    velocity: Option<Tensor<B, D>>,
    descent: Descent,
) -> [Tensor<B, D>; 2] {
    let shape = weight.dims();
    let fits = |other: &Tensor<B, D>| other.dims() == shape;
    assert!(
        fits(&gradient) && velocity.as_ref().is_none_or(fits),
        "a weight {shape:?} needs a gradient and a velocity of its shape, got {:?} and {:?}",
        gradient.dims(),
        velocity.map(|velocity| velocity.dims())
    );
    B::descend(
        primitive(weight),
        primitive(gradient),
        velocity.map(primitive),
        descent,
    )
    .map(tensor)
}

/// Running mean and variance moved by `share` towards the mean and the biased variance of a batch of `count` values
/// a channel; as PyTorch has it, the running variance is the unbiased one. Nothing of it is differentiable.
///
/// # Shapes
///
/// - all: `[channels]`
///
/// # Panics
///
/// If the shapes differ.
pub fn move_statistics<B: KernelBackend>(
    running: [Tensor<B, 1>; 2],
    batch: [Tensor<B, 1>; 2],
    share: f64,
    count: usize,
) -> [Tensor<B, 1>; 2] {
    let all = running.iter().chain(&batch);
    let channels = running[0].dims();
    assert!(
        all.into_iter().all(|tensor| tensor.dims() == channels),
        "running statistics of {channels:?} need means and variances of as many channels"
    );
    let unbiased = count as f64 / (count.max(2) - 1) as f64;
    let [running, batch] = [running, batch].map(|pair| pair.map(primitive));
    B::move_statistics(running, batch, share, unbiased).map(tensor)
}
