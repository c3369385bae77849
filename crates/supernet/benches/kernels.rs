//! Every kernel against the same operation composed of Burn's own, forward alone and forward with
//! backward, at the sizes a search meets.

use std::{hint::black_box, time::Duration};

use burn::backend::Autodiff;
use burn::tensor::{
    Distribution, Tensor,
    activation::relu,
    backend::Backend,
    module::{avg_pool2d, conv2d, max_pool2d},
    ops::ConvOptions,
    s,
};
use burn_flex::{Flex, FlexDevice};
use criterion::{Criterion, criterion_group, criterion_main};
use supernet::kernels::{
    KernelBackend, WindowOptions, add_term, add_weighted, avg_pool3x3, batch_norm, concat_channels,
    depthwise_conv2d, every_second, max_pool3x3, pointwise_conv2d, rectify, relu_depthwise_conv2d,
    scale_channels,
};

const SIZES: [[usize; 4]; 3] = [[32, 16, 32, 32], [64, 16, 8, 8], [64, 32, 4, 4]];

/// A function of an input and a weight that runs on the backends with and without gradients.
trait Operation {
    fn run<B: KernelBackend>(&self, x: Tensor<B, 4>, weight: Tensor<B, 4>) -> Tensor<B, 4>;
}

/// `$name` computes `$body` from the input `$x` and the weight `$weight`.
macro_rules! operation {
    ($name:ident, |$x:ident, $weight:ident, $this:ident| $body:expr) => {
        impl Operation for $name {
            fn run<B: KernelBackend>(
                &self,
                $x: Tensor<B, 4>,
                $weight: Tensor<B, 4>,
            ) -> Tensor<B, 4> {
                let $this = self;
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

struct Depthwise(WindowOptions);
operation!(Depthwise, |x, weight, this| depthwise_conv2d(
    x, weight, this.0
));
struct BurnDepthwise(WindowOptions);
operation!(BurnDepthwise, |x, weight, this| burn_depthwise(
    x, weight, this.0
));
struct ReluDepthwise(WindowOptions);
operation!(ReluDepthwise, |x, weight, this| relu_depthwise_conv2d(
    x, weight, this.0
));
struct BurnReluDepthwise(WindowOptions);
operation!(BurnReluDepthwise, |x, weight, this| burn_depthwise(
    relu(x),
    weight,
    this.0
));
struct Pointwise;
operation!(Pointwise, |x, weight, _this| pointwise_conv2d(x, weight));
struct BurnPointwise;
operation!(BurnPointwise, |x, weight, _this| conv2d(
    x,
    weight,
    None,
    ConvOptions::new([1; 2], [0; 2], [1; 2], 1)
));
struct BatchNorm;
operation!(BatchNorm, |x, _weight, _this| batch_norm(x, 1e-5).output);
struct BurnBatchNorm;
operation!(BurnBatchNorm, |x, _weight, _this| burn_batch_norm(x));
struct AvgPool(usize);
operation!(AvgPool, |x, _weight, this| avg_pool3x3(x, this.0));
struct BurnAvgPool(usize);
operation!(BurnAvgPool, |x, _weight, this| avg_pool2d(
    x,
    [3; 2],
    [this.0; 2],
    [1; 2],
    false,
    false
));
struct MaxPool(usize);
operation!(MaxPool, |x, _weight, this| max_pool3x3(x, this.0));
struct BurnMaxPool(usize);
operation!(BurnMaxPool, |x, _weight, this| max_pool2d(
    x,
    [3; 2],
    [this.0; 2],
    [1; 2],
    [1; 2],
    false
));

/// The weight is one scale per channel, which is the shift too.
struct ScaleChannels;
operation!(ScaleChannels, |x, weight, _this| {
    let scale = weight.flatten::<1>(0, 3);
    scale_channels(x, scale.clone(), scale)
});
struct BurnScaleChannels;
operation!(BurnScaleChannels, |x, weight, _this| x * weight.clone()
    + weight);
struct Rectify;
operation!(Rectify, |x, _weight, _this| rectify(x));
struct BurnRectify;
operation!(BurnRectify, |x, _weight, _this| relu(x));
/// The weight is another tensor of the input's shape.
struct AddTerm;
operation!(AddTerm, |x, weight, _this| add_term(x, weight));
struct BurnAddTerm;
operation!(BurnAddTerm, |x, weight, _this| x + weight);
/// The weight is a table of one entry.
struct AddWeighted;
operation!(AddWeighted, |x, weight, _this| {
    let sum = x.clone().detach();
    add_weighted(Some(sum), x, weight.reshape([1, 1]), [0, 0])
});
struct BurnAddWeighted;
operation!(BurnAddWeighted, |x, weight, _this| {
    x.clone().detach() + x * weight
});
/// The weight is another tensor of the input's shape.
struct Concat;
operation!(Concat, |x, weight, _this| concat_channels(vec![x, weight]));
struct BurnConcat;
operation!(BurnConcat, |x, weight, _this| Tensor::cat(
    vec![x, weight],
    1
));
struct EverySecond;
operation!(EverySecond, |x, _weight, _this| every_second(x, 1));
struct BurnEverySecond;
operation!(BurnEverySecond, |x, _weight, _this| x
    .slice(s![.., .., 1..;2, 1..;2]));

fn random<B: Backend<Device = FlexDevice>>(shape: [usize; 4]) -> Tensor<B, 4> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &FlexDevice)
}

fn measure(
    criterion: &mut Criterion,
    name: &str,
    weight: impl Fn([usize; 4]) -> [usize; 4],
    ours: impl Operation,
    burn: impl Operation,
) {
    for size in SIZES {
        let mut group = criterion.benchmark_group(format!("{name}/{size:?}"));
        measure_one(&mut group, "ours", &ours, size, weight(size));
        measure_one(&mut group, "burn", &burn, size, weight(size));
        group.finish();
    }
}

fn measure_one(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    who: &str,
    operation: &impl Operation,
    x: [usize; 4],
    weight: [usize; 4],
) {
    let (input, filter) = (random::<Flex>(x), random::<Flex>(weight));
    group.bench_function(format!("{who} forward"), |bencher| {
        bencher.iter(|| black_box(operation.run(input.clone(), filter.clone())));
    });
    let (input, filter) = (
        random::<Autodiff<Flex>>(x),
        random::<Autodiff<Flex>>(weight),
    );
    group.bench_function(format!("{who} forward and backward"), |bencher| {
        bencher.iter(|| {
            let input = input.clone().require_grad();
            let filter = filter.clone().require_grad();
            black_box(operation.run(input, filter).backward())
        });
    });
}

fn kernels(criterion: &mut Criterion) {
    for (kernel, stride, dilation) in [(3, 1, 1), (3, 2, 1), (5, 1, 1), (5, 1, 2)] {
        let options = WindowOptions::same(kernel, stride, dilation);
        measure(
            criterion,
            &format!("depthwise {kernel}x{kernel} stride {stride} dilation {dilation}"),
            |x| [x[1], 1, kernel, kernel],
            Depthwise(options),
            BurnDepthwise(options),
        );
    }
    let options = WindowOptions::same(3, 1, 1);
    measure(
        criterion,
        "relu and depthwise 3x3",
        |x| [x[1], 1, 3, 3],
        ReluDepthwise(options),
        BurnReluDepthwise(options),
    );
    let pointwise = |x: [usize; 4]| [x[1], x[1], 1, 1];
    measure(criterion, "pointwise", pointwise, Pointwise, BurnPointwise);
    measure(criterion, "batch norm", pointwise, BatchNorm, BurnBatchNorm);
    for stride in [1, 2] {
        let name = format!("avg pool stride {stride}");
        measure(
            criterion,
            &name,
            pointwise,
            AvgPool(stride),
            BurnAvgPool(stride),
        );
        let name = format!("max pool stride {stride}");
        measure(
            criterion,
            &name,
            pointwise,
            MaxPool(stride),
            BurnMaxPool(stride),
        );
    }
    measure(
        criterion,
        "scale and shift",
        |x| [1, x[1], 1, 1],
        ScaleChannels,
        BurnScaleChannels,
    );
    let same = |x| x;
    let one = |_| [1; 4];
    measure(criterion, "relu", one, Rectify, BurnRectify);
    measure(criterion, "sum", same, AddTerm, BurnAddTerm);
    measure(criterion, "weighted sum", one, AddWeighted, BurnAddWeighted);
    measure(criterion, "concatenation", same, Concat, BurnConcat);
    measure(
        criterion,
        "every second pixel",
        one,
        EverySecond,
        BurnEverySecond,
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(10);
    targets = kernels
}
criterion_main!(benches);
