//! The convolution block as one operation against the operations that it is composed of.

use crate::kernels_common::{
    Tracked, assert_close, assert_same as assert_same_tensors, grid, tensor, values,
};
use burn::tensor::{Tensor, TensorPrimitive, module::conv2d, ops::ConvOptions};
use burn_flex::{Flex, FlexTensor};
use supernet::kernels::{
    BatchNormOutput, BlockNeeds, BlockParts, InputActivation, KernelBackend, WindowOptions,
    batch_norm, conv_block, dense_conv2d, depthwise_conv2d, pointwise_conv2d, rectify,
    scale_channels,
};

const EPS: f64 = 1e-3;

#[derive(Clone, Copy, Debug)]
struct Case {
    x: [usize; 4],
    outputs: usize,
    affine: bool,
    activation: InputActivation,
    window: Option<(usize, WindowOptions)>,
}

type Affine = Option<[Tensor<Tracked, 1>; 2]>;
type Filters = Option<(Tensor<Tracked, 4>, WindowOptions)>;

fn composed(
    mut x: Tensor<Tracked, 4>,
    affine: Affine,
    activation: InputActivation,
    depthwise: Filters,
    pointwise: Tensor<Tracked, 4>,
    eps: f64,
) -> BatchNormOutput<Tracked> {
    if let Some([scale, shift]) = affine {
        x = scale_channels(x, scale, shift);
    }
    if activation == InputActivation::Relu {
        x = rectify(x);
    }
    if let Some((weight, window)) = depthwise {
        x = depthwise_conv2d(x, weight, window);
    }
    batch_norm(pointwise_conv2d(x, pointwise), eps)
}

type Block = fn(
    Tensor<Tracked, 4>,
    Affine,
    InputActivation,
    Filters,
    Tensor<Tracked, 4>,
    f64,
) -> BatchNormOutput<Tracked>;

/// Output, statistics, and the gradients of whatever is asked for.
fn run(case: Case, asked: [bool; 4], block: Block) -> Vec<(String, Vec<f32>)> {
    let channels = case.x[1];
    let leaf = |asked: bool, shape, seed| {
        let leaf = tensor(grid(shape, seed), shape);
        if asked { leaf.require_grad() } else { leaf }
    };
    let x = leaf(asked[0], case.x, 1);
    let affine_leaves = case.affine.then(|| {
        [4, 5].map(|seed| {
            let values = tensor(grid([1, channels, 1, 1], seed), [1, channels, 1, 1]);
            let values = values.reshape([channels]);
            if asked[1] {
                values.require_grad()
            } else {
                values
            }
        })
    });
    let weight = case
        .window
        .map(|(kernel, window)| (leaf(asked[2], [channels, 1, kernel, kernel], 2), window));
    let pointwise = leaf(asked[3], [case.outputs, channels, 1, 1], 3);
    let out = block(
        x.clone(),
        affine_leaves.clone(),
        case.activation,
        weight.clone(),
        pointwise.clone(),
        EPS,
    );
    let mut results = vec![
        ("output".to_string(), values(out.output.clone().inner())),
        ("mean".to_string(), values(out.mean.inner())),
        ("variance".to_string(), values(out.variance.inner())),
    ];
    if !asked.contains(&true) {
        return results;
    }
    let shape = out.output.dims();
    let gradients = (out.output * tensor(grid(shape, 77), shape))
        .sum()
        .backward();
    let four = [
        ("dx", Some(x)),
        ("depthwise", weight.map(|(weight, _)| weight)),
        ("pointwise", Some(pointwise)),
    ];
    for (name, leaf) in four {
        if let Some(gradient) = leaf.and_then(|leaf| leaf.grad(&gradients)) {
            results.push((name.to_string(), values(gradient)));
        }
    }
    for leaf in affine_leaves.into_iter().flatten() {
        if let Some(gradient) = leaf.grad(&gradients) {
            results.push(("affine".to_string(), values(gradient)));
        }
    }
    results
}

#[track_caller]
fn assert_same(case: Case, asked: [bool; 4]) {
    let expected = run(case, asked, composed);
    let actual = run(case, asked, conv_block);
    assert_eq!(actual.len(), expected.len(), "{case:?} {asked:?}");
    for ((name, actual), (_, expected)) in actual.iter().zip(&expected) {
        let what = format!("{case:?} {asked:?}: {name}");
        assert_close(actual, expected, 2e-5, &what);
    }
}

const ALL: [bool; 4] = [true; 4];

#[test]
fn a_block_equals_its_composition_for_every_window() {
    for kernel in [3, 5, 7] {
        for stride in [1, 2] {
            for dilation in [1, 2, 3] {
                for [height, width] in [[13, 9], [8, 8], [1, 3], [5, 37]] {
                    let window = WindowOptions::same(kernel, stride, dilation);
                    let case = Case {
                        x: [2, 3, height, width],
                        outputs: 5,
                        affine: true,
                        activation: InputActivation::Relu,
                        window: Some((kernel, window)),
                    };
                    assert_same(case, ALL);
                }
            }
        }
    }
}

#[test]
fn a_block_equals_its_composition_for_every_size() {
    for channels in [1, 3, 16, 65] {
        for outputs in [1, 4, 16, 65] {
            for (batch, side) in [(1, 7), (2, 7), (33, 4), (2, 24)] {
                for window in [None, Some((3, WindowOptions::same(3, 1, 1)))] {
                    let case = Case {
                        x: [batch, channels, side, side],
                        outputs,
                        affine: false,
                        activation: InputActivation::Relu,
                        window,
                    };
                    assert_same(case, ALL);
                }
            }
        }
    }
}

#[test]
fn a_block_equals_its_composition_with_and_without_its_parts() {
    for affine in [false, true] {
        for activation in [InputActivation::Identity, InputActivation::Relu] {
            for window in [None, Some((5, WindowOptions::same(5, 2, 1)))] {
                let case = Case {
                    x: [3, 6, 9, 10],
                    outputs: 7,
                    affine,
                    activation,
                    window,
                };
                for bits in 0..16 {
                    assert_same(case, [1, 2, 4, 8].map(|bit| bits & bit != 0));
                }
            }
        }
    }
}

/// Blocks add their gradients to those that what they read has by then.
#[test]
fn the_gradient_of_what_several_blocks_read_is_the_sum_of_theirs() {
    let shape = [3, 4, 9, 10];
    let gradients = |block: Block| {
        let x = tensor(grid(shape, 1), shape).require_grad();
        let mut sum = (x.clone() * tensor(grid(shape, 2), shape)).sum();
        let windows = [None, Some((3, 1)), Some((5, 1)), Some((3, 2))];
        for (seed, window) in (3..).zip(windows) {
            let filters = window.map(|(kernel, stride)| {
                let filters = tensor(grid([4, 1, kernel, kernel], seed), [4, 1, kernel, kernel]);
                (filters, WindowOptions::same(kernel, stride, 1))
            });
            let pointwise = tensor(grid([5, 4, 1, 1], 10 + seed), [5, 4, 1, 1]);
            let relu = InputActivation::Relu;
            let output = block(x.clone(), None, relu, filters, pointwise, EPS).output;
            let shape = output.dims();
            sum = sum + (output * tensor(grid(shape, 20 + seed), shape)).sum();
        }
        values(x.grad(&sum.backward()).unwrap())
    };
    assert_close(
        &gradients(conv_block),
        &gradients(composed),
        2e-5,
        "gradient of what is read",
    );
}

/// What is there already is added to in its place only where nobody else holds it.
#[test]
fn gradients_that_others_hold_are_left_as_they_are() {
    let shape = [3, 4, 6, 5];
    let primitive = |shape: [usize; 4], seed| {
        let inner = tensor(grid(shape, seed), shape).inner();
        inner.into_primitive().tensor()
    };
    let parts = BlockParts {
        x: primitive(shape, 1),
        affine: None,
        activation: InputActivation::Relu,
        depthwise: Some((primitive([4, 1, 3, 3], 2), WindowOptions::same(3, 1, 1))),
        pointwise: primitive([5, 4, 1, 1], 3),
    };
    let needs = BlockNeeds {
        x: true,
        affine: false,
        depthwise: true,
        pointwise: true,
    };
    let (output, _, variance) = Flex::conv_block(parts.clone(), EPS);
    let gradient = |onto: Option<FlexTensor>| {
        let (output, variance) = (output.clone(), variance.clone());
        let dy = primitive([3, 5, 6, 5], 4);
        let parts = parts.clone();
        let gradients = Flex::conv_block_backward(parts, output, variance, dy, EPS, needs, onto);
        let x = gradients.x.expect("it is needed");
        let place = x.storage::<f32>().as_ptr();
        let x = Tensor::<Flex, 4>::from_primitive(TensorPrimitive::Float(x));
        (values(x), place)
    };
    let there = primitive(shape, 5);
    let before = there.storage::<f32>().to_vec();
    let (alone, _) = gradient(None);
    let sums: Vec<f32> = before.iter().zip(&alone).map(|(a, b)| a + b).collect();

    let (shared, _) = gradient(Some(there.clone()));
    assert_eq!(shared, sums);
    assert_eq!(there.storage::<f32>(), before);
    let place = there.storage::<f32>().as_ptr();
    assert_eq!(gradient(Some(there)), (sums, place));
}

#[test]
fn a_block_reads_views_and_leaves_what_it_reads_alone() {
    let x = tensor(grid([4, 6, 3, 5], 4), [4, 6, 3, 5]).permute([3, 1, 0, 2]);
    let before = values(x.clone().inner());
    let weight = tensor(grid([2, 6, 1, 1], 5), [2, 6, 1, 1]);
    let window = WindowOptions::same(3, 1, 1);
    let filters = tensor(grid([6, 1, 3, 3], 6), [6, 1, 3, 3]);
    let of = |block: Block, x: Tensor<Tracked, 4>| {
        let filters = Some((filters.clone(), window));
        let relu = InputActivation::Relu;
        let out = block(x, None, relu, filters, weight.clone(), EPS);
        values(out.output.inner())
    };
    let actual = of(conv_block, x.clone());
    assert_eq!(values(x.clone().inner()), before);
    assert_close(&actual, &of(composed, x), 1e-5, "view");
}

/// A gradient by central differences, of the sum of squares of what the block leaves of each of its parts.
#[test]
fn the_gradients_of_a_block_are_its_finite_differences() {
    let shapes = [
        [2, 2, 5, 4],
        [1, 2, 1, 1],
        [1, 2, 1, 1],
        [2, 1, 3, 3],
        [3, 2, 1, 1],
    ];
    let parts: Vec<Vec<f32>> = (1..)
        .zip(shapes)
        .map(|(seed, shape)| grid(shape, seed))
        .collect();
    let dy = grid([2, 3, 3, 2], 9);
    let block = |parts: &[Tensor<Tracked, 4>]| {
        let [x, scale, shift, filters, pointwise] = parts.to_vec().try_into().unwrap();
        let affine = Some([scale, shift].map(|part: Tensor<Tracked, 4>| part.reshape([2])));
        let window = Some((filters, WindowOptions::same(3, 2, 1)));
        // A ReLU has no derivative where it turns.
        let out = conv_block(x, affine, InputActivation::Identity, window, pointwise, 0.5);
        (out.output * tensor(dy.clone(), [2, 3, 3, 2])).sum()
    };
    let leaves = |parts: &[Vec<f32>]| -> Vec<Tensor<Tracked, 4>> {
        let pairs = parts.iter().zip(shapes);
        pairs
            .map(|(part, shape)| tensor(part.clone(), shape).require_grad())
            .collect()
    };
    let of = leaves(&parts);
    let gradients = block(&of).backward();
    let step = 1.0 / 512.0;
    for (part, leaf) in of.iter().enumerate() {
        let gradient = values(leaf.grad(&gradients).unwrap());
        for index in (0..gradient.len()).step_by(3) {
            let moved = [-step, step].map(|by| {
                let mut parts = parts.clone();
                parts[part][index] += by;
                values(block(&leaves(&parts)).inner())[0]
            });
            let difference = (moved[1] - moved[0]) / (2.0 * step);
            let near = (difference - gradient[index]).abs() < 0.01 * (1.0 + difference.abs());
            assert!(
                near,
                "part {part}, {index}: {difference} {}",
                gradient[index]
            );
        }
    }
}

#[test]
fn a_dense_convolution_equals_burns() {
    let same = |kernel, stride, dilation| WindowOptions::same(kernel, stride, dilation);
    let uneven = WindowOptions {
        stride: [2, 1],
        padding: [1, 4],
        dilation: [1, 2],
    };
    let valid = WindowOptions {
        padding: [0; 2],
        ..same(3, 1, 1)
    };
    for (x, outputs, kernel, window) in [
        ([2, 3, 13, 9], 5, [3, 3], same(3, 1, 1)),
        ([2, 3, 13, 9], 5, [3, 3], same(3, 2, 1)),
        ([2, 1, 8, 8], 1, [5, 5], same(5, 2, 2)),
        ([1, 16, 7, 6], 65, [3, 3], same(3, 1, 2)),
        ([2, 65, 4, 4], 3, [1, 1], same(1, 1, 1)),
        ([33, 4, 5, 5], 6, [3, 3], valid),
        ([2, 4, 3, 3], 6, [3, 3], valid),
        // Most taps meet only padding, some in one direction alone.
        ([2, 3, 5, 9], 4, [3, 3], same(3, 1, 6)),
        ([2, 3, 11, 16], 4, [3, 5], uneven),
        (
            [2, 3, 9, 7],
            4,
            [1, 7],
            WindowOptions {
                padding: [0, 3],
                ..same(7, 1, 1)
            },
        ),
        ([3, 12, 31, 33], 8, [3, 3], same(3, 1, 1)),
    ] {
        let weight = [outputs, x[1], kernel[0], kernel[1]];
        let inputs = [(grid(x, 1), x), (grid(weight, 2), weight)];
        let options = ConvOptions::new(window.stride, window.padding, window.dilation, 1);
        assert_same_tensors(
            &inputs,
            |[x, weight]| dense_conv2d(x, weight, window),
            |[x, weight]| conv2d(x, weight, None, options.clone()),
            &format!("{x:?} {weight:?} {window:?}"),
        );
    }
}
