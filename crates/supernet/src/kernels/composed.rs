//! Convolution blocks composed of a backend's other operations, one after the other.

use burn::tensor::ops::FloatTensor;

use super::{BlockGradients, BlockNeeds, BlockParts, InputActivation, KernelBackend};

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
