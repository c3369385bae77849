//! Flex: vectorised loops over contiguous memory.
//!
//! The loops are written for `f32`; empty tensors and other types take the reference.

mod axis;
mod batch_norm;
mod bilinear;
mod block;
mod columns;
mod dense;
mod depthwise;
mod descent;
mod elementwise;
mod extremes;
mod functions;
mod gate;
mod geometry;
mod lanes;
mod layout;
mod likelihood;
#[cfg(feature = "profile")]
mod limits;
mod lines;
mod matrix;
mod means;
mod memory;
mod pointwise;
mod pool;
mod products;
mod rows;
mod scaled;
mod stock;
mod tiles;
mod unset;
mod work;

use core::ops::Range;

use burn::tensor::{
    TensorMetadata,
    ops::{FloatTensor, IntTensor},
};
use burn_flex::{Flex, FlexTensor};

#[cfg(feature = "profile")]
pub(super) use self::limits::limits;
use self::memory::all_f32;
use super::{
    BlockGradients, BlockNeeds, BlockParts, Corners, Descent, GateTerm, InputActivation,
    KernelBackend, PoolWindow, WindowOptions, composed,
    profile::{Pass, measured, timed},
    reference,
};

fn depthwise_name(activation: InputActivation) -> &'static str {
    match activation {
        InputActivation::Identity => "depthwise convolution",
        InputActivation::Relu => "ReLU and depthwise convolution",
    }
}

fn block_name(parts: &BlockParts<FlexTensor>) -> &'static str {
    match parts.depthwise {
        Some(_) => "separable block",
        None => "pointwise block",
    }
}

fn block_is_f32(parts: &BlockParts<FlexTensor>) -> bool {
    let affine = parts.affine.iter().flatten();
    let filters = parts.depthwise.iter().map(|(weight, _)| weight);
    let all: Vec<&FlexTensor> = [&parts.x, &parts.pointwise]
        .into_iter()
        .chain(affine)
        .chain(filters)
        .collect();
    all_f32(&all)
}

/// A product of matrices, and a bias for each column.
fn product(
    pass: Pass,
    left: FlexTensor,
    right: FlexTensor,
    bias: Option<FlexTensor>,
) -> FlexTensor {
    let work = work::product(&left, &right);
    measured("product of matrices", pass, work, || {
        let all: Vec<&FlexTensor> = [&left, &right].into_iter().chain(&bias).collect();
        if all_f32(&all) {
            matrix::product(left, right, bias)
        } else {
            reference::matrix_product::<Flex>(left, right, bias)
        }
    })
}

impl KernelBackend for Flex {
    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
    ) -> FloatTensor<Self> {
        let work = work::forward(&x, &weight, options);
        measured(depthwise_name(activation), Pass::Forward, work, || {
            if all_f32(&[&x, &weight]) {
                depthwise::forward(x, weight, options, activation)
            } else {
                reference::depthwise_conv2d::<Self>(x, weight, options, activation)
            }
        })
    }

    fn depthwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let work = work::backward(&x, &weight, &dy, [need_dx, need_dw]);
        measured(depthwise_name(activation), Pass::Backward, work, || {
            if all_f32(&[&x, &weight, &dy]) {
                depthwise::backward(x, weight, dy, options, activation, [need_dx, need_dw])
            } else {
                reference::depthwise_conv2d_backward::<Self>(
                    x, weight, dy, options, activation, need_dx, need_dw,
                )
            }
        })
    }

    fn dense_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        let work = work::forward(&x, &weight, options);
        measured("convolution", Pass::Forward, work, || {
            if all_f32(&[&x, &weight]) {
                dense::forward(x, weight, options)
            } else {
                reference::dense_conv2d::<Self>(x, weight, options)
            }
        })
    }

    fn dense_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let work = work::backward(&x, &weight, &dy, [need_dx, need_dw]);
        measured("convolution", Pass::Backward, work, || {
            if all_f32(&[&x, &weight, &dy]) {
                dense::backward(x, weight, dy, options, [need_dx, need_dw])
            } else {
                reference::dense_conv2d_backward::<Self>(x, weight, dy, options, need_dx, need_dw)
            }
        })
    }

    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let work = work::forward(&x, &weight, WindowOptions::default());
        measured("pointwise convolution", Pass::Forward, work, || {
            if all_f32(&[&x, &weight]) {
                pointwise::forward(x, weight)
            } else {
                reference::pointwise_conv2d::<Self>(x, weight)
            }
        })
    }

    fn pointwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let work = work::backward(&x, &weight, &dy, [need_dx, need_dw]);
        measured("pointwise convolution", Pass::Backward, work, || {
            if all_f32(&[&x, &weight, &dy]) {
                pointwise::backward(x, weight, dy, [need_dx, need_dw])
            } else {
                reference::pointwise_conv2d_backward::<Self>(x, weight, dy, need_dx, need_dw)
            }
        })
    }

    fn matrix_product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        product(Pass::Forward, left, right, bias)
    }

    fn matrix_product_backward_left(
        right: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        product(Pass::Backward, dy, right.transpose(0, 1), None)
    }

    fn matrix_product_backward_right(
        left: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        product(Pass::Backward, left.transpose(0, 1), dy, None)
    }

    fn descend(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: Option<FloatTensor<Self>>,
        descent: Descent,
    ) -> [FloatTensor<Self>; 2] {
        let work = work::traffic(&[(&weight, 5)]);
        measured("descent", Pass::Backward, work, || {
            let all: Vec<&FlexTensor> = [&weight, &gradient].into_iter().chain(&velocity).collect();
            if all_f32(&all) {
                descent::descend(weight, gradient, velocity, descent)
            } else {
                reference::descend::<Self>(weight, gradient, velocity, descent)
            }
        })
    }

    fn sum_rows(x: FloatTensor<Self>) -> FloatTensor<Self> {
        timed("sums of rows", Pass::Backward, || {
            if all_f32(&[&x]) {
                matrix::sum_rows(x)
            } else {
                reference::sum_rows::<Self>(x)
            }
        })
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let work = work::traffic(&[(&x, 2)]);
        measured("batch normalisation", Pass::Forward, work, || {
            if all_f32(&[&x]) {
                batch_norm::forward(x, eps)
            } else {
                reference::batch_norm::<Self>(x, eps)
            }
        })
    }

    fn batch_norm_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let work = work::traffic(&[(&dy, 3)]);
        measured("batch normalisation", Pass::Backward, work, || {
            if all_f32(&[&y, &variance, &dy]) {
                batch_norm::backward(y, variance, dy, eps)
            } else {
                reference::batch_norm_backward::<Self>(y, variance, dy, eps)
            }
        })
    }

    fn conv_block(
        parts: BlockParts<FloatTensor<Self>>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !block_is_f32(&parts) {
            return composed::conv_block::<Self>(parts, eps);
        }
        let work = work::block_forward(&parts);
        measured(block_name(&parts), Pass::Forward, work, || {
            block::forward(parts, eps)
        })
    }

    fn conv_block_backward(
        parts: BlockParts<FloatTensor<Self>>,
        output: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
        needs: BlockNeeds,
        onto: Option<FloatTensor<Self>>,
    ) -> BlockGradients<FloatTensor<Self>> {
        let read: Vec<_> = [&output, &variance, &dy].into_iter().chain(&onto).collect();
        if !(block_is_f32(&parts) && all_f32(&read)) {
            return composed::conv_block_backward::<Self>(
                parts, output, variance, dy, eps, needs, onto,
            );
        }
        let work = work::block_backward(&parts, &dy, needs);
        measured(block_name(&parts), Pass::Backward, work, || {
            block::backward(parts, output, variance, dy, eps, needs, onto)
        })
    }

    fn scale_channels(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let work = work::traffic(&[(&x, 2)]);
        measured("scale and shift", Pass::Forward, work, || {
            if all_f32(&[&x, &scale, &shift]) {
                batch_norm::scale_channels(x, &scale, Some(&shift))
            } else {
                reference::scale_channels::<Self>(x, scale, shift)
            }
        })
    }

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
        let work = work::traffic(&[(&x, 1), (&dy, 2)]);
        measured("scale and shift", Pass::Backward, work, || {
            if !all_f32(&[&x, &scale, &dy]) {
                return reference::scale_channels_backward::<Self>(x, scale, dy, need_dx);
            }
            let (dscale, dshift) = batch_norm::scale_gradients(&x, &dy);
            let dx = need_dx.then(|| batch_norm::scale_channels(dy, &scale, None));
            (dx, dscale, dshift)
        })
    }

    fn avg_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        let work = work::traffic(&[(&x, 2)]);
        measured("average pool", Pass::Forward, work, || {
            if all_f32(&[&x]) {
                pool::average(x, window)
            } else {
                reference::avg_pool::<Self>(x, window)
            }
        })
    }

    fn avg_pool_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        let work = work::traffic(&[(&dy, 2)]);
        measured("average pool", Pass::Backward, work, || {
            if all_f32(&[&dy]) {
                pool::average_backward(dy, input, window)
            } else {
                reference::avg_pool_backward::<Self>(dy, input, window)
            }
        })
    }

    fn max_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        let work = work::traffic(&[(&x, 2)]);
        measured("max pool", Pass::Forward, work, || {
            if all_f32(&[&x]) {
                pool::maximum(x, window)
            } else {
                reference::max_pool::<Self>(x, window)
            }
        })
    }

    fn max_pool_backward(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        let work = work::traffic(&[(&x, 2), (&dy, 1)]);
        measured("max pool", Pass::Backward, work, || {
            if all_f32(&[&x, &dy]) {
                pool::maximum_backward(x, dy, window)
            } else {
                reference::max_pool_backward::<Self>(x, dy, window)
            }
        })
    }

    fn plane_means(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let work = work::traffic(&[(&x, 1)]);
        measured("means of planes", Pass::Forward, work, || {
            if all_f32(&[&x]) {
                means::forward(x)
            } else {
                reference::plane_means::<Self>(x)
            }
        })
    }

    fn plane_means_backward(dy: FloatTensor<Self>, input: [usize; 2]) -> FloatTensor<Self> {
        timed("means of planes", Pass::Backward, || {
            if all_f32(&[&dy]) {
                means::backward(dy, input)
            } else {
                reference::plane_means_backward::<Self>(dy, input)
            }
        })
    }

    fn upsample_bilinear(
        x: FloatTensor<Self>,
        size: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        timed("bilinear resampling", Pass::Forward, || {
            if all_f32(&[&x]) {
                bilinear::forward(x, size, corners)
            } else {
                reference::upsample_bilinear::<Self>(x, size, corners)
            }
        })
    }

    fn upsample_bilinear_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        timed("bilinear resampling", Pass::Backward, || {
            if all_f32(&[&dy]) {
                bilinear::backward(dy, input, corners)
            } else {
                reference::upsample_bilinear_backward::<Self>(dy, input, corners)
            }
        })
    }

    fn rectify(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let work = work::traffic(&[(&x, 2)]);
        measured("ReLU", Pass::Forward, work, || {
            if all_f32(&[&x]) {
                elementwise::rectify(x)
            } else {
                reference::rectify::<Self>(x)
            }
        })
    }

    fn rectify_backward(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let work = work::traffic(&[(&dy, 3)]);
        measured("ReLU", Pass::Backward, work, || {
            if all_f32(&[&y, &dy]) {
                elementwise::rectify_backward(&y, dy)
            } else {
                reference::rectify_backward::<Self>(y, dy)
            }
        })
    }

    fn add_term(sum: FloatTensor<Self>, term: FloatTensor<Self>) -> FloatTensor<Self> {
        let work = work::traffic(&[(&sum, 3)]);
        measured("sums of terms", Pass::Forward, work, || {
            if all_f32(&[&sum, &term]) && sum.shape() == term.shape() {
                elementwise::add(sum, &term)
            } else {
                reference::add_term::<Self>(sum, term)
            }
        })
    }

    fn add_scaled(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        affine: Option<[FloatTensor<Self>; 2]>,
        factors: Option<&[f32]>,
    ) -> FloatTensor<Self> {
        let work = work::traffic(&[(&term, 3)]);
        measured("sums of terms", Pass::Forward, work, || {
            let read = affine.iter().flatten().chain(&sum).chain([&term]);
            if all_f32(&read.collect::<Vec<_>>()) {
                scaled::forward(sum, term, affine, factors)
            } else {
                composed::add_scaled::<Self>(sum, term, affine, factors)
            }
        })
    }

    fn add_scaled_backward(
        term: Option<FloatTensor<Self>>,
        scale: Option<FloatTensor<Self>>,
        factors: Option<&[f32]>,
        dy: FloatTensor<Self>,
        need_dterm: bool,
    ) -> (Option<FloatTensor<Self>>, Option<[FloatTensor<Self>; 2]>) {
        let work = work::traffic(&[(&dy, 3)]);
        measured("sums of terms", Pass::Backward, work, || {
            let read = term.iter().chain(&scale).chain([&dy]);
            if all_f32(&read.collect::<Vec<_>>()) {
                scaled::backward(term, scale, factors, dy, need_dterm)
            } else {
                composed::add_scaled_backward::<Self>(term, scale, factors, dy, need_dterm)
            }
        })
    }

    fn add_weighted(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
    ) -> FloatTensor<Self> {
        let work = work::traffic(&[(&term, 3)]);
        measured("sums of terms", Pass::Forward, work, || {
            if !all_f32(&[&term, &weights]) {
                return reference::add_weighted::<Self>(sum, term, weights, entry);
            }
            let weight = elementwise::weight(&weights, entry);
            match sum {
                Some(sum) => elementwise::add_weighted(sum, &term, weight),
                None => elementwise::scale(term, weight),
            }
        })
    }

    fn add_weighted_backward(
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
        dy: FloatTensor<Self>,
        need_dterm: bool,
        need_dweights: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let work = work::traffic(&[(&dy, 3)]);
        measured("sums of terms", Pass::Backward, work, || {
            if !all_f32(&[&term, &weights, &dy]) {
                return reference::add_weighted_backward::<Self>(
                    term,
                    weights,
                    entry,
                    dy,
                    need_dterm,
                    need_dweights,
                );
            }
            let dweights = need_dweights
                .then(|| elementwise::weight_gradient(&term, &dy, weights.shape(), entry));
            let dterm =
                need_dterm.then(|| elementwise::scale(dy, elementwise::weight(&weights, entry)));
            (dterm, dweights)
        })
    }

    fn concat_channels(tensors: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        timed("concatenation", Pass::Forward, || {
            let all: Vec<&FloatTensor<Self>> = tensors.iter().collect();
            if all_f32(&all) {
                layout::concat_channels(tensors)
            } else {
                reference::concat_channels::<Self>(tensors)
            }
        })
    }

    fn channels(x: FloatTensor<Self>, range: Range<usize>) -> FloatTensor<Self> {
        timed("concatenation", Pass::Backward, || {
            if all_f32(&[&x]) {
                layout::channels(&x, range)
            } else {
                reference::channels::<Self>(x, range)
            }
        })
    }

    fn every_second(x: FloatTensor<Self>, shift: usize) -> FloatTensor<Self> {
        timed("every second pixel", Pass::Forward, || {
            if all_f32(&[&x]) {
                layout::every_second(&x, shift)
            } else {
                reference::every_second::<Self>(x, shift)
            }
        })
    }

    fn every_second_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        shift: usize,
    ) -> FloatTensor<Self> {
        timed("every second pixel", Pass::Backward, || {
            if all_f32(&[&dy]) {
                layout::every_second_backward(&dy, input, shift)
            } else {
                reference::every_second_backward::<Self>(dy, input, shift)
            }
        })
    }

    fn gated_mix(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
    ) -> FloatTensor<Self> {
        timed("gated sums", Pass::Forward, || {
            if all_f32(&[&states, &products, &weights]) {
                gate::forward(states, products, &weights, terms)
            } else {
                reference::gated_mix::<Self>(states, products, weights, terms)
            }
        })
    }

    fn gated_mix_backward(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
        need_weights: bool,
    ) -> ([FloatTensor<Self>; 2], Option<FloatTensor<Self>>) {
        timed("gated sums", Pass::Backward, || {
            if all_f32(&[&states, &products, &weights, &dy]) {
                gate::backward(states, products, &weights, terms, dy, need_weights)
            } else {
                reference::gated_mix_backward::<Self>(
                    states,
                    products,
                    weights,
                    terms,
                    dy,
                    need_weights,
                )
            }
        })
    }

    fn gated_mix_weights(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        timed("gated sums", Pass::Backward, || {
            if all_f32(&[&states, &products, &weights, &dy]) {
                gate::weight_gradient(states, products, &weights, terms, dy)
            } else {
                reference::gated_mix_weights::<Self>(states, products, weights, terms, dy)
            }
        })
    }

    fn normalise_columns(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        timed("normalisation of states", Pass::Forward, || {
            if all_f32(&[&x]) {
                columns::forward(x, eps)
            } else {
                reference::normalise_columns::<Self>(x, eps)
            }
        })
    }

    fn normalise_columns_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        timed("normalisation of states", Pass::Backward, || {
            if all_f32(&[&y, &variance, &dy]) {
                columns::backward(y, variance, dy, eps)
            } else {
                reference::normalise_columns_backward::<Self>(y, variance, dy, eps)
            }
        })
    }

    fn log_likelihood(
        logits: FloatTensor<Self>,
        chosen: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        timed("log-likelihood", Pass::Forward, || {
            if all_f32(&[&logits]) {
                likelihood::forward(logits, chosen)
            } else {
                reference::log_likelihood::<Self>(logits, chosen)
            }
        })
    }

    fn log_likelihood_backward(
        logits: FloatTensor<Self>,
        chosen: IntTensor<Self>,
        sums: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        timed("log-likelihood", Pass::Backward, || {
            if all_f32(&[&logits, &sums, &dy]) {
                likelihood::backward(logits, chosen, sums, dy)
            } else {
                reference::log_likelihood_backward::<Self>(logits, chosen, sums, dy)
            }
        })
    }
}
