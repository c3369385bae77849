//! Convolutions against Burn's own and against loops over slices.

use crate::kernels_common::{Tracked, assert_close, assert_same, grid, run, tensor, values};
use burn::backend::{Autodiff, autodiff::checkpoint::strategy::BalancedCheckpointing};
use burn::tensor::{Tensor, activation::relu, module::conv2d, ops::ConvOptions};
use burn_flex::Flex;
use supernet::kernels::{WindowOptions, depthwise_conv2d, pointwise_conv2d, relu_depthwise_conv2d};

fn burn_depthwise(
    x: Tensor<Tracked, 4>,
    weight: Tensor<Tracked, 4>,
    options: WindowOptions,
) -> Tensor<Tracked, 4> {
    let [channels, ..] = weight.dims();
    let options = ConvOptions::new(options.stride, options.padding, options.dilation, channels);
    conv2d(x, weight, None, options)
}

fn depthwise_inputs(x: [usize; 4], kernel: [usize; 2]) -> [(Vec<f32>, [usize; 4]); 2] {
    let weight = [x[1], 1, kernel[0], kernel[1]];
    [(grid(x, 1), x), (grid(weight, 2), weight)]
}

fn check_depthwise(x: [usize; 4], kernel: [usize; 2], options: WindowOptions) {
    let inputs = depthwise_inputs(x, kernel);
    let what = format!("{x:?} under {kernel:?} with {options:?}");
    assert_same(
        &inputs,
        |[x, weight]| depthwise_conv2d(x, weight, options),
        |[x, weight]| burn_depthwise(x, weight, options),
        &what,
    );
    assert_same(
        &inputs,
        |[x, weight]| relu_depthwise_conv2d(x, weight, options),
        |[x, weight]| burn_depthwise(relu(x), weight, options),
        &format!("relu, {what}"),
    );
}

#[test]
fn depthwise_equals_burn_for_every_kernel_stride_and_dilation() {
    for kernel in [3, 5, 7] {
        for stride in [1, 2] {
            for dilation in [1, 2, 4, 8] {
                let options = WindowOptions::same(kernel, stride, dilation);
                check_depthwise([2, 3, 13, 9], [kernel; 2], options);
                check_depthwise([3, 2, 8, 32], [kernel; 2], options);
                check_depthwise([1, 2, 19, 37], [kernel; 2], options);
            }
        }
    }
}

#[test]
fn depthwise_equals_burn_for_every_channel_count() {
    for channels in [1, 3, 16, 65] {
        for stride in [1, 2] {
            let options = WindowOptions::same(5, stride, 1);
            check_depthwise([3, channels, 7, 10], [5; 2], options);
        }
    }
}

#[test]
fn depthwise_equals_burn_on_planes_smaller_than_the_window() {
    for [height, width] in [[1, 1], [1, 2], [2, 1], [2, 2], [4, 4], [3, 5]] {
        for (kernel, stride, dilation) in [
            (3, 1, 1),
            (3, 1, 2),
            (3, 2, 8),
            (5, 1, 4),
            (5, 2, 1),
            (5, 2, 2),
            (7, 1, 1),
            (7, 2, 8),
        ] {
            let options = WindowOptions::same(kernel, stride, dilation);
            check_depthwise([2, 3, height, width], [kernel; 2], options);
        }
    }
}

#[test]
fn depthwise_equals_burn_when_the_axes_differ() {
    let options = WindowOptions {
        stride: [2, 1],
        padding: [1, 4],
        dilation: [1, 2],
    };
    check_depthwise([2, 5, 11, 16], [3, 5], options);
    let options = WindowOptions {
        stride: [1, 3],
        padding: [0, 1],
        dilation: [3, 1],
    };
    check_depthwise([2, 2, 9, 20], [2, 4], options);
    check_depthwise(
        [1, 2, 10, 8],
        [1, 1],
        WindowOptions {
            stride: [2, 3],
            ..Default::default()
        },
    );
}

#[test]
fn depthwise_equals_burn_over_several_tasks() {
    check_depthwise([9, 16, 32, 32], [3; 2], WindowOptions::same(3, 1, 1));
    check_depthwise([16, 40, 9, 8], [5; 2], WindowOptions::same(5, 2, 1));
}

/// The definition, with the sums of all three results in one loop.
fn depthwise_loops(
    [x, weight]: &[(Vec<f32>, [usize; 4]); 2],
    dy: &[f32],
    out: [usize; 4],
    options: WindowOptions,
) -> [Vec<f32>; 3] {
    let [_, channels, height, width] = x.1;
    let [.., kernel_h, kernel_w] = weight.1;
    let mut y = vec![0.0; dy.len()];
    let mut dx = vec![0.0; x.0.len()];
    let mut dw = vec![0.0; weight.0.len()];
    for (at, dy) in dy.iter().enumerate() {
        let (column, row) = (at % out[3], at / out[3] % out[2]);
        let plane = at / (out[2] * out[3]);
        for tap in 0..kernel_h * kernel_w {
            let from_row = row * options.stride[0] + tap / kernel_w * options.dilation[0];
            let from_column = column * options.stride[1] + tap % kernel_w * options.dilation[1];
            let (Some(from_row), Some(from_column)) = (
                from_row
                    .checked_sub(options.padding[0])
                    .filter(|row| *row < height),
                from_column
                    .checked_sub(options.padding[1])
                    .filter(|column| *column < width),
            ) else {
                continue;
            };
            let from = (plane * height + from_row) * width + from_column;
            let tap = plane % channels * kernel_h * kernel_w + tap;
            y[at] += weight.0[tap] * x.0[from];
            dx[from] += weight.0[tap] * dy;
            dw[tap] += x.0[from] * dy;
        }
    }
    [y, dx, dw]
}

#[test]
fn depthwise_equals_loops_over_slices() {
    for (kernel, stride, dilation) in [(3, 1, 1), (5, 2, 1), (3, 2, 2), (5, 1, 2)] {
        let options = WindowOptions::same(kernel, stride, dilation);
        let inputs = depthwise_inputs([2, 4, 9, 16], [kernel; 2]);
        let (y, out, [dx, dw]) = run(&inputs, |[x, weight]| depthwise_conv2d(x, weight, options));
        let expected = depthwise_loops(&inputs, &grid(out, 77), out, options);
        for (actual, expected) in [y, dx, dw].iter().zip(&expected) {
            assert_close(actual, expected, 1e-5, &format!("{options:?}"));
        }
    }
}

#[test]
fn depthwise_equals_loops_for_any_window() {
    let mut state = 7_u32;
    let mut draw = |count: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize % count
    };
    let mut checked = 0;
    while checked < 300 {
        let size = [1 + draw(3), 1 + draw(3), 1 + draw(11), 1 + draw(19)];
        let kernel = [1 + draw(5), 1 + draw(5)];
        let options = WindowOptions {
            stride: [1 + draw(3), 1 + draw(3)],
            padding: [draw(6), draw(6)],
            dilation: [1 + draw(3), 1 + draw(3)],
        };
        let fits = (0..2).all(|axis| {
            let extent = options.dilation[axis] * (kernel[axis] - 1) + 1;
            extent <= size[2 + axis] + 2 * options.padding[axis]
        });
        if !fits {
            continue;
        }
        checked += 1;
        let inputs = depthwise_inputs(size, kernel);
        let (y, out, [dx, dw]) = run(&inputs, |[x, weight]| depthwise_conv2d(x, weight, options));
        let expected = depthwise_loops(&inputs, &grid(out, 77), out, options);
        let what = format!("{size:?} under {kernel:?} with {options:?}");
        for (actual, expected) in [y, dx, dw].iter().zip(&expected) {
            assert_close(actual, expected, 1e-5, &what);
        }
    }
}

#[test]
fn gradients_of_untracked_inputs_are_not_needed_for_the_others() {
    let options = WindowOptions::same(3, 1, 1);
    let inputs = depthwise_inputs([2, 3, 6, 5], [3; 2]);
    let (_, _, both) = run(&inputs, |[x, weight]| depthwise_conv2d(x, weight, options));
    for tracked in 0..2 {
        let only = [inputs[tracked].clone()];
        let (values, shape) = inputs[1 - tracked].clone();
        let (_, _, [gradient]) = run(&only, |[leaf]| {
            let other = tensor(values.clone(), shape);
            let [x, weight] = if tracked == 0 {
                [leaf, other]
            } else {
                [other, leaf]
            };
            depthwise_conv2d(x, weight, options)
        });
        assert_eq!(gradient, both[tracked]);
    }
}

#[test]
fn untracked_inputs_give_an_untracked_output() {
    let [x, weight] =
        depthwise_inputs([1, 2, 4, 4], [3; 2]).map(|(values, shape)| tensor(values, shape));
    let output = depthwise_conv2d(x, weight, WindowOptions::same(3, 1, 1));
    assert!(!output.is_require_grad());
    assert_eq!(output.dims(), [1, 2, 4, 4]);
}

#[test]
fn views_are_read_in_their_logical_order() {
    let options = WindowOptions::same(3, 1, 1);
    let inputs = [
        (grid([5, 3, 6, 2], 1), [5, 3, 6, 2]),
        (grid([3, 3, 3, 1], 2), [3, 3, 3, 1]),
    ];
    let view = |[x, weight]: [Tensor<Tracked, 4>; 2]| {
        let x = x.permute([3, 1, 2, 0]).slice([0..2, 0..3, 1..6, 1..5]);
        [x, weight.permute([0, 3, 2, 1])]
    };
    assert_same(
        &inputs,
        |leaves| {
            let [x, weight] = view(leaves);
            relu_depthwise_conv2d(x, weight, options)
        },
        |leaves| {
            let [x, weight] = view(leaves);
            burn_depthwise(relu(x), weight, options)
        },
        "views",
    );
}

#[test]
fn gradients_survive_recomputed_inputs() {
    type Recomputing = Autodiff<Flex, BalancedCheckpointing>;
    let options = WindowOptions::same(3, 1, 1);
    let inputs = depthwise_inputs([2, 3, 6, 5], [3; 2]);
    let (_, shape, expected) = run(&inputs, |[x, weight]| {
        pointwise_conv2d(
            depthwise_conv2d(relu(x), weight, options),
            tensor(grid([4, 3, 1, 1], 5), [4, 3, 1, 1]),
        )
    });
    let leaf = |values: Vec<f32>, shape: [usize; 4]| {
        Tensor::<Recomputing, 4>::from_inner(tensor(values, shape).inner())
    };
    let [x, weight] = inputs.map(|(values, shape)| leaf(values, shape).require_grad());
    let output = pointwise_conv2d(
        depthwise_conv2d(relu(x.clone()), weight.clone(), options),
        leaf(grid([4, 3, 1, 1], 5), [4, 3, 1, 1]),
    );
    let gradients = (output * leaf(grid(shape, 77), shape)).sum().backward();
    for (leaf, expected) in [x, weight].iter().zip(expected) {
        assert_eq!(values(leaf.grad(&gradients).expect("tracked")), expected);
    }
}

#[test]
fn results_are_the_same_in_every_run() {
    let inputs = depthwise_inputs([16, 16, 16, 16], [5; 2]);
    let options = WindowOptions::same(5, 1, 1);
    let function = |[x, weight]: [Tensor<Tracked, 4>; 2]| depthwise_conv2d(x, weight, options);
    let first = run(&inputs, function);
    for _ in 0..5 {
        assert_eq!(run(&inputs, function), first);
    }
}

#[test]
#[should_panic(expected = "needs a weight [3, 1, _, _], got [4, 1, 3, 3]")]
fn a_filter_for_a_channel_that_does_not_exist_is_refused() {
    let x = tensor(grid([1, 3, 4, 4], 1), [1, 3, 4, 4]);
    let weight = tensor(grid([4, 1, 3, 3], 1), [4, 1, 3, 3]);
    depthwise_conv2d(x, weight, WindowOptions::same(3, 1, 1));
}

#[test]
#[should_panic(expected = "does not fit an input of [2, 4]")]
fn a_window_larger_than_the_padded_input_is_refused() {
    let x = tensor(grid([1, 1, 2, 4], 1), [1, 1, 2, 4]);
    let weight = tensor(grid([1, 1, 3, 3], 1), [1, 1, 3, 3]);
    depthwise_conv2d(x, weight, WindowOptions::default());
}

#[test]
fn pointwise_equals_burn() {
    let sizes = [
        (1, 1, 1, [1, 1]),
        (2, 3, 5, [4, 7]),
        (3, 16, 16, [8, 8]),
        (2, 65, 9, [2, 2]),
        (2, 7, 65, [3, 11]),
        (9, 16, 32, [16, 16]),
    ];
    for (batch, inputs, outputs, [height, width]) in sizes {
        let (x, weight) = ([batch, inputs, height, width], [outputs, inputs, 1, 1]);
        assert_same(
            &[(grid(x, 1), x), (grid(weight, 2), weight)],
            |[x, weight]| pointwise_conv2d(x, weight),
            |[x, weight]| conv2d(x, weight, None, ConvOptions::new([1; 2], [0; 2], [1; 2], 1)),
            &format!("{x:?} under {weight:?}"),
        );
    }
}

#[test]
fn other_types_take_the_default_body() {
    let options = WindowOptions::same(3, 2, 1);
    let [x, weight] =
        depthwise_inputs([2, 3, 5, 6], [3; 2]).map(|(values, shape)| tensor(values, shape).inner());
    let single = depthwise_conv2d(x.clone(), weight.clone(), options);
    let double: Tensor<Flex, 4> = depthwise_conv2d(
        x.cast(burn::tensor::DType::F64),
        weight.cast(burn::tensor::DType::F64),
        options,
    );
    assert_eq!(double.dtype(), burn::tensor::DType::F64);
    let double = values(double.cast(burn::tensor::DType::F32));
    assert_close(&values(single), &double, 1e-6, "f64");
}
