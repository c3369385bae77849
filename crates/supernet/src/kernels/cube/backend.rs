//! The kernels behind the extension trait.

use core::ops::Range;

use burn::tensor::ops::FloatTensor;
use burn_cubecl::{
    BoolElement, CubeBackend, CubeRuntime, FloatElement, IntElement, kernel::into_contiguous,
    tensor::CubeTensor,
};

use super::{
    launch::{self, accepts, accepts_scales},
    pool::Pool,
};
use crate::kernels::{
    Corners, DeferredTerm, Descent, GateTerm, InputActivation, KernelBackend, PoolWindow,
    WindowOptions, bilinear::Scale, composed, reference,
};

/// Kernels for tensors of f32, f16 and bf16, which compute in f32 whatever they read.
///
/// The [`mod@reference`] runs instead on f64, on empty tensors and on tensors of more than
/// `i32::MAX` entries, and for pointwise convolutions of many channels: Burn's matrix products are tuned for
/// each device.
impl<R, F, I, BT> KernelBackend for CubeBackend<R, F, I, BT>
where
    R: CubeRuntime,
    F: FloatElement,
    I: IntElement,
    BT: BoolElement,
{
    fn device_memory(device: &Self::Device) -> Option<u64> {
        R::client(device)
            .memory_usage()
            .ok()
            .map(|usage| usage.bytes_reserved)
    }

    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
        activation: InputActivation,
    ) -> FloatTensor<Self> {
        if !accepts(&[&x, &weight], output_shape(&x, &weight, options)) {
            return reference::depthwise_conv2d::<Self>(x, weight, options, activation);
        }
        launch::depthwise(x, weight, options, activation)
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
        if !accepts(&[&x, &weight, &dy], dy.meta.shape().dims::<4>()) {
            return reference::depthwise_conv2d_backward::<Self>(
                x, weight, dy, options, activation, need_dx, need_dw,
            );
        }
        let [_, _, kernel_h, kernel_w] = weight.meta.shape().dims::<4>();
        let kernel = [kernel_h, kernel_w];
        let dw = need_dw
            .then(|| launch::weight_gradient(x.clone(), dy.clone(), kernel, options, activation));
        let dx = need_dx.then(|| launch::input_gradient(x, weight, dy, options, activation));
        (dx, dw)
    }

    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let [batch, _, height, width] = x.meta.shape().dims::<4>();
        let [outputs, ..] = weight.meta.shape().dims::<4>();
        let output = [batch, outputs, height, width];
        if !launch::is_small(&weight) || !accepts(&[&x, &weight], output) {
            return reference::pointwise_conv2d::<Self>(x, weight);
        }
        launch::pointwise(x, weight)
    }

    fn pointwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        let input = x.meta.shape().dims::<4>();
        if !launch::is_small(&weight) || !accepts(&[&x, &weight, &dy], input) {
            return reference::pointwise_conv2d_backward::<Self>(x, weight, dy, need_dx, need_dw);
        }
        let dx = need_dx.then(|| launch::pointwise_input_gradient(weight, dy.clone()));
        let dw = need_dw.then(|| launch::pointwise_weight_gradient(x, dy));
        (dx, dw)
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !accepts(&[&x], x.meta.shape().dims::<4>()) {
            return reference::batch_norm::<Self>(x, eps);
        }
        launch::batch_norm(x, eps)
    }

    fn batch_norm_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        if !accepts(&[&y, &variance, &dy], y.meta.shape().dims::<4>()) {
            return reference::batch_norm_backward::<Self>(y, variance, dy, eps);
        }
        launch::batch_norm_gradient(y, variance, dy, eps)
    }

    fn avg_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        if !accepts(&[&x], x.meta.shape().dims::<4>()) {
            return reference::avg_pool::<Self>(x, window);
        }
        launch::pool(x, window, Pool::Average)
    }

    fn avg_pool_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        let [batch, channels, ..] = dy.meta.shape().dims::<4>();
        if !accepts(&[&dy], [batch, channels, input[0], input[1]]) {
            return reference::avg_pool_backward::<Self>(dy, input, window);
        }
        launch::average_pool_gradient(dy, input, window)
    }

    fn max_pool(x: FloatTensor<Self>, window: PoolWindow) -> FloatTensor<Self> {
        if !accepts(&[&x], x.meta.shape().dims::<4>()) {
            return reference::max_pool::<Self>(x, window);
        }
        launch::pool(x, window, Pool::Maximum)
    }

    fn max_pool_backward(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        window: PoolWindow,
    ) -> FloatTensor<Self> {
        if !accepts(&[&x, &dy], x.meta.shape().dims::<4>()) {
            return reference::max_pool_backward::<Self>(x, dy, window);
        }
        launch::maximum_pool_gradient(x, dy, window)
    }

    fn upsample_bilinear(
        x: FloatTensor<Self>,
        size: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        let [batch, channels, height, width] = x.meta.shape().dims::<4>();
        let scales = Scale::of_image([height, width], size, corners);
        if !accepts(&[&x], [batch, channels, size[0], size[1]]) || !accepts_scales(scales) {
            return reference::upsample_bilinear::<Self>(x, size, corners);
        }
        launch::bilinear(x, scales)
    }

    fn upsample_bilinear_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        corners: Corners,
    ) -> FloatTensor<Self> {
        let [batch, channels, out_h, out_w] = dy.meta.shape().dims::<4>();
        let scales = Scale::of_image(input, [out_h, out_w], corners);
        if !accepts(&[&dy], [batch, channels, input[0], input[1]]) || !accepts_scales(scales) {
            return reference::upsample_bilinear_backward::<Self>(dy, input, corners);
        }
        launch::bilinear_gradient(dy, scales)
    }

    fn add_weighted(
        sum: Option<FloatTensor<Self>>,
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
    ) -> FloatTensor<Self> {
        if !accepts_flat(&[&term, &weights], sum.as_ref()) {
            return reference::add_weighted::<Self>(sum, term, weights, entry);
        }
        launch::add_weighted(sum, term, weights, entry)
    }

    fn add_weighted_backward(
        term: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        entry: [usize; 2],
        dy: FloatTensor<Self>,
        need_dterm: bool,
        need_dweights: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        if !accepts_flat(&[&term, &weights, &dy], None) {
            return reference::add_weighted_backward::<Self>(
                term,
                weights,
                entry,
                dy,
                need_dterm,
                need_dweights,
            );
        }
        let table = weights.meta.shape().dims::<2>();
        let dweights = need_dweights.then(|| {
            let compute: Box<dyn FnOnce() -> _ + Send> = Box::new(move || term);
            launch::weight_gradients(table, dy.clone(), vec![DeferredTerm { entry, compute }])
        });
        let dterm = need_dterm.then(|| launch::add_weighted(None, dy, weights, entry));
        (dterm, dweights)
    }

    fn deferred_gradient(
        weights: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        terms: Vec<DeferredTerm<FloatTensor<Self>>>,
    ) -> Option<FloatTensor<Self>> {
        if terms.is_empty() || !accepts_flat(&[&dy, &weights], None) {
            return composed::deferred_gradient::<Self>(weights, dy, terms);
        }
        let table = weights.meta.shape().dims::<2>();
        Some(launch::weight_gradients(table, dy, terms))
    }

    fn rectify(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if !accepts_flat(&[&x], None) {
            return reference::rectify::<Self>(x);
        }
        let x = into_contiguous(x);
        launch::rectify(x.clone(), x)
    }

    fn rectify_backward(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        if !accepts_flat(&[&y, &dy], None) {
            return reference::rectify_backward::<Self>(y, dy);
        }
        launch::rectify(y, dy)
    }

    /// Laid out anew once, rather than by everything that reads it.
    fn channels(x: FloatTensor<Self>, range: Range<usize>) -> FloatTensor<Self> {
        into_contiguous(reference::channels::<Self>(x, range))
    }

    fn move_statistics(
        running: [FloatTensor<Self>; 2],
        batch: [FloatTensor<Self>; 2],
        share: f64,
        unbiased: f64,
    ) -> [FloatTensor<Self>; 2] {
        let [means, variances] = &running;
        if !accepts_flat(&[means, variances, &batch[0]], Some(&batch[1])) {
            return reference::move_statistics::<Self>(running, batch, share, unbiased);
        }
        launch::move_statistics(running, batch, share, unbiased)
    }

    fn descend(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: Option<FloatTensor<Self>>,
        descent: Descent,
    ) -> [FloatTensor<Self>; 2] {
        if !accepts_flat(&[&weight, &gradient], velocity.as_ref()) {
            return reference::descend::<Self>(weight, gradient, velocity, descent);
        }
        launch::descend(weight, gradient, velocity, descent)
    }

    fn gated_mix(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
    ) -> FloatTensor<Self> {
        if !accepts_gate(&[&states, &products, &weights], terms) {
            return reference::gated_mix::<Self>(states, products, weights, terms);
        }
        launch::gated_mix(states, products, weights, terms)
    }

    fn gated_mix_backward(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
        need_weights: bool,
    ) -> ([FloatTensor<Self>; 2], Option<FloatTensor<Self>>) {
        if !accepts_gate(&[&states, &products, &weights, &dy], terms) {
            return reference::gated_mix_backward::<Self>(
                states,
                products,
                weights,
                terms,
                dy,
                need_weights,
            );
        }
        let dweights = need_weights.then(|| {
            let (states, products) = (states.clone(), products.clone());
            launch::gated_mix_weights(states, products, &weights, terms, dy.clone())
        });
        let gradients = launch::gated_mix_gradient(states, products, weights, terms, dy);
        (gradients, dweights)
    }

    fn gated_mix_weights(
        states: FloatTensor<Self>,
        products: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: &[GateTerm],
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if !accepts_gate(&[&states, &products, &weights, &dy], terms) {
            return reference::gated_mix_weights::<Self>(states, products, weights, terms, dy);
        }
        launch::gated_mix_weights(states, products, &weights, terms, dy)
    }
}

/// Whether the kernels work on these tensors, the first of which has as many entries as the output.
fn accepts_flat<R: CubeRuntime>(
    tensors: &[&CubeTensor<R>],
    further: Option<&CubeTensor<R>>,
) -> bool {
    let all: Vec<&CubeTensor<R>> = tensors.iter().copied().chain(further).collect();
    accepts(&all, [1, 1, 1, tensors[0].meta.num_elements()])
}

/// Whether the kernels work on these tensors, of which the second are the products, the largest there
/// are. Each term has a weight of its own, and a state no activation twice.
fn accepts_gate<R: CubeRuntime>(tensors: &[&CubeTensor<R>], terms: &[GateTerm]) -> bool {
    let distinct = |index: usize, term: &GateTerm| {
        terms[..index].iter().all(|other| {
            other.entry != term.entry
                && (other.state, other.activation) != (term.state, term.activation)
        })
    };
    let [count, batch, width] = tensors[1].meta.shape().dims::<3>();
    accepts(tensors, [1, count, batch, width])
        && !terms.is_empty()
        && terms
            .iter()
            .enumerate()
            .all(|(index, term)| distinct(index, term))
}

fn output_shape<R: CubeRuntime>(
    x: &CubeTensor<R>,
    weight: &CubeTensor<R>,
    options: WindowOptions,
) -> [usize; 4] {
    let [batch, channels, height, width] = x.meta.shape().dims::<4>();
    let [_, _, kernel_h, kernel_w] = weight.meta.shape().dims::<4>();
    let [out_h, out_w] = options.output_size([height, width], [kernel_h, kernel_w]);
    [batch, channels, out_h, out_w]
}
