//! The backend extension: one method per operation and one per gradient.

use core::ops::Range;

use burn::tensor::{
    Shape, TensorMetadata,
    backend::Backend,
    ops::{FloatTensor, IntTensor},
};

use super::gate::GateTerm;
use super::{
    BlockGradients, BlockNeeds, BlockParts, Corners, DeferredTerm, Descent, InputActivation,
    PoolWindow, WindowOptions, composed, reference,
};

/// A backend that runs the supernet's operations and their gradients.
///
/// The default bodies are the [`mod@reference`] made of Burn's own operations, so
/// `impl KernelBackend for SomeBackend {}` is a complete implementation. Tensors have the shape
/// `[batch, channels, height, width]` unless stated; the functions of [`kernels`](super) check
/// shapes before they call a backend. The `*_backward` methods need not be differentiable themselves.
pub trait KernelBackend: Backend {
    /// One `kernel_h x kernel_w` filter per channel, `weight` is
    /// `[channels, 1, kernel_h, kernel_w]`, on the input after `activation`.
    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
    ) -> FloatTensor<Self> {
        reference::depthwise_conv2d::<Self>(x, weight, options, activation)
    }

    /// Gradients `(dx, dw)` of [`depthwise_conv2d`](Self::depthwise_conv2d) with respect to the
    /// input before `activation` and to the weight, each only if needed.
    fn depthwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        reference::depthwise_conv2d_backward::<Self>(
            x, weight, dy, options, activation, need_dx, need_dw,
        )
    }

    /// A convolution between all channels, `weight` is
    /// `[channels_out, channels_in, kernel_h, kernel_w]`.
    fn dense_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        reference::dense_conv2d::<Self>(x, weight, options)
    }

    /// Gradients `(dx, dw)` of [`dense_conv2d`](Self::dense_conv2d), each only if needed.
    fn dense_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        reference::dense_conv2d_backward::<Self>(x, weight, dy, options, need_dx, need_dw)
    }

    /// A linear map over channels at each position, `weight` is
    /// `[channels_out, channels_in, 1, 1]`.
    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::pointwise_conv2d::<Self>(x, weight)
    }

    /// Gradients `(dx, dw)` of [`pointwise_conv2d`](Self::pointwise_conv2d), each only if needed.
    fn pointwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        reference::pointwise_conv2d_backward::<Self>(x, weight, dy, need_dx, need_dw)
    }

    /// `left * right + bias` for matrices `[rows, inputs]` and `[inputs, columns]` and a bias `[columns]`.
    fn matrix_product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        reference::matrix_product::<Self>(left, right, bias)
    }

    /// Gradient of the left matrix of [`matrix_product`](Self::matrix_product).
    fn matrix_product_backward_left(
        right: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::matrix_product_backward_left::<Self>(right, dy)
    }

    /// Gradient of the right matrix of [`matrix_product`](Self::matrix_product).
    fn matrix_product_backward_right(
        left: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::matrix_product_backward_right::<Self>(left, dy)
    }

    /// The rows of a matrix added up, `[columns]`: the gradient of the bias of
    /// [`matrix_product`](Self::matrix_product).
    fn sum_rows(x: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::sum_rows::<Self>(x)
    }

    /// Running mean and variance, both `[channels]`, moved by `share` towards the mean and the variance of a
    /// batch, which is multiplied by `unbiased` first. Nothing of it has a gradient.
    fn move_statistics(
        running: [FloatTensor<Self>; 2],
        batch: [FloatTensor<Self>; 2],
        share: f64,
        unbiased: f64,
    ) -> [FloatTensor<Self>; 2] {
        reference::move_statistics::<Self>(running, batch, share, unbiased)
    }

    /// A step of gradient descent: the weight and the velocity after it, which is the gradient at first.
    fn descend(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: Option<FloatTensor<Self>>,
        descent: Descent,
    ) -> [FloatTensor<Self>; 2] {
        reference::descend::<Self>(weight, gradient, velocity, descent)
    }

    /// Normalises each channel with its statistics over the batch and both spatial axes:
    /// `(x - mean) / sqrt(variance + eps)`, then the mean and the biased variance, both
    /// `[channels]`.
    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        reference::batch_norm::<Self>(x, eps)
    }

    /// Gradient `dx` of the first output of [`batch_norm`](Self::batch_norm), from that output
    /// `y`, the variance `[channels]` and `dy`.
    fn batch_norm_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        reference::batch_norm_backward::<Self>(y, variance, dy, eps)
    }

    /// A convolution block: affine map, activation, depthwise convolution (the first and the last of them where
    /// the parts have one), pointwise convolution, and [`batch_norm`](Self::batch_norm), whose three
    /// tensors it returns.
    fn conv_block(
        parts: BlockParts<FloatTensor<Self>>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::conv_block::<Self>(parts, eps)
    }

    /// The gradients that are needed of the first output of [`conv_block`](Self::conv_block), from that
    /// output, the variance `[channels_out]` and `dy`. That of what is read is added to `onto`, if there is
    /// one.
    fn conv_block_backward(
        parts: BlockParts<FloatTensor<Self>>,
        output: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
        needs: BlockNeeds,
        onto: Option<FloatTensor<Self>>,
    ) -> BlockGradients<FloatTensor<Self>> {
        composed::conv_block_backward::<Self>(parts, output, variance, dy, eps, needs, onto)
    }

    /// `scale * x + shift` with one of each per channel, both `[channels]`.
    fn scale_channels(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::scale_channels::<Self>(x, scale, shift)
    }

    /// Gradients `(dx, dscale, dshift)` of [`scale_channels`](Self::scale_channels); `dx` only if
    /// needed.
    fn scale_channels_backward(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        need_dx: bool,
    ) -> (
        Option<FloatTensor<Self>>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        reference::scale_channels_backward::<Self>(x, scale, dy, need_dx)
    }

    /// Mean over the inputs that each window covers; padding is not counted.
    fn avg_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        reference::avg_pool::<Self>(x, window)
    }

    /// Gradient `dx` of [`avg_pool`](Self::avg_pool) for an input of `[height, width]`.
    fn avg_pool_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        reference::avg_pool_backward::<Self>(dy, input, window)
    }

    /// Largest input that each window covers.
    fn max_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        reference::max_pool::<Self>(x, window)
    }

    /// Gradient `dx` of [`max_pool`](Self::max_pool). Among equal inputs the first in row order
    /// receives the gradient.
    fn max_pool_backward(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        reference::max_pool_backward::<Self>(x, dy, window)
    }

    /// The mean of each plane, `[batch, channels]`.
    fn plane_means(x: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::plane_means::<Self>(x)
    }

    /// Gradient `dx` of [`plane_means`](Self::plane_means) for an input of `[height, width]`.
    fn plane_means_backward(dy: FloatTensor<Self>, input: [usize; 2]) -> FloatTensor<Self> {
        reference::plane_means_backward::<Self>(dy, input)
    }

    /// The image at the size `[height, width]`, bilinear between its pixels.
    fn upsample_bilinear(
        x: FloatTensor<Self>,
        size: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        reference::upsample_bilinear::<Self>(x, size, corners)
    }

    /// Gradient `dx` of [`upsample_bilinear`](Self::upsample_bilinear) for an input of
    /// `[height, width]`.
    fn upsample_bilinear_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        reference::upsample_bilinear_backward::<Self>(dy, input, corners)
    }

    /// `max(x, 0)`, of any shape.
    fn rectify(x: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::rectify::<Self>(x)
    }

    /// Gradient `dx` of [`rectify`](Self::rectify) from its output `y`; it is 0 at 0.
    fn rectify_backward(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::rectify_backward::<Self>(y, dy)
    }

    /// `sum + term`, of one shape.
    fn add_term(sum: FloatTensor<Self>, term: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::add_term::<Self>(sum, term)
    }

    /// `sum + factor * (scale * term + shift)`, where no sum is one of zeros, scale and shift are
    /// `[channels]` and there is a factor for each image, if there are any.
    fn add_scaled(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        affine: Option<[FloatTensor<Self>; 2]>,
        factors: Option<&[f32]>,
    ) -> FloatTensor<Self> {
        composed::add_scaled::<Self>(sum, term, affine, factors)
    }

    /// Gradients of [`add_scaled`](Self::add_scaled): of the term, if it is needed, and of scale and shift, if
    /// there is a scale, and so a term.
    fn add_scaled_backward(
        term: Option<FloatTensor<Self>>,
        scale: Option<FloatTensor<Self>>,
        factors: Option<&[f32]>,
        dy: FloatTensor<Self>,
        need_dterm: bool,
    ) -> (Option<FloatTensor<Self>>, Option<[FloatTensor<Self>; 2]>) {
        composed::add_scaled_backward::<Self>(term, scale, factors, dy, need_dterm)
    }

    /// `sum + weights[entry] * term`, where no sum is one of zeros and `weights` is
    /// `[edges, ops]`. Where the weight is 0 the term's values need not be looked at.
    fn add_weighted(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
    ) -> FloatTensor<Self> {
        reference::add_weighted::<Self>(sum, term, weights, entry)
    }

    /// Gradients `(dterm, dweights)` of [`add_weighted`](Self::add_weighted), each only if needed.
    fn add_weighted_backward(
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
        dy: FloatTensor<Self>,
        need_dterm: bool,
        need_dweights: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        reference::add_weighted_backward::<Self>(
            term,
            weights,
            entry,
            dy,
            need_dterm,
            need_dweights,
        )
    }

    /// `sum` plus terms whose weights in `weights`, `[edges, ops]`, are 0: they are computed only for the
    /// gradients of these weights, so a backend without a graph never does.
    fn add_deferred(
        sum: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: Vec<DeferredTerm<FloatTensor<Self>>>,
    ) -> FloatTensor<Self> {
        let _ = (weights, terms);
        sum
    }

    /// Gradient of the weights of [`add_deferred`](Self::add_deferred), if there are terms: their inner products
    /// with `dy`, each at its entry.
    fn deferred_gradient(
        weights: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        terms: Vec<DeferredTerm<FloatTensor<Self>>>,
    ) -> Option<FloatTensor<Self>> {
        composed::deferred_gradient::<Self>(weights, dy, terms)
    }

    /// The channels of all tensors, one after the other.
    fn concat_channels(tensors: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        reference::concat_channels::<Self>(tensors)
    }

    /// The channels of `range`: the gradient of [`concat_channels`](Self::concat_channels).
    fn channels(x: FloatTensor<Self>, range: Range<usize>) -> FloatTensor<Self> {
        reference::channels::<Self>(x, range)
    }

    /// Every second row and column from `shift` (0 or 1) on, as many as from 0 on: what lies
    /// outside the image is 0.
    fn every_second(x: FloatTensor<Self>, shift: usize) -> FloatTensor<Self> {
        reference::every_second::<Self>(x, shift)
    }

    /// Gradient `dx` of [`every_second`](Self::every_second) for an input of `[height, width]`.
    fn every_second_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        shift: usize,
    ) -> FloatTensor<Self> {
        reference::every_second_backward::<Self>(dy, input, shift)
    }

    /// The sum over the terms that are on of `weight * (s + sigmoid(c) * (f(h) - s))`, with states
    /// `s` `[states, batch, hidden]`, products `c` and `h` `[states, batch, 2 * hidden]` and weights
    /// `[edges, ops]`. Where a weight is 0 the term's values need not be looked at.
    fn gated_mix(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
    ) -> FloatTensor<Self> {
        reference::gated_mix::<Self>(states, products, weights, terms)
    }

    /// Gradients of the states and the products of [`gated_mix`](Self::gated_mix) from that of its
    /// output, `[batch, hidden]`, and of the weights of all terms if needed.
    fn gated_mix_backward(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
        need_weights: bool,
    ) -> ([FloatTensor<Self>; 2], Option<FloatTensor<Self>>) {
        reference::gated_mix_backward::<Self>(states, products, weights, terms, dy, need_weights)
    }

    /// Gradient of the weights of [`gated_mix`](Self::gated_mix) alone: of all terms, whether they are
    /// on or not.
    fn gated_mix_weights(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::gated_mix_weights::<Self>(states, products, weights, terms, dy)
    }

    /// [`batch_norm`](Self::batch_norm) of the columns of `[rows, columns]`.
    fn normalise_columns(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [rows, columns] = x.shape().dims();
        let shape = Shape::new([rows, columns, 1, 1]);
        let (y, mean, variance) = Self::batch_norm(Self::float_reshape(x, shape), eps);
        let y = Self::float_reshape(y, Shape::new([rows, columns]));
        (y, mean, variance)
    }

    /// Gradient `dx` of [`normalise_columns`](Self::normalise_columns), from its first output `y`, the
    /// variance `[columns]` and `dy`.
    fn normalise_columns_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let [rows, columns] = y.shape().dims();
        let plane = |tensor| Self::float_reshape(tensor, Shape::new([rows, columns, 1, 1]));
        let dx = Self::batch_norm_backward(plane(y), variance, plane(dy), eps);
        Self::float_reshape(dx, Shape::new([rows, columns]))
    }

    /// The logarithm of the probability that each row of logits `[rows, classes]` gives to its chosen
    /// class, then the logarithm of each row's sum of exponentials; classes chosen and both outputs are
    /// `[rows]`.
    fn log_likelihood(
        logits: FloatTensor<Self>,
        chosen: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        reference::log_likelihood::<Self>(logits, chosen)
    }

    /// Gradient of the logits of [`log_likelihood`](Self::log_likelihood) from its second output `sums`
    /// and the gradient `dy` of its first.
    fn log_likelihood_backward(
        logits: FloatTensor<Self>,
        chosen: IntTensor<Self>,
        sums: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::log_likelihood_backward::<Self>(logits, chosen, sums, dy)
    }

    /// Bytes of the device that this process has reserved; none where tensors lie in main memory.
    fn device_memory(_device: &Self::Device) -> Option<u64> {
        None
    }
}
