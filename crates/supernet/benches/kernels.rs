//! Every kernel against the same operation composed of Burn's own, forward alone and forward with
//! backward, at the sizes a search meets.
//!
//! ```sh
//! cargo bench -p supernet --bench kernels
//! ```

use std::hint::black_box;

use burn::backend::Autodiff;
use burn::tensor::{
    Distribution, Tensor,
    activation::relu,
    backend::Backend,
    module::{avg_pool2d, conv2d, interpolate, max_pool2d},
    ops::{ConvOptions, InterpolateMode, InterpolateOptions},
    s,
};
use burn_flex::{Flex, FlexDevice};
use divan::Bencher;
use supernet::kernels::{
    Corners, KernelBackend, PoolWindow, WindowOptions, add_term, add_weighted, avg_pool,
    batch_norm, concat_channels, depthwise_conv2d, every_second, max_pool, pointwise_conv2d,
    rectify, relu_depthwise_conv2d, scale_channels, upsample_bilinear,
};

/// `[batch, channels, height, width]` of the inputs.
const SIZES: [[usize; 4]; 3] = [[32, 16, 32, 32], [64, 16, 8, 8], [64, 32, 4, 4]];

/// A function of an input and a weight that runs on the backends with and without gradients.
trait Operation {
    /// Shape of the weight for an input of this shape.
    fn weight(_input: [usize; 4]) -> [usize; 4] {
        [1; 4]
    }

    fn run<B: KernelBackend>(input: Tensor<B, 4>, weight: Tensor<B, 4>) -> Tensor<B, 4>;
}

/// `$name` computes `$body` from the input `$x` and a weight `$weight` of the shape `$shape`.
macro_rules! operation {
    ($name:ident $(<$(const $parameter:ident),+>)?, |$x:ident, $weight:ident| $body:expr) => {
        operation!($name $(<$(const $parameter),+>)?, |_x| [1; 4], |$x, $weight| $body);
    };
    (
        $name:ident $(<$(const $parameter:ident),+>)?,
        |$input:ident| $shape:expr,
        |$x:ident, $weight:ident| $body:expr
    ) => {
        struct $name $(<$(const $parameter: usize),+>)?;
        impl $(<$(const $parameter: usize),+>)? Operation for $name $(<$($parameter),+>)? {
            fn weight($input: [usize; 4]) -> [usize; 4] {
                $shape
            }

            fn run<B: KernelBackend>($x: Tensor<B, 4>, $weight: Tensor<B, 4>) -> Tensor<B, 4> {
                $body
            }
        }
    };
}

fn burn_depthwise<B: Backend>(
    x: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    options: WindowOptions,
) -> Tensor<B, 4> {
    let [channels, ..] = weight.dims();
    let options = ConvOptions::new(options.stride, options.padding, options.dilation, channels);
    conv2d(x, weight, None, options)
}

fn burn_batch_norm<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    let mean = x.clone().mean_dim(3).mean_dim(2).mean_dim(0);
    let centred = x - mean;
    let squares = centred.clone() * centred.clone();
    let variance = squares.mean_dim(3).mean_dim(2).mean_dim(0);
    centred / (variance + 1e-5).sqrt()
}

operation!(
    Depthwise<const KERNEL, const STRIDE, const DILATION>,
    |x| [x[1], 1, KERNEL, KERNEL],
    |x, weight| depthwise_conv2d(x, weight, WindowOptions::same(KERNEL, STRIDE, DILATION))
);
operation!(
    BurnDepthwise<const KERNEL, const STRIDE, const DILATION>,
    |x| [x[1], 1, KERNEL, KERNEL],
    |x, weight| burn_depthwise(x, weight, WindowOptions::same(KERNEL, STRIDE, DILATION))
);
operation!(ReluDepthwise, |x| [x[1], 1, 3, 3], |x, weight| {
    relu_depthwise_conv2d(x, weight, WindowOptions::same(3, 1, 1))
});
operation!(BurnReluDepthwise, |x| [x[1], 1, 3, 3], |x, weight| {
    burn_depthwise(relu(x), weight, WindowOptions::same(3, 1, 1))
});
operation!(Pointwise, |x| [x[1], x[1], 1, 1], |x, weight| {
    pointwise_conv2d(x, weight)
});
operation!(BurnPointwise, |x| [x[1], x[1], 1, 1], |x, weight| conv2d(
    x,
    weight,
    None,
    ConvOptions::new([1; 2], [0; 2], [1; 2], 1)
));
operation!(BatchNorm, |x, _weight| batch_norm(x, 1e-5).output);
operation!(BurnBatchNorm, |x, _weight| burn_batch_norm(x));
fn pool_window(stride: usize) -> PoolWindow {
    PoolWindow {
        kernel: 3,
        stride,
        dilation: 1,
    }
}

operation!(AvgPool<const STRIDE>, |x, _weight| avg_pool(x, pool_window(STRIDE)));
operation!(BurnAvgPool<const STRIDE>, |x, _weight| {
    avg_pool2d(x, [3; 2], [STRIDE; 2], [1; 2], false, false)
});
operation!(MaxPool<const STRIDE>, |x, _weight| max_pool(x, pool_window(STRIDE)));
operation!(BurnMaxPool<const STRIDE>, |x, _weight| {
    max_pool2d(x, [3; 2], [STRIDE; 2], [1; 2], [1; 2], false)
});
operation!(Bilinear, |x, _weight| {
    let [_, _, height, width] = x.dims();
    upsample_bilinear(x, [4 * height, 4 * width], Corners::HalfPixel)
});
operation!(BurnBilinear, |x, _weight| {
    let [_, _, height, width] = x.dims();
    let options = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
    interpolate(x, [4 * height, 4 * width], options)
});
// The weight is one scale per channel, which is the shift too.
operation!(ScaleChannels, |x| [1, x[1], 1, 1], |x, weight| {
    let scale = weight.flatten::<1>(0, 3);
    scale_channels(x, scale.clone(), scale)
});
operation!(BurnScaleChannels, |x| [1, x[1], 1, 1], |x, weight| x
    * weight.clone()
    + weight);
operation!(Rectify, |x, _weight| rectify(x));
operation!(BurnRectify, |x, _weight| relu(x));
// The weight is another tensor of the input's shape.
operation!(AddTerm, |x| x, |x, weight| add_term(x, weight));
operation!(BurnAddTerm, |x| x, |x, weight| x + weight);
// The weight is a table of one entry.
operation!(AddWeighted, |x, weight| {
    let sum = x.clone().detach();
    add_weighted(Some(sum), x, weight.reshape([1, 1]), [0, 0])
});
operation!(BurnAddWeighted, |x, weight| x.clone().detach() + x * weight);
// The weight is another tensor of the input's shape.
operation!(Concat, |x| x, |x, weight| concat_channels(vec![x, weight]));
operation!(BurnConcat, |x| x, |x, weight| Tensor::cat(
    vec![x, weight],
    1
));
operation!(EverySecond, |x, _weight| every_second(x, 1));
operation!(BurnEverySecond, |x, _weight| x
    .slice(s![.., .., 1..;2, 1..;2]));

fn random<B: Backend<Device = FlexDevice>>(shape: [usize; 4]) -> Tensor<B, 4> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &FlexDevice)
}

fn forward<O: Operation>(bencher: Bencher, size: [usize; 4]) {
    let (input, weight) = (random::<Flex>(size), random::<Flex>(O::weight(size)));
    bencher.bench_local(|| black_box(O::run(input.clone(), weight.clone())));
}

fn forward_and_backward<O: Operation>(bencher: Bencher, size: [usize; 4]) {
    let input = random::<Autodiff<Flex>>(size);
    let weight = random::<Autodiff<Flex>>(O::weight(size));
    bencher.bench_local(|| {
        let input = input.clone().require_grad();
        let weight = weight.clone().require_grad();
        black_box(O::run(input, weight).backward())
    });
}

/// A group of benches: forward, and forward with backward, for each of the operations.
macro_rules! compare {
    ($group:ident: $($operation:ty),+) => {
        #[divan::bench_group(sample_count = 10, min_time = 0.6)]
        mod $group {
            use super::*;

            #[divan::bench(types = [$($operation),+], args = SIZES)]
            fn forward<O: Operation>(bencher: Bencher, size: [usize; 4]) {
                super::forward::<O>(bencher, size);
            }

            #[divan::bench(types = [$($operation),+], args = SIZES)]
            fn forward_and_backward<O: Operation>(bencher: Bencher, size: [usize; 4]) {
                super::forward_and_backward::<O>(bencher, size);
            }
        }
    };
}

compare!(depthwise_3x3: Depthwise<3, 1, 1>, BurnDepthwise<3, 1, 1>);
compare!(depthwise_3x3_stride_2: Depthwise<3, 2, 1>, BurnDepthwise<3, 2, 1>);
compare!(depthwise_5x5: Depthwise<5, 1, 1>, BurnDepthwise<5, 1, 1>);
compare!(depthwise_5x5_dilation_2: Depthwise<5, 1, 2>, BurnDepthwise<5, 1, 2>);
compare!(relu_and_depthwise_3x3: ReluDepthwise, BurnReluDepthwise);
compare!(pointwise: Pointwise, BurnPointwise);
compare!(norm: BatchNorm, BurnBatchNorm);
compare!(average_pool: AvgPool<1>, BurnAvgPool<1>);
compare!(average_pool_stride_2: AvgPool<2>, BurnAvgPool<2>);
compare!(maximum_pool: MaxPool<1>, BurnMaxPool<1>);
compare!(maximum_pool_stride_2: MaxPool<2>, BurnMaxPool<2>);
compare!(bilinear: Bilinear, BurnBilinear);
compare!(scale_and_shift: ScaleChannels, BurnScaleChannels);
compare!(rectifier: Rectify, BurnRectify);
compare!(sum: AddTerm, BurnAddTerm);
compare!(weighted_sum: AddWeighted, BurnAddWeighted);
compare!(concatenation: Concat, BurnConcat);
compare!(every_second_pixel: EverySecond, BurnEverySecond);

fn main() {
    divan::main();
}
