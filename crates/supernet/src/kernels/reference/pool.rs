//! Pools.

use burn::tensor::{Tensor, TensorMetadata, backend::Backend, ops::FloatTensor};

use super::{constant, unwrap, wrap};
use crate::kernels::PoolWindow;

/// Burn's average pool, or with dilation, which that has not, a depthwise convolution with ones.
pub fn avg_pool<B: Backend>(x: FloatTensor<B>, window: PoolWindow) -> FloatTensor<B> {
    let options = window.options();
    if window.dilation == 1 {
        let kernel = [window.kernel; 2];
        return B::avg_pool2d(x, kernel, options.stride, options.padding, false, false);
    }
    let [_, channels, height, width] = x.shape().dims::<4>();
    let (ones, shares) = (
        ones::<B>(channels, window, &x),
        shares::<B>([height, width], window, &x),
    );
    let sums = B::conv2d(x, ones, None, options.to_conv(channels));
    B::float_mul(sums, shares)
}

/// Gradients of the same operations, which read nothing of the input but its shape.
pub fn avg_pool_backward<B: Backend>(
    dy: FloatTensor<B>,
    input: [usize; 2],
    window: PoolWindow,
) -> FloatTensor<B> {
    let [batch, channels, ..] = dy.shape().dims::<4>();
    let shape = [batch, channels, input[0], input[1]].into();
    let x = B::float_zeros(shape, &B::float_device(&dy), dy.dtype().into());
    let options = window.options();
    if window.dilation == 1 {
        let kernel = [window.kernel; 2];
        return B::avg_pool2d_backward(
            x,
            dy,
            kernel,
            options.stride,
            options.padding,
            false,
            false,
        );
    }
    let (ones, shares) = (
        ones::<B>(channels, window, &dy),
        shares::<B>(input, window, &dy),
    );
    let dy = B::float_mul(dy, shares);
    B::conv2d_x_backward(x, ones, dy, options.to_conv(channels))
}

/// A filter of ones for each channel.
fn ones<B: Backend>(channels: usize, window: PoolWindow, like: &FloatTensor<B>) -> FloatTensor<B> {
    let shape = [channels, 1, window.kernel, window.kernel].into();
    B::float_ones(shape, &B::float_device(like), like.dtype().into())
}

/// One over the number of inputs under each window, `[1, 1, out_h, out_w]`.
fn shares<B: Backend>(
    input: [usize; 2],
    window: PoolWindow,
    like: &FloatTensor<B>,
) -> FloatTensor<B> {
    let [out_h, out_w] = window.output_size(input);
    let shares = constant::<B, 4>(window.shares(input), [1, 1, out_h, out_w], like);
    unwrap(shares)
}

/// Burn's max pool.
pub fn max_pool<B: Backend>(x: FloatTensor<B>, window: PoolWindow) -> FloatTensor<B> {
    let (kernel, options) = ([window.kernel; 2], window.options());
    B::max_pool2d(
        x,
        kernel,
        options.stride,
        options.padding,
        options.dilation,
        false,
    )
}

/// Finds the positions again rather than keeping them since the forward pass: the input is kept
/// anyway by the other operations that share it.
pub fn max_pool_backward<B: Backend>(
    x: FloatTensor<B>,
    dy: FloatTensor<B>,
    window: PoolWindow,
) -> FloatTensor<B> {
    let (kernel, options) = ([window.kernel; 2], window.options());
    let (stride, padding, dilation) = (options.stride, options.padding, options.dilation);
    let pooled = B::max_pool2d_with_indices(x.clone(), kernel, stride, padding, dilation, false);
    B::max_pool2d_with_indices_backward(
        x,
        kernel,
        stride,
        padding,
        dilation,
        false,
        dy,
        pooled.indices,
    )
    .x_grad
}

/// The mean of each plane.
pub fn plane_means<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let x: Tensor<B, 4> = wrap(x);
    let [batch, channels, height, width] = x.dims();
    // The last axis is added up in another order where a processor's vectors are wider.
    let means = x
        .reshape([batch, channels, height * width, 1])
        .mean_dim(2)
        .reshape([batch, channels]);
    unwrap(means)
}

/// Its gradient.
pub fn plane_means_backward<B: Backend>(
    dy: FloatTensor<B>,
    [height, width]: [usize; 2],
) -> FloatTensor<B> {
    let dy: Tensor<B, 2> = wrap(dy);
    let [batch, channels] = dy.dims();
    let shares = dy / (height * width) as f64;
    let planes = shares
        .reshape([batch, channels, 1, 1])
        .expand([batch, channels, height, width]);
    unwrap(planes)
}
