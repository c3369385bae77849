//! The operations on tensors, with their shapes checked.

use std::collections::BTreeSet;

use burn::tensor::{Tensor, TensorPrimitive, ops::FloatTensor};

use super::{DeferredTerm, InputActivation, KernelBackend, WindowOptions};

mod bilinear;
mod block;
mod descent;
mod gate;
mod likelihood;
mod pool;
mod product;

pub use bilinear::upsample_bilinear;
pub use block::conv_block;
pub use descent::{descend, move_statistics};
pub use gate::{
    NormalisedColumns, gated_mix, gated_mix_backward, gated_mix_weights, normalise_columns,
    normalise_columns_backward,
};
pub use likelihood::log_likelihood;
pub use pool::{avg_pool, max_pool, plane_means};
pub use product::{matrix_product, matrix_product_backward_left, matrix_product_backward_right};

fn primitive<B: KernelBackend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

fn tensor<B: KernelBackend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

/// Depthwise convolution: one filter per channel.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - weight: `[channels, 1, kernel_h, kernel_w]`
/// - output: `[batch, channels, out_h, out_w]`, see [`WindowOptions::output_size`]
///
/// # Panics
///
/// If the weight has another number of channels than `x` or more than one filter per channel, or
/// the window does not fit the input.
pub fn depthwise_conv2d<B: KernelBackend>(
    x: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    options: WindowOptions,
) -> Tensor<B, 4> {
    depthwise(x, weight, options, InputActivation::Identity)
}

/// [`depthwise_conv2d`] of `max(x, 0)`, without a pass of its own for the ReLU.
///
/// The gradient of the ReLU at 0 is 0. Shapes and panics are those of [`depthwise_conv2d`].
pub fn relu_depthwise_conv2d<B: KernelBackend>(
    x: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    options: WindowOptions,
) -> Tensor<B, 4> {
    depthwise(x, weight, options, InputActivation::Relu)
}

fn depthwise<B: KernelBackend>(
    x: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    options: WindowOptions,
    activation: InputActivation,
) -> Tensor<B, 4> {
    check_depthwise(&x, &weight, options);
    tensor(B::depthwise_conv2d(
        primitive(x),
        primitive(weight),
        options,
        activation,
    ))
}

/// Convolution between all channels.
///
/// # Shapes
///
/// - x: `[batch, channels_in, height, width]`
/// - weight: `[channels_out, channels_in, kernel_h, kernel_w]`
/// - output: `[batch, channels_out, out_h, out_w]`, see [`WindowOptions::output_size`]
///
/// # Panics
///
/// If the weight has another number of input channels than `x`, or the window does not fit the input.
pub fn dense_conv2d<B: KernelBackend>(
    x: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    options: WindowOptions,
) -> Tensor<B, 4> {
    let [_, channels, height, width] = x.dims();
    let [_, inputs, kernel_h, kernel_w] = weight.dims();
    assert!(
        inputs == channels,
        "a convolution of {:?} needs a weight [_, {channels}, _, _], got {:?}",
        x.dims(),
        weight.dims()
    );
    options.output_size([height, width], [kernel_h, kernel_w]);
    tensor(B::dense_conv2d(primitive(x), primitive(weight), options))
}

/// Pointwise (1x1) convolution: a linear map over channels at each position.
///
/// # Shapes
///
/// - x: `[batch, channels_in, height, width]`
/// - weight: `[channels_out, channels_in, 1, 1]`
/// - output: `[batch, channels_out, height, width]`
///
/// # Panics
///
/// If the weight has another number of input channels than `x` or is not 1x1.
pub fn pointwise_conv2d<B: KernelBackend>(x: Tensor<B, 4>, weight: Tensor<B, 4>) -> Tensor<B, 4> {
    check_pointwise(&x, &weight);
    tensor(B::pointwise_conv2d(primitive(x), primitive(weight)))
}

/// What [`batch_norm`] computes.
#[derive(Clone, Debug)]
pub struct BatchNormOutput<B: KernelBackend> {
    /// The normalised input `[batch, channels, height, width]`.
    pub output: Tensor<B, 4>,
    /// Mean `[channels]` of the input; carries no gradient.
    pub mean: Tensor<B, 1>,
    /// Biased variance `[channels]` of the input; carries no gradient.
    pub variance: Tensor<B, 1>,
}

/// Batch normalisation without affine parameters, with the statistics of the batch:
/// `(x - mean) / sqrt(variance + eps)` per channel.
///
/// # Shapes
///
/// - x and output: `[batch, channels, height, width]`
/// - mean and variance: `[channels]`
///
/// # Panics
///
/// If a channel has no value.
pub fn batch_norm<B: KernelBackend>(x: Tensor<B, 4>, eps: f64) -> BatchNormOutput<B> {
    check_batch(&x);
    let (output, mean, variance) = B::batch_norm(primitive(x), eps);
    BatchNormOutput {
        output: tensor(output),
        mean: tensor(mean),
        variance: tensor(variance),
    }
}

/// `scale * x + shift` with one of each per channel.
///
/// # Shapes
///
/// - x and output: `[batch, channels, height, width]`
/// - scale and shift: `[channels]`
///
/// # Panics
///
/// If scale or shift has another number of channels than `x`.
pub fn scale_channels<B: KernelBackend>(
    x: Tensor<B, 4>,
    scale: Tensor<B, 1>,
    shift: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let channels = x.dims()[1];
    assert!(
        scale.dims() == [channels] && shift.dims() == [channels],
        "{channels} channels need as many scales and shifts, got {:?} and {:?}",
        scale.dims(),
        shift.dims()
    );
    tensor(B::scale_channels(
        primitive(x),
        primitive(scale),
        primitive(shift),
    ))
}

/// `max(x, 0)`; the gradient at 0 is 0.
pub fn rectify<B: KernelBackend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    tensor(B::rectify(primitive(x)))
}

/// `sum + term`, in the memory of `sum` where nothing else needs it.
///
/// # Panics
///
/// If the shapes differ.
pub fn add_term<B: KernelBackend, const D: usize>(
    sum: Tensor<B, D>,
    term: Tensor<B, D>,
) -> Tensor<B, D> {
    check_term(&sum, &term);
    tensor(B::add_term(primitive(sum), primitive(term)))
}

/// `sum + factor * (scale * term + shift)`, where no sum is one of zeros, with a scale and a shift for each
/// channel and a factor for each image, where these are given.
///
/// # Shapes
///
/// - sum, term and output: `[batch, channels, height, width]`
/// - affine: scale and shift, each `[channels]`
/// - factors: as many as images
///
/// # Panics
///
/// If the shapes do not agree.
pub fn add_scaled<B: KernelBackend>(
    sum: Option<Tensor<B, 4>>,
    term: Tensor<B, 4>,
    affine: Option<[Tensor<B, 1>; 2]>,
    factors: Option<&[f32]>,
) -> Tensor<B, 4> {
    let [batch, channels, ..] = term.dims();
    if let Some(sum) = &sum {
        check_term(sum, &term);
    }
    assert!(
        factors.is_none_or(|factors| factors.len() == batch)
            && affine
                .iter()
                .flatten()
                .all(|part| part.dims() == [channels]),
        "{batch} images of {channels} channels need as many factors, scales and shifts"
    );
    tensor(B::add_scaled(
        sum.map(primitive),
        primitive(term),
        affine.map(|pair| pair.map(primitive)),
        factors,
    ))
}

/// `sum + weights[entry] * term`, where no sum is one of zeros.
///
/// The term's values are not looked at where its weight is 0; the weight's gradient is the inner
/// product of the term with that of the output all the same.
///
/// # Shapes
///
/// - sum, term and output: the same one
/// - weights: `[edges, ops]`
///
/// # Panics
///
/// If the shapes of sum and term differ, or the entry lies outside the table.
pub fn add_weighted<B: KernelBackend, const D: usize>(
    sum: Option<Tensor<B, D>>,
    term: Tensor<B, D>,
    weights: Tensor<B, 2>,
    entry: [usize; 2],
) -> Tensor<B, D> {
    if let Some(sum) = &sum {
        check_term(sum, &term);
    }
    let [rows, columns] = weights.dims();
    assert!(
        entry[0] < rows && entry[1] < columns,
        "entry {entry:?} lies outside a table of [{rows}, {columns}]"
    );
    tensor(B::add_weighted(
        sum.map(primitive),
        primitive(term),
        primitive(weights),
        entry,
    ))
}

/// `sum` plus terms of its shape whose weights are 0: what is computed of them are the gradients of these
/// weights, the inner products of the terms with the gradient of the output, in the backward pass.
///
/// # Shapes
///
/// - sum and output: the same one
/// - weights: `[edges, ops]`
///
/// # Panics
///
/// If an entry lies outside the table, or is that of two terms.
pub fn add_deferred<B: KernelBackend, const D: usize>(
    sum: Tensor<B, D>,
    weights: Tensor<B, 2>,
    terms: Vec<DeferredTerm<Tensor<B, D>>>,
) -> Tensor<B, D> {
    let [rows, columns] = weights.dims();
    let mut entries = BTreeSet::new();
    let terms = terms.into_iter().map(|DeferredTerm { entry, compute }| {
        assert!(entries.insert(entry), "two terms have the entry {entry:?}");
        assert!(
            entry[0] < rows && entry[1] < columns,
            "entry {entry:?} lies outside a table of [{rows}, {columns}]"
        );
        let compute: Box<dyn FnOnce() -> _ + Send> = Box::new(move || primitive(compute()));
        DeferredTerm { entry, compute }
    });
    let terms = terms.collect();
    tensor(B::add_deferred(primitive(sum), primitive(weights), terms))
}

fn check_term<B: KernelBackend, const D: usize>(sum: &Tensor<B, D>, term: &Tensor<B, D>) {
    assert!(
        sum.dims() == term.dims(),
        "a term {:?} cannot be added to a sum {:?}",
        term.dims(),
        sum.dims()
    );
}

/// The channels of all tensors, one after the other: `[batch, sum of channels, height, width]`.
///
/// # Panics
///
/// If there is no tensor, or they differ in more than their channels.
pub fn concat_channels<B: KernelBackend>(tensors: Vec<Tensor<B, 4>>) -> Tensor<B, 4> {
    let outer = |tensor: &Tensor<B, 4>| {
        let [batch, _, height, width] = tensor.dims();
        [batch, height, width]
    };
    assert!(
        tensors
            .windows(2)
            .all(|pair| outer(&pair[0]) == outer(&pair[1]))
            && !tensors.is_empty(),
        "channels of {:?} cannot be concatenated",
        tensors.iter().map(Tensor::dims).collect::<Vec<_>>()
    );
    tensor(B::concat_channels(
        tensors.into_iter().map(primitive).collect(),
    ))
}

/// Every second row and column from `shift` on, as many as from 0 on; what lies outside the image
/// is 0.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, channels, ceil(height / 2), ceil(width / 2)]`
///
/// # Panics
///
/// If the shift is neither 0 nor 1.
pub fn every_second<B: KernelBackend>(x: Tensor<B, 4>, shift: usize) -> Tensor<B, 4> {
    assert!(shift < 2, "the shift is 0 or 1, got {shift}");
    tensor(B::every_second(primitive(x), shift))
}

fn check_depthwise<B: KernelBackend>(
    x: &Tensor<B, 4>,
    weight: &Tensor<B, 4>,
    options: WindowOptions,
) {
    let [_, channels, height, width] = x.dims();
    let [filters, per_filter, kernel_h, kernel_w] = weight.dims();
    assert!(
        filters == channels && per_filter == 1,
        "a depthwise convolution of {:?} needs a weight [{channels}, 1, _, _], got {:?}",
        x.dims(),
        weight.dims()
    );
    options.output_size([height, width], [kernel_h, kernel_w]);
}

fn check_pointwise<B: KernelBackend>(x: &Tensor<B, 4>, weight: &Tensor<B, 4>) {
    let [_, channels, ..] = x.dims();
    let [_, inputs, kernel_h, kernel_w] = weight.dims();
    assert!(
        inputs == channels && kernel_h == 1 && kernel_w == 1,
        "a pointwise convolution of {:?} needs a weight [_, {channels}, 1, 1], got {:?}",
        x.dims(),
        weight.dims()
    );
}

fn check_batch<B: KernelBackend>(x: &Tensor<B, 4>) {
    let [batch, _, height, width] = x.dims();
    assert!(
        batch * height * width > 0,
        "batch statistics of {:?} need at least one value per channel",
        x.dims()
    );
}
