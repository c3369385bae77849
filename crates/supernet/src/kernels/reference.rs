//! The operations written with Burn's own: the default bodies of
//! [`KernelBackend`](super::KernelBackend) and the yardstick its implementations are tested
//! against. Shapes and meanings are those of the trait's methods.

use burn::tensor::{
    DType, Slice, Tensor, TensorData, TensorMetadata, TensorPrimitive,
    backend::Backend,
    ops::{FloatTensor, PadMode},
};

mod bilinear;
mod descent;
mod gate;
mod likelihood;
mod pool;

pub use bilinear::{upsample_bilinear, upsample_bilinear_backward};
pub use descent::{descend, move_statistics};
pub use gate::{
    gated_mix, gated_mix_backward, gated_mix_weights, normalise_columns, normalise_columns_backward,
};
pub use likelihood::{log_likelihood, log_likelihood_backward};
pub use pool::{
    avg_pool, avg_pool_backward, max_pool, max_pool_backward, plane_means, plane_means_backward,
};

use super::{InputActivation, WindowOptions};

fn wrap<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

fn unwrap<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

/// Numbers in row order, of the type and on the device of another tensor.
fn constant<B: Backend, const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    like: &FloatTensor<B>,
) -> Tensor<B, D> {
    let data = TensorData::new(values, shape).convert_dtype(like.dtype());
    wrap(B::float_from_data(data, &B::float_device(like)))
}

fn activate<B: Backend>(x: FloatTensor<B>, activation: InputActivation) -> FloatTensor<B> {
    match activation {
        InputActivation::Identity => x,
        InputActivation::Relu => B::relu(x),
    }
}

/// A grouped convolution with one group per channel.
pub fn depthwise_conv2d<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    options: WindowOptions,
    activation: InputActivation,
) -> FloatTensor<B> {
    let [channels, ..] = weight.shape().dims::<4>();
    let x = activate::<B>(x, activation);
    B::conv2d(x, weight, None, options.to_conv(channels))
}

/// `dx` is a transposed convolution; `dw` has one sum of products per tap.
pub fn depthwise_conv2d_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    dy: FloatTensor<B>,
    options: WindowOptions,
    activation: InputActivation,
    need_dx: bool,
    need_dw: bool,
) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
    let [channels, _, kernel_h, kernel_w] = weight.shape().dims::<4>();
    let active = activate::<B>(x, activation);
    let dw = need_dw.then(|| {
        let (x, dy) = (wrap(active.clone()), wrap(dy.clone()));
        unwrap::<B, 4>(depthwise_weight_gradient(
            x,
            dy,
            [kernel_h, kernel_w],
            options,
        ))
    });
    let dx = need_dx.then(|| {
        let options = options.to_conv(channels);
        let dx = B::conv2d_x_backward(active.clone(), weight, dy, options);
        match activation {
            InputActivation::Identity => dx,
            InputActivation::Relu => B::relu_backward(active, dx),
        }
    });
    (dx, dw)
}

/// A convolution between all channels.
pub fn dense_conv2d<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    options: WindowOptions,
) -> FloatTensor<B> {
    B::conv2d(x, weight, None, options.to_conv(1))
}

/// Its gradients.
pub fn dense_conv2d_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    dy: FloatTensor<B>,
    options: WindowOptions,
    need_dx: bool,
    need_dw: bool,
) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
    let options = options.to_conv(1);
    let dx = need_dx
        .then(|| B::conv2d_x_backward(x.clone(), weight.clone(), dy.clone(), options.clone()));
    let dw = need_dw.then(|| B::conv2d_weight_backward(x, weight, dy, options));
    (dx, dw)
}

/// Every tap sees one shifted, strided view of the padded input, so its gradient is the sum of
/// that view times `dy`. Burn's grouped weight gradient runs a convolution per channel instead.
fn depthwise_weight_gradient<B: Backend>(
    x: Tensor<B, 4>,
    dy: Tensor<B, 4>,
    kernel: [usize; 2],
    options: WindowOptions,
) -> Tensor<B, 4> {
    let [_, channels, out_h, out_w] = dy.dims();
    let [pad_h, pad_w] = options.padding;
    // Sums over a batch are too long for 16 bits.
    let (dtype, x, dy) = (dy.dtype(), x.cast(DType::F32), dy.cast(DType::F32));
    let padded = pad_zeros(x, [(pad_h, pad_h), (pad_w, pad_w)]);
    let span = |axis: usize, tap: usize, positions: usize| {
        let start = tap * options.dilation[axis];
        let end = start + (positions - 1) * options.stride[axis] + 1;
        Slice::new(
            start as isize,
            Some(end as isize),
            options.stride[axis] as isize,
        )
    };
    let taps = (0..kernel[0] * kernel[1])
        .map(|tap| {
            let (row, column) = (tap / kernel[1], tap % kernel[1]);
            let view = padded.clone().slice([
                Slice::full(),
                Slice::full(),
                span(0, row, out_h),
                span(1, column, out_w),
            ]);
            (view * dy.clone())
                .sum_dim(3)
                .sum_dim(2)
                .sum_dim(0)
                .reshape([channels, 1])
        })
        .collect();
    let taps = Tensor::cat(taps, 1).cast(dtype);
    taps.reshape([channels, 1, kernel[0], kernel[1]])
}

/// Zeros before and after the rows, and before and after the columns.
fn pad_zeros<B: Backend>(x: Tensor<B, 4>, padding: [(usize, usize); 2]) -> Tensor<B, 4> {
    // Burn pads with values of the backend's default type, whatever that of the tensor is.
    let dtype = x.dtype();
    let padded = x.cast(DType::F32).pad(padding, PadMode::Constant(0.0));
    padded.cast(dtype)
}

/// A 1x1 convolution.
pub fn pointwise_conv2d<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    B::conv2d(x, weight, None, WindowOptions::default().to_conv(1))
}

/// A product of matrices, and a sum.
pub fn matrix_product<B: Backend>(
    left: FloatTensor<B>,
    right: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
) -> FloatTensor<B> {
    let product = wrap::<B, 2>(B::float_matmul(left, right));
    unwrap(match bias {
        Some(bias) => product + wrap::<B, 1>(bias).unsqueeze(),
        None => product,
    })
}

/// A product with the transposed right matrix.
pub fn matrix_product_backward_left<B: Backend>(
    right: FloatTensor<B>,
    dy: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_matmul(dy, B::float_transpose(right))
}

/// A product of the transposed left matrix.
pub fn matrix_product_backward_right<B: Backend>(
    left: FloatTensor<B>,
    dy: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_matmul(B::float_transpose(left), dy)
}

/// A sum over the first axis.
pub fn sum_rows<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [_, columns] = x.shape().dims();
    B::float_reshape(B::float_sum_dim(x, 0), [columns].into())
}

/// Two batched matrix products over `[channels, positions]`.
pub fn pointwise_conv2d_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    dy: FloatTensor<B>,
    need_dx: bool,
    need_dw: bool,
) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
    let [batch, channels_in, height, width] = x.shape().dims::<4>();
    let [channels_out, ..] = weight.shape().dims::<4>();
    let dy = wrap::<B, 4>(dy).reshape([batch, channels_out, height * width]);
    let dw = need_dw.then(|| {
        let x = wrap::<B, 4>(x).reshape([batch, channels_in, height * width]);
        let per_image = dy.clone().matmul(x.swap_dims(1, 2));
        unwrap(
            per_image
                .sum_dim(0)
                .reshape([channels_out, channels_in, 1, 1]),
        )
    });
    let dx = need_dx.then(|| {
        let weight = wrap::<B, 4>(weight).reshape([1, channels_out, channels_in]);
        unwrap(
            weight
                .swap_dims(1, 2)
                .matmul(dy)
                .reshape([batch, channels_in, height, width]),
        )
    });
    (dx, dw)
}

/// Two passes: the mean, then the mean square of what is left.
pub fn batch_norm<B: Backend>(
    x: FloatTensor<B>,
    eps: f64,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let x = wrap::<B, 4>(x);
    let [_, channels, ..] = x.dims();
    let mean = channel_mean(x.clone());
    let centred = x - mean.clone();
    let variance = channel_mean(centred.clone() * centred.clone());
    let output = centred / (variance.clone() + eps).sqrt();
    (
        unwrap(output),
        unwrap(mean.reshape([channels])),
        unwrap(variance.reshape([channels])),
    )
}

/// `dx = (dy - mean(dy) - y * mean(dy * y)) / sqrt(variance + eps)`.
pub fn batch_norm_backward<B: Backend>(
    y: FloatTensor<B>,
    variance: FloatTensor<B>,
    dy: FloatTensor<B>,
    eps: f64,
) -> FloatTensor<B> {
    let (y, dy) = (wrap::<B, 4>(y), wrap::<B, 4>(dy));
    let [_, channels, ..] = y.dims();
    let deviation = (wrap::<B, 1>(variance) + eps)
        .sqrt()
        .reshape([1, channels, 1, 1]);
    let offset = channel_mean(dy.clone());
    let slope = channel_mean(dy.clone() * y.clone());
    unwrap((dy - offset - y * slope) / deviation)
}

/// Mean over all axes but the channels, as `[1, channels, 1, 1]`.
fn channel_mean<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.mean_dim(3).mean_dim(2).mean_dim(0)
}

/// A product and a sum that Burn broadcasts.
pub fn scale_channels<B: Backend>(
    x: FloatTensor<B>,
    scale: FloatTensor<B>,
    shift: FloatTensor<B>,
) -> FloatTensor<B> {
    let x = wrap::<B, 4>(x);
    let shape = [1, x.dims()[1], 1, 1];
    unwrap(x * wrap::<B, 1>(scale).reshape(shape) + wrap::<B, 1>(shift).reshape(shape))
}

/// `dx = scale * dy`; the others are sums over batch, height and width.
pub fn scale_channels_backward<B: Backend>(
    x: FloatTensor<B>,
    scale: FloatTensor<B>,
    dy: FloatTensor<B>,
    need_dx: bool,
) -> (Option<FloatTensor<B>>, FloatTensor<B>, FloatTensor<B>) {
    let (x, dy) = (wrap::<B, 4>(x), wrap::<B, 4>(dy));
    let channels = x.dims()[1];
    let per_channel = |values: Tensor<B, 4>| {
        let sums = values.sum_dim(3).sum_dim(2).sum_dim(0);
        unwrap(sums.reshape([channels]))
    };
    let dscale = per_channel(x * dy.clone());
    let dshift = per_channel(dy.clone());
    let scale = wrap::<B, 1>(scale).reshape([1, channels, 1, 1]);
    (need_dx.then(|| unwrap(dy * scale)), dscale, dshift)
}

/// Burn's ReLU.
pub fn rectify<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::relu(x)
}

/// Burn's gradient of the ReLU.
pub fn rectify_backward<B: Backend>(y: FloatTensor<B>, dy: FloatTensor<B>) -> FloatTensor<B> {
    B::relu_backward(y, dy)
}

/// A sum.
pub fn add_term<B: Backend>(sum: FloatTensor<B>, term: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add(sum, term)
}

/// A concatenation along the channels.
pub fn concat_channels<B: Backend>(tensors: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    B::float_cat(tensors, 1)
}

/// A slice of the table, a product and a sum.
pub fn add_weighted<B: Backend>(
    sum: Option<FloatTensor<B>>,
    term: FloatTensor<B>,
    weights: FloatTensor<B>,
    entry: [usize; 2],
) -> FloatTensor<B> {
    let weight = weight::<B>(weights, entry, term.rank());
    let term = B::float_mul(term, weight);
    match sum {
        Some(sum) => B::float_add(sum, term),
        None => term,
    }
}

/// An entry of the table, `[1, .., 1]` of so many axes.
fn weight<B: Backend>(
    weights: FloatTensor<B>,
    [row, column]: [usize; 2],
    rank: usize,
) -> FloatTensor<B> {
    let entry = wrap::<B, 2>(weights).slice([row..row + 1, column..column + 1]);
    B::float_reshape(unwrap(entry), vec![1; rank].into())
}

/// `dterm = weight * dy`; `dweights` holds `sum(term * dy)` at the entry.
pub fn add_weighted_backward<B: Backend>(
    term: FloatTensor<B>,
    weights: FloatTensor<B>,
    entry: [usize; 2],
    dy: FloatTensor<B>,
    need_dterm: bool,
    need_dweights: bool,
) -> (Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
    let dweights = need_dweights.then(|| {
        let product = wrap::<B, 1>(B::float_sum(B::float_mul(term, dy.clone())));
        let [row, column] = entry;
        let table = wrap::<B, 2>(weights.clone()).zeros_like();
        let product = product.reshape([1, 1]);
        unwrap(table.slice_assign([row..row + 1, column..column + 1], product))
    });
    let dterm = need_dterm.then(|| {
        let weight = weight::<B>(weights, entry, dy.rank());
        B::float_mul(dy, weight)
    });
    (dterm, dweights)
}

/// A slice of the channels.
pub fn channels<B: Backend>(x: FloatTensor<B>, range: core::ops::Range<usize>) -> FloatTensor<B> {
    unwrap(wrap::<B, 4>(x).narrow(1, range.start, range.len()))
}

/// A strided slice of the image, padded to an even size if need be.
pub fn every_second<B: Backend>(x: FloatTensor<B>, shift: usize) -> FloatTensor<B> {
    let x = wrap::<B, 4>(x);
    let [_, _, height, width] = x.dims();
    let padded = if height % 2 == 1 || width % 2 == 1 {
        pad_zeros(x, [(0, height % 2), (0, width % 2)])
    } else {
        x
    };
    let from = shift as isize;
    let every = Slice::new(from, None, 2);
    unwrap(padded.slice([Slice::full(), Slice::full(), every, every]))
}

/// The gradient's pixels between zeros.
pub fn every_second_backward<B: Backend>(
    dy: FloatTensor<B>,
    [height, width]: [usize; 2],
    shift: usize,
) -> FloatTensor<B> {
    let dy = wrap::<B, 4>(dy);
    let [batch, channels, out_h, out_w] = dy.dims();
    let zeros = dy.zeros_like();
    let between = |first: Tensor<B, 5>, second: Tensor<B, 5>| {
        let pair = if shift == 0 {
            [first, second]
        } else {
            [second, first]
        };
        Tensor::cat(pair.to_vec(), 4)
    };
    let columns = between(dy.unsqueeze_dim(4), zeros.unsqueeze_dim(4));
    let columns = columns.reshape([batch, channels, out_h, 2 * out_w]);
    let rows = columns.clone().unsqueeze_dim::<5>(3);
    let blank = rows.zeros_like();
    let pair = if shift == 0 {
        [rows, blank]
    } else {
        [blank, rows]
    };
    let image = Tensor::cat(pair.to_vec(), 3).reshape([batch, channels, 2 * out_h, 2 * out_w]);
    unwrap(image.narrow(2, 0, height).narrow(3, 0, width))
}
