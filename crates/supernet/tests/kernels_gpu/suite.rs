//! The kernels on one GPU runtime, bare and under a fusing backend.

use crate::kernels_common::{Tracked, assert_close, grid};
use crate::operation::{EPS, Inputs, Layout, Operation, run, tensor, values};
use burn::backend::Autodiff;
use burn::tensor::{
    DType, Tensor,
    backend::{AutodiffBackend, Backend},
};
use burn_cubecl::CubeBackend;
use supernet::kernels::{Corners, KernelBackend, PoolWindow, WindowOptions, batch_norm};

use super::{Bool, GpuDevice, GpuFusing, GpuRuntime};

pub(super) type Bare = Autodiff<CubeBackend<GpuRuntime, f32, i32, Bool>>;
pub(super) type Fusing = Autodiff<GpuFusing>;

pub(super) fn device() -> Option<GpuDevice> {
    if std::env::var_os("SUPERNET_SKIP_GPU").is_some_and(|value| value == "1") {
        eprintln!("SKIPPED: SUPERNET_SKIP_GPU=1");
        return None;
    }
    Some(GpuDevice::default())
}

/// Fails unless the operation equals Burn's on both backends, in values and in all gradients.
#[track_caller]
pub(super) fn check(device: &GpuDevice, operation: Operation, inputs: &Inputs, layout: Layout) {
    let expected = run::<Tracked>(&Default::default(), inputs, layout, |inputs| {
        operation.expected(inputs)
    });
    let bare = run::<Bare>(device, inputs, layout, |inputs| operation.kernel(inputs));
    let fusing = run::<Fusing>(device, inputs, layout, |inputs| operation.kernel(inputs));
    let shapes: Vec<_> = inputs.iter().map(|(_, shape)| shape).collect();
    for (backend, actual) in [("bare", bare), ("fusing", fusing)] {
        for (index, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let part = ["output", "dx", "dw", "gradient of the third"][index];
            let what = format!("{operation:?} of {shapes:?}, {layout:?}, {backend}, {part}");
            assert_close(actual, expected, 1e-5, &what);
        }
    }
}

fn windowed(x: [usize; 4], kernel: [usize; 2]) -> Inputs {
    let weight = [x[1], 1, kernel[0], kernel[1]];
    vec![(grid(x, 1), x), (grid(weight, 2), weight)]
}

fn single(x: [usize; 4]) -> Inputs {
    vec![(grid(x, 3), x)]
}

fn check_depthwise(device: &GpuDevice, x: [usize; 4], kernel: [usize; 2], options: WindowOptions) {
    let inputs = windowed(x, kernel);
    for operation in [
        Operation::Depthwise(options),
        Operation::ReluDepthwise(options),
    ] {
        check(device, operation, &inputs, Layout::Rows);
    }
}

#[test]
fn depthwise_equals_burn_for_every_kernel_stride_and_dilation() {
    let Some(device) = device() else { return };
    for kernel in [3, 5, 7] {
        for stride in [1, 2] {
            for dilation in [1, 2] {
                let options = WindowOptions::same(kernel, stride, dilation);
                check_depthwise(&device, [2, 3, 13, 9], [kernel; 2], options);
            }
        }
    }
}

#[test]
fn depthwise_equals_burn_for_every_channel_count() {
    let Some(device) = device() else { return };
    for channels in [1, 3, 16, 65] {
        for stride in [1, 2] {
            let options = WindowOptions::same(5, stride, 1);
            check_depthwise(&device, [3, channels, 7, 10], [5; 2], options);
        }
    }
}

#[test]
fn depthwise_equals_burn_when_the_axes_differ() {
    let Some(device) = device() else { return };
    let options = WindowOptions {
        stride: [2, 1],
        padding: [1, 4],
        dilation: [1, 2],
    };
    check_depthwise(&device, [2, 5, 11, 16], [3, 5], options);
    let options = WindowOptions {
        stride: [1, 3],
        padding: [0, 1],
        dilation: [3, 1],
    };
    check_depthwise(&device, [2, 2, 9, 20], [2, 4], options);
}

#[test]
fn depthwise_equals_burn_for_wide_dilations() {
    let Some(device) = device() else { return };
    for (kernel, stride, dilation) in [(3, 1, 8), (5, 1, 4), (5, 2, 8), (7, 2, 4)] {
        let options = WindowOptions::same(kernel, stride, dilation);
        check_depthwise(&device, [2, 3, 13, 9], [kernel; 2], options);
    }
}

#[test]
fn depthwise_equals_burn_on_planes_smaller_than_the_window() {
    let Some(device) = device() else { return };
    for [height, width] in [[1, 1], [2, 1], [1, 4], [3, 2]] {
        let options = WindowOptions::same(5, 2, 2);
        check_depthwise(&device, [2, 3, height, width], [5; 2], options);
    }
}

/// Each sum has 5 * 37 * 31 values, which four cubes share, the last one with fewer.
const SLICED: [usize; 4] = [5, 3, 37, 31];

#[test]
fn sums_over_several_cubes_equal_burn() {
    let Some(device) = device() else { return };
    let options = WindowOptions::same(3, 1, 1);
    check_depthwise(&device, SLICED, [3; 2], options);
    check(&device, Operation::BatchNorm, &single(SLICED), Layout::Rows);
}

/// More sums than one dimension of a grid has cubes, so that the grid has surplus ones. Burn's own
/// convolution of so many groups takes minutes, so the yardstick is Flex, which is tested against it.
#[test]
fn surplus_cubes_do_nothing() {
    let Some(device) = device() else { return };
    let operation = Operation::Depthwise(WindowOptions::same(3, 1, 1));
    let inputs = windowed([1, 7300, 2, 3], [3; 2]);
    let kernel = |inputs: &[Tensor<Tracked, 4>]| operation.kernel(inputs);
    let expected = run::<Tracked>(&Default::default(), &inputs, Layout::Rows, kernel);
    let kernel = |inputs: &[Tensor<Bare, 4>]| operation.kernel(inputs);
    let actual = run::<Bare>(&device, &inputs, Layout::Rows, kernel);
    for (actual, expected) in actual.iter().zip(&expected) {
        assert_close(actual, expected, 1e-5, "7300 channels");
    }
}

#[test]
fn sums_and_rearrangements_equal_burn() {
    let Some(device) = device() else { return };
    for x in [[2, 1, 5, 7], [3, 3, 4, 5], [2, 16, 6, 3], [1, 65, 3, 4]] {
        let channels = x[1];
        let with = |second: [usize; 4]| vec![(grid(x, 5), x), (grid(second, 6), second)];
        let cases = [
            (Operation::Rectify, single(x)),
            (Operation::AddTerm, with(x)),
            (Operation::AddScaled, with([1, channels, 1, 1])),
            (Operation::PlaneMeans, single(x)),
            (Operation::AddWeighted, with([1, 1, 1, 2])),
            (Operation::ScaleChannels, with([1, channels, 1, 1])),
            (Operation::Concat, with([x[0], channels + 2, x[2], x[3]])),
            (Operation::EverySecond(0), single(x)),
            (Operation::EverySecond(1), single(x)),
        ];
        for (operation, inputs) in cases {
            check(&device, operation, &inputs, Layout::Rows);
        }
    }
}

#[test]
fn blocks_and_dense_convolutions_equal_burn() {
    let Some(device) = device() else { return };
    for (x, outputs) in [([2, 1, 7, 9], 3), ([1, 16, 6, 5], 16), ([2, 3, 13, 8], 65)] {
        for kernel in [3, 5] {
            for stride in [1, 2] {
                for dilation in [1, 2] {
                    let options = WindowOptions::same(kernel, stride, dilation);
                    let mut inputs = windowed(x, [kernel; 2]);
                    let pointwise = [outputs, x[1], 1, 1];
                    inputs.push((grid(pointwise, 7), pointwise));
                    check(&device, Operation::Block(options), &inputs, Layout::Rows);
                }
            }
        }
        let weight = [outputs, x[1], 3, 3];
        let inputs = vec![(grid(x, 1), x), (grid(weight, 2), weight)];
        for (stride, dilation) in [(1, 1), (2, 1), (1, 2)] {
            let options = WindowOptions::same(3, stride, dilation);
            check(&device, Operation::Dense(options), &inputs, Layout::Rows);
        }
    }
}

#[test]
fn batch_norm_equals_its_composition() {
    let Some(device) = device() else { return };
    for size in [
        [2, 1, 1, 1],
        [2, 3, 1, 2],
        [2, 16, 5, 9],
        [3, 65, 7, 3],
        [3, 5, 16, 33],
    ] {
        check(&device, Operation::BatchNorm, &single(size), Layout::Rows);
    }
}

#[test]
fn batch_norm_returns_the_statistics_of_each_channel() {
    let Some(device) = device() else { return };
    fn statistics<B: KernelBackend>(
        device: &B::Device,
        x: &[f32],
        size: [usize; 4],
    ) -> [Vec<f32>; 2] {
        let output = batch_norm(tensor::<B>(x.to_vec(), size, device), EPS);
        [values(output.mean), values(output.variance)]
    }
    // Far from zero, where a difference of squares would lose the variance.
    for size in [[3, 4, 5, 2], SLICED] {
        let x: Vec<f32> = grid(size, 5).iter().map(|value| value + 1024.0).collect();
        let (channels, area) = (size[1], size[2] * size[3]);
        let mut expected = [Vec::new(), Vec::new()];
        for channel in 0..channels {
            let of_channel: Vec<f64> = x
                .iter()
                .enumerate()
                .filter(|(at, _)| at / area % channels == channel)
                .map(|(_, value)| f64::from(*value))
                .collect();
            let count = of_channel.len() as f64;
            let mean = of_channel.iter().sum::<f64>() / count;
            let squares = of_channel.iter().map(|value| (value - mean).powi(2));
            expected[0].push(mean as f32);
            expected[1].push((squares.sum::<f64>() / count) as f32);
        }
        for actual in [
            statistics::<Bare>(&device, &x, size),
            statistics::<Fusing>(&device, &x, size),
        ] {
            assert_close(&actual[0], &expected[0], 1e-6, "mean");
            assert_close(&actual[1], &expected[1], 1e-5, "variance");
        }
    }
}

#[test]
fn pools_equal_burn() {
    let Some(device) = device() else { return };
    for size in [
        [2, 1, 1, 1],
        [2, 3, 1, 2],
        [3, 2, 2, 2],
        [2, 16, 5, 9],
        [3, 65, 7, 4],
    ] {
        for stride in [1, 2] {
            check_pools(&device, size, window3x3(stride));
        }
    }
}

fn window3x3(stride: usize) -> PoolWindow {
    PoolWindow {
        kernel: 3,
        stride,
        dilation: 1,
    }
}

fn check_pools(device: &GpuDevice, size: [usize; 4], window: PoolWindow) {
    // Values on a coarse grid, so that many windows hold equal ones.
    let inputs = single(size);
    check(device, Operation::AvgPool(window), &inputs, Layout::Rows);
    check(device, Operation::MaxPool(window), &inputs, Layout::Rows);
}

#[test]
fn dilated_pools_equal_those_on_flex() {
    let Some(device) = device() else { return };
    for (kernel, stride, dilation) in [
        (3, 1, 2),
        (3, 2, 4),
        (3, 1, 8),
        (5, 1, 1),
        (5, 2, 2),
        (5, 1, 8),
        (7, 1, 4),
        (7, 2, 8),
    ] {
        let window = PoolWindow {
            kernel,
            stride,
            dilation,
        };
        for size in [[2, 1, 1, 3], [2, 3, 4, 4], [1, 2, 17, 11]] {
            check_pools(&device, size, window);
        }
    }
}

#[test]
fn recorded_resamplings_and_their_gradients_are_met() {
    let Some(device) = device() else { return };
    crate::bilinear_cases::check::<Bare>(&device);
    crate::bilinear_cases::check::<Fusing>(&device);
}

#[test]
fn bilinear_equals_that_on_flex() {
    let Some(device) = device() else { return };
    for corners in [Corners::HalfPixel, Corners::Aligned] {
        for x in [[2, 3, 1, 1], [1, 2, 7, 2], [2, 5, 8, 9], [1, 2, 33, 20]] {
            for size in [[1, 1], [5, 26], [7, 2], [64, 61]] {
                let operation = Operation::Bilinear(size, corners);
                check(&device, operation, &single(x), Layout::Rows);
            }
        }
        let operation = Operation::Bilinear([9, 12], corners);
        check(&device, operation, &single([8, 4, 6, 3]), Layout::Views);
    }
}

#[test]
fn the_first_of_equal_inputs_receives_the_gradient() {
    let Some(device) = device() else { return };
    let inputs = vec![(vec![-2.0; 9], [1, 1, 3, 3])];
    let dy = grid([1, 1, 3, 3], 77);
    let dx = [
        dy[0] + dy[1] + dy[3] + dy[4],
        dy[2] + dy[5],
        0.0,
        dy[6] + dy[7],
        dy[8],
        0.0,
        0.0,
        0.0,
        0.0,
    ];
    let actual = run::<Bare>(&device, &inputs, Layout::Rows, |inputs| {
        Operation::MaxPool(window3x3(1)).kernel(inputs)
    });
    assert_eq!(actual[0], [-2.0; 9]);
    assert_close(&actual[1], &dx, 1e-6, "ties");
}

#[test]
fn pointwise_equals_burn() {
    let Some(device) = device() else { return };
    for (batch, inputs, outputs, [height, width]) in [
        (2, 7, 5, [3, 11]),
        (1, 1, 3, [1, 1]),
        (2, 65, 16, [5, 7]),
        (1, 16, 65, [40, 41]),
        // Several slices of each sum.
        (3, 3, 9, [64, 65]),
        // Too large for the kernels.
        (1, 130, 130, [2, 3]),
    ] {
        let (x, weight) = ([batch, inputs, height, width], [outputs, inputs, 1, 1]);
        let inputs = vec![(grid(x, 1), x), (grid(weight, 2), weight)];
        check(&device, Operation::Pointwise, &inputs, Layout::Rows);
    }
}

#[test]
fn views_are_read_in_their_logical_order() {
    let Some(device) = device() else { return };
    // The leaves are [width, channels, height, batch] and [kernel_w, 1, kernel_h, channels].
    let (x, weight) = ([8, 4, 6, 3], [3, 1, 5, 4]);
    let leaves = vec![(grid(x, 1), x), (grid(weight, 2), weight)];
    let options = WindowOptions {
        stride: [2, 1],
        padding: [2, 1],
        dilation: [1, 1],
    };
    check(
        &device,
        Operation::ReluDepthwise(options),
        &leaves,
        Layout::Views,
    );
    for operation in [
        Operation::BatchNorm,
        Operation::AvgPool(window3x3(2)),
        Operation::MaxPool(window3x3(1)),
    ] {
        check(&device, operation, &single(x), Layout::Views);
    }
}

#[test]
fn each_gradient_is_the_same_when_only_it_is_needed() {
    let Some(device) = device() else { return };
    fn alone<B: AutodiffBackend + KernelBackend>(device: &B::Device) {
        let operation = Operation::ReluDepthwise(WindowOptions::same(3, 2, 1));
        let inputs = windowed([2, 3, 6, 5], [3; 2]);
        let both = run::<B>(device, &inputs, Layout::Rows, |inputs| {
            operation.kernel(inputs)
        });
        for tracked in 0..2 {
            let leaf = vec![inputs[tracked].clone()];
            let (other, shape) = inputs[1 - tracked].clone();
            let only = run::<B>(device, &leaf, Layout::Rows, |leaf| {
                let other = tensor(other.clone(), shape, device);
                let leaf = leaf[0].clone();
                operation.kernel(&match tracked {
                    0 => [leaf, other],
                    _ => [other, leaf],
                })
            });
            assert_eq!(only[1], both[1 + tracked]);
        }
    }
    alone::<Bare>(&device);
    alone::<Fusing>(&device);
}

#[test]
fn results_are_the_same_in_every_run() {
    let Some(device) = device() else { return };
    let options = WindowOptions::same(3, 1, 1);
    for (operation, inputs) in [
        (Operation::Depthwise(options), windowed(SLICED, [3; 2])),
        (Operation::BatchNorm, single(SLICED)),
    ] {
        let run = || {
            run::<Bare>(&device, &inputs, Layout::Rows, |inputs| {
                operation.kernel(inputs)
            })
        };
        let first = run();
        for _ in 0..3 {
            assert_eq!(run(), first);
        }
    }
}

/// Half precision is read and written, not computed with: results are those of f32 for the same
/// inputs, rounded.
#[test]
fn half_precision_is_accumulated_in_single() {
    let Some(device) = device() else { return };
    if !Bare::supports_dtype(&device, DType::F16) {
        eprintln!("SKIPPED: this device has no f16");
        return;
    }
    let options = WindowOptions::same(7, 1, 1);
    for (operation, inputs) in [
        (Operation::Depthwise(options), windowed(SLICED, [7; 2])),
        (
            Operation::ReluDepthwise(options),
            windowed([2, 3, 5, 9], [7; 2]),
        ),
        (Operation::BatchNorm, single(SLICED)),
        (Operation::AvgPool(window3x3(2)), single([2, 3, 5, 9])),
        (Operation::MaxPool(window3x3(2)), single([2, 3, 5, 9])),
        (
            Operation::Bilinear([9, 20], Corners::HalfPixel),
            single([2, 3, 5, 9]),
        ),
    ] {
        let single = run::<Bare>(&device, &inputs, Layout::Rows, |inputs| {
            operation.kernel(inputs)
        });
        let half = run::<Bare>(&device, &inputs, Layout::Rows, |inputs| {
            let inputs: Vec<_> = inputs.iter().map(|x| x.clone().cast(DType::F16)).collect();
            let output = operation.kernel(&inputs);
            assert_eq!(output.dtype(), DType::F16);
            output.cast(DType::F32)
        });
        for (half, single) in half.iter().zip(&single) {
            // Half a unit in the last place of f16, and once more for `dy` or `y`.
            assert_close(half, single, 1e-3, &format!("{operation:?}"));
        }
    }
}
