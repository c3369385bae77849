//! The `Autodiff` decorator: each operation is one node of the graph, and its gradient is the
//! inner backend's `*_backward` method.

mod bilinear;
mod block;
mod convolution;
mod deferred;
mod layout;
mod likelihood;
mod normalisation;
mod pool;
mod product;
mod scaled;
mod sum;

use burn::tensor::{
    backend::AutodiffBackend,
    ops::{FloatTensor, IntTensor},
};
use burn_autodiff::{
    Autodiff, checkpoint::strategy::CheckpointStrategy, grads::Gradients, ops::Ops,
};

use super::{
    BlockParts, Corners, DeferredTerm, InputActivation, KernelBackend, PoolWindow, WindowOptions,
};

/// The backward pass of an operation of `N` inputs. `gradients` makes those of the inputs of what was saved,
/// the gradient of the output, and whether each input is tracked; what it makes of others is dropped.
///
/// They are added to what the inputs have by the backend's own sum: that of `Gradients::register` is Burn's,
/// which runs on one thread of Flex.
fn backward<B: KernelBackend, S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    gradients: impl FnOnce(S, FloatTensor<B>, [bool; N]) -> [Option<FloatTensor<B>>; N],
) {
    backward_onto::<B, S, N>(ops, grads, false, |state, dy, tracked, _| {
        gradients(state, dy, tracked)
    });
}

/// [`backward`] of an operation that, if it `adds`, is given the gradient that its first input has and adds
/// that input's own to it.
fn backward_onto<B: KernelBackend, S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    adds: bool,
    gradients: impl FnOnce(
        S,
        FloatTensor<B>,
        [bool; N],
        Option<FloatTensor<B>>,
    ) -> [Option<FloatTensor<B>>; N],
) {
    let dy = grads.consume::<B>(&ops.node);
    let tracked = ops.parents.each_ref().map(Option::is_some);
    let first = ops.parents.first().filter(|_| adds).cloned().flatten();
    let onto = first.and_then(|node| {
        // What is taken is told by the node alone.
        let mut tensor = <FloatTensor<Autodiff<B>>>::new(dy.clone());
        tensor.node = node;
        grads.remove::<B>(&tensor)
    });
    let gradients = gradients(ops.state, dy, tracked, onto);
    for (node, gradient) in ops.parents.into_iter().zip(gradients) {
        let (Some(node), Some(gradient)) = (node, gradient) else {
            continue;
        };
        let id = node.id;
        let mut tensor = <FloatTensor<Autodiff<B>>>::new(gradient);
        tensor.node = node;
        let sum = match grads.remove::<B>(&tensor) {
            Some(sum) => B::add_term(sum, tensor.primitive),
            None => tensor.primitive,
        };
        grads.register::<B>(id, sum);
    }
}

/// The backward pass of an operation of one input.
fn unary<B: KernelBackend, S>(
    ops: Ops<S, 1>,
    grads: &mut Gradients,
    gradient: impl FnOnce(S, FloatTensor<B>) -> FloatTensor<B>,
) {
    backward::<B, S, 1>(ops, grads, |state, dy, _| [Some(gradient(state, dy))]);
}

impl<B: KernelBackend, C: CheckpointStrategy> KernelBackend for Autodiff<B, C> {
    fn device_memory(device: &Self::Device) -> Option<u64> {
        B::device_memory(device)
    }

    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
    ) -> FloatTensor<Self> {
        convolution::record::<B, C, _>(convolution::Depthwise(options, activation), x, weight)
    }

    fn dense_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        convolution::record::<B, C, _>(convolution::Dense(options), x, weight)
    }

    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        convolution::record::<B, C, _>(convolution::Pointwise, x, weight)
    }

    fn matrix_product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        product::record::<B, C>(left, right, bias)
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (output, mean, variance) = normalisation::record::<B, C>(x, eps);
        (
            output,
            <Self as AutodiffBackend>::from_inner(mean),
            <Self as AutodiffBackend>::from_inner(variance),
        )
    }

    fn move_statistics(
        running: [FloatTensor<Self>; 2],
        batch: [FloatTensor<Self>; 2],
        share: f64,
        unbiased: f64,
    ) -> [FloatTensor<Self>; 2] {
        let [running, batch] = [running, batch].map(|pair| pair.map(|tensor| tensor.primitive));
        B::move_statistics(running, batch, share, unbiased)
            .map(<Self as AutodiffBackend>::from_inner)
    }

    fn conv_block(
        parts: BlockParts<FloatTensor<Self>>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (output, mean, variance) = block::record::<B, C>(parts, eps);
        (
            output,
            <Self as AutodiffBackend>::from_inner(mean),
            <Self as AutodiffBackend>::from_inner(variance),
        )
    }

    fn scale_channels(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        normalisation::scale_channels::<B, C>(x, scale, shift)
    }

    fn avg_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        pool::average::<B, C>(x, window)
    }

    fn max_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        pool::maximum::<B, C>(x, window)
    }

    fn plane_means(x: FloatTensor<Self>) -> FloatTensor<Self> {
        pool::means::<B, C>(x)
    }

    fn upsample_bilinear(
        x: FloatTensor<Self>,
        size: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        bilinear::record::<B, C>(x, size, corners)
    }

    fn rectify(x: FloatTensor<Self>) -> FloatTensor<Self> {
        sum::rectify::<B, C>(x)
    }

    fn add_term(sum: FloatTensor<Self>, term: FloatTensor<Self>) -> FloatTensor<Self> {
        sum::add_term::<B, C>(sum, term)
    }

    fn add_scaled(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        affine: Option<[FloatTensor<Self>; 2]>,
        factors: Option<&[f32]>,
    ) -> FloatTensor<Self> {
        scaled::record::<B, C>(sum, term, affine, factors)
    }

    fn add_weighted(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
    ) -> FloatTensor<Self> {
        sum::add_weighted::<B, C>(sum, term, weights, entry)
    }

    fn add_deferred(
        sum: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: Vec<DeferredTerm<FloatTensor<Self>>>,
    ) -> FloatTensor<Self> {
        deferred::record::<B, C>(sum, weights, terms)
    }

    fn concat_channels(tensors: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        layout::concat_channels::<B, C>(tensors)
    }

    fn every_second(x: FloatTensor<Self>, shift: usize) -> FloatTensor<Self> {
        layout::every_second::<B, C>(x, shift)
    }

    fn log_likelihood(
        logits: FloatTensor<Self>,
        chosen: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (likelihoods, sums) = likelihood::record::<B, C>(logits, chosen);
        (likelihoods, <Self as AutodiffBackend>::from_inner(sums))
    }
}
