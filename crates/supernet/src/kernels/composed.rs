//! Operations composed of a backend's others, one after the other.

use burn::tensor::{TensorData, TensorMetadata, ops::FloatTensor};

use super::{BlockGradients, BlockNeeds, BlockParts, DeferredTerm, InputActivation, KernelBackend};

/// What [`KernelBackend::conv_block`] says.
pub fn conv_block<B: KernelBackend>(
    parts: BlockParts<FloatTensor<B>>,
    eps: f64,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let pointwise = parts.pointwise.clone();
    let read = scaled::<B>(&parts);
    B::batch_norm(
        B::pointwise_conv2d(filtered::<B>(read, &parts), pointwise),
        eps,
    )
}

/// What [`KernelBackend::conv_block_backward`] says.
pub fn conv_block_backward<B: KernelBackend>(
    parts: BlockParts<FloatTensor<B>>,
    output: FloatTensor<B>,
    variance: FloatTensor<B>,
    dy: FloatTensor<B>,
    eps: f64,
    needs: BlockNeeds,
    onto: Option<FloatTensor<B>>,
) -> BlockGradients<FloatTensor<B>> {
    let mut gradients = BlockGradients::none();
    let dy = B::batch_norm_backward(output, variance, dy, eps);
    let read = scaled::<B>(&parts);
    let filtered = filtered::<B>(read.clone(), &parts);
    let (dfiltered, dpointwise) = B::pointwise_conv2d_backward(
        filtered.clone(),
        parts.pointwise,
        dy,
        needs.below_pointwise(),
        needs.pointwise,
    );
    gradients.pointwise = dpointwise;
    let Some(dfiltered) = dfiltered else {
        return gradients;
    };
    let dread = match parts.depthwise {
        Some((weight, options)) => {
            let (dread, dweight) = B::depthwise_conv2d_backward(
                read,
                weight,
                dfiltered,
                options,
                parts.activation,
                needs.below_depthwise(),
                needs.depthwise,
            );
            gradients.depthwise = dweight;
            dread
        }
        None => Some(match parts.activation {
            InputActivation::Relu => B::rectify_backward(filtered, dfiltered),
            InputActivation::Identity => dfiltered,
        }),
    };
    match (dread, parts.affine) {
        (Some(dread), Some([scale, _])) => {
            let (dx, dscale, dshift) = B::scale_channels_backward(parts.x, scale, dread, needs.x);
            gradients.x = dx;
            gradients.affine = Some([dscale, dshift]);
        }
        (dread, _) => gradients.x = dread,
    }
    gradients.x = match (gradients.x, onto) {
        (Some(dx), Some(onto)) => Some(B::add_term(onto, dx)),
        (dx, _) => dx,
    };
    gradients
}

/// What the activation is given.
fn scaled<B: KernelBackend>(parts: &BlockParts<FloatTensor<B>>) -> FloatTensor<B> {
    match parts.affine.clone() {
        Some([scale, shift]) => B::scale_channels(parts.x.clone(), scale, shift),
        None => parts.x.clone(),
    }
}

/// What the pointwise convolution is given.
fn filtered<B: KernelBackend>(
    read: FloatTensor<B>,
    parts: &BlockParts<FloatTensor<B>>,
) -> FloatTensor<B> {
    match parts.depthwise.clone() {
        Some((weight, options)) => B::depthwise_conv2d(read, weight, options, parts.activation),
        None => match parts.activation {
            InputActivation::Relu => B::rectify(read),
            InputActivation::Identity => read,
        },
    }
}

/// What [`KernelBackend::add_scaled`] says.
pub fn add_scaled<B: KernelBackend>(
    sum: Option<FloatTensor<B>>,
    mut term: FloatTensor<B>,
    affine: Option<[FloatTensor<B>; 2]>,
    factors: Option<&[f32]>,
) -> FloatTensor<B> {
    if let Some([scale, shift]) = affine {
        term = B::scale_channels(term, scale, shift);
    }
    if let Some(factors) = factors {
        term = scale_images::<B>(term, factors);
    }
    match sum {
        Some(sum) => B::add_term(sum, term),
        None => term,
    }
}

/// What [`KernelBackend::add_scaled_backward`] says.
pub fn add_scaled_backward<B: KernelBackend>(
    term: Option<FloatTensor<B>>,
    scale: Option<FloatTensor<B>>,
    factors: Option<&[f32]>,
    mut dy: FloatTensor<B>,
    need_dterm: bool,
) -> (Option<FloatTensor<B>>, Option<[FloatTensor<B>; 2]>) {
    if let Some(factors) = factors {
        dy = scale_images::<B>(dy, factors);
    }
    match (term, scale) {
        (Some(term), Some(scale)) => {
            let (dterm, dscale, dshift) = B::scale_channels_backward(term, scale, dy, need_dterm);
            (dterm, Some([dscale, dshift]))
        }
        _ => (need_dterm.then_some(dy), None),
    }
}

fn scale_images<B: KernelBackend>(x: FloatTensor<B>, factors: &[f32]) -> FloatTensor<B> {
    let data = TensorData::new(factors.to_vec(), [factors.len(), 1, 1, 1]);
    let factors = B::float_from_data(data.convert_dtype(x.dtype()), &B::float_device(&x));
    B::float_mul(x, factors)
}

/// What [`KernelBackend::deferred_gradient`] says.
pub fn deferred_gradient<B: KernelBackend>(
    weights: FloatTensor<B>,
    dy: FloatTensor<B>,
    terms: Vec<DeferredTerm<FloatTensor<B>>>,
) -> Option<FloatTensor<B>> {
    let table = |DeferredTerm { entry, compute }| {
        let (weights, dy) = (weights.clone(), dy.clone());
        let (_, table) = B::add_weighted_backward(compute(), weights, entry, dy, false, true);
        table
    };
    terms.into_iter().filter_map(table).reduce(B::add_term)
}
