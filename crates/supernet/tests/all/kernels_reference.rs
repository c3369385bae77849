//! The default bodies on a backend that overrides none of them, against the overriding one.

use crate::kernels_common::{assert_close, grid, tensor, values};
use burn::tensor::{Tensor, TensorPrimitive, ops::FloatTensor};
use burn_flex::Flex;
use supernet::kernels::{Corners, InputActivation, KernelBackend, WindowOptions, reference};

fn flex(shape: [usize; 4], seed: u32) -> FloatTensor<Flex> {
    let tensor = tensor(grid(shape, seed), shape).inner();
    tensor.into_primitive().tensor()
}

#[track_caller]
fn assert_same<const D: usize>(actual: FloatTensor<Flex>, expected: FloatTensor<Flex>) {
    let [actual, expected] = [actual, expected]
        .map(|primitive| Tensor::<Flex, D>::from_primitive(TensorPrimitive::Float(primitive)));
    assert_eq!(actual.dims(), expected.dims());
    assert_close(&values(actual), &values(expected), 1e-5, "default body");
}

const X: [usize; 4] = [3, 5, 9, 6];

#[test]
fn depthwise_gradients_agree() {
    for (kernel, stride, dilation) in [
        (3, 1, 1),
        (5, 2, 1),
        (3, 2, 2),
        (5, 1, 4),
        (7, 2, 8),
        (3, 1, 8),
    ] {
        let options = WindowOptions::same(kernel, stride, dilation);
        let [height, width] = options.output_size([X[2], X[3]], [kernel; 2]);
        let (x, weight) = (flex(X, 1), flex([X[1], 1, kernel, kernel], 2));
        let dy = flex([X[0], X[1], height, width], 3);
        for activation in [InputActivation::Identity, InputActivation::Relu] {
            let [actual, expected] = [
                reference::depthwise_conv2d_backward::<Flex>,
                Flex::depthwise_conv2d_backward,
            ]
            .map(|backward| {
                let (x, weight, dy) = (x.clone(), weight.clone(), dy.clone());
                backward(x, weight, dy, options, activation, true, true)
            });
            assert_same::<4>(actual.0.expect("needed"), expected.0.expect("needed"));
            assert_same::<4>(actual.1.expect("needed"), expected.1.expect("needed"));
        }
    }
}

#[test]
fn gradients_that_are_not_needed_are_not_returned() {
    let options = WindowOptions::same(3, 1, 1);
    let (x, weight, dy) = (flex(X, 1), flex([X[1], 1, 3, 3], 2), flex(X, 3));
    for (need_dx, need_dw) in [(true, false), (false, true), (false, false)] {
        for backward in [
            reference::depthwise_conv2d_backward::<Flex>,
            Flex::depthwise_conv2d_backward,
        ] {
            let (dx, dw) = backward(
                x.clone(),
                weight.clone(),
                dy.clone(),
                options,
                InputActivation::Relu,
                need_dx,
                need_dw,
            );
            assert_eq!((dx.is_some(), dw.is_some()), (need_dx, need_dw));
        }
    }
}

#[test]
fn pointwise_gradients_agree() {
    let (x, weight, dy) = (flex(X, 1), flex([7, X[1], 1, 1], 2), flex([3, 7, 9, 6], 3));
    let actual = reference::pointwise_conv2d_backward::<Flex>(
        x.clone(),
        weight.clone(),
        dy.clone(),
        true,
        true,
    );
    let expected = Flex::pointwise_conv2d_backward(x, weight, dy, true, true);
    assert_same::<4>(actual.0.expect("needed"), expected.0.expect("needed"));
    assert_same::<4>(actual.1.expect("needed"), expected.1.expect("needed"));
}

#[test]
fn batch_norm_and_its_gradient_agree() {
    let (actual, expected) = (
        reference::batch_norm::<Flex>(flex(X, 1), 1e-4),
        Flex::batch_norm(flex(X, 1), 1e-4),
    );
    assert_same::<4>(actual.0, expected.0.clone());
    assert_same::<1>(actual.1, expected.1);
    assert_same::<1>(actual.2, expected.2.clone());
    let (y, variance, dy) = (expected.0, expected.2, flex(X, 2));
    assert_same::<4>(
        reference::batch_norm_backward::<Flex>(y.clone(), variance.clone(), dy.clone(), 1e-4),
        Flex::batch_norm_backward(y, variance, dy, 1e-4),
    );
}

#[test]
fn pools_and_their_gradients_agree() {
    for window in crate::kernels_pool::windows() {
        let [out_h, out_w] = [X[2], X[3]].map(|size| size.div_ceil(window.stride));
        let dy = flex([X[0], X[1], out_h, out_w], 2);
        assert_same::<4>(
            reference::avg_pool::<Flex>(flex(X, 1), window),
            Flex::avg_pool(flex(X, 1), window),
        );
        assert_same::<4>(
            reference::avg_pool_backward::<Flex>(dy.clone(), [X[2], X[3]], window),
            Flex::avg_pool_backward(dy.clone(), [X[2], X[3]], window),
        );
        assert_same::<4>(
            reference::max_pool::<Flex>(flex(X, 1), window),
            Flex::max_pool(flex(X, 1), window),
        );
        assert_same::<4>(
            reference::max_pool_backward::<Flex>(flex(X, 1), dy.clone(), window),
            Flex::max_pool_backward(flex(X, 1), dy, window),
        );
    }
}

#[test]
fn resamplings_and_their_gradients_agree() {
    for size in [[1, 1], [9, 6], [4, 17], [18, 2], [31, 48]] {
        for corners in [Corners::HalfPixel, Corners::Aligned] {
            let dy = flex([X[0], X[1], size[0], size[1]], 2);
            assert_same::<4>(
                reference::upsample_bilinear::<Flex>(flex(X, 1), size, corners),
                Flex::upsample_bilinear(flex(X, 1), size, corners),
            );
            assert_same::<4>(
                reference::upsample_bilinear_backward::<Flex>(dy.clone(), [X[2], X[3]], corners),
                Flex::upsample_bilinear_backward(dy, [X[2], X[3]], corners),
            );
        }
    }
}

#[test]
fn node_sums_agree_for_a_weight_of_nought_and_others() {
    let dy = flex(X, 3);
    for weight in [0.0, 1.0, -0.75] {
        let table = || {
            let values = vec![2.0f32, weight, 5.0, 7.0, 11.0, 13.0];
            let data = burn::tensor::TensorData::new(values, [3, 2]);
            burn_flex::FlexTensor::from_data(data)
        };
        for sum in [None, Some(flex(X, 1))] {
            let (term, entry) = (flex(X, 2), [0, 1]);
            let expected =
                reference::add_weighted::<Flex>(sum.clone(), term.clone(), table(), entry);
            let actual = Flex::add_weighted(sum, term, table(), entry);
            assert_same::<4>(actual, expected);
        }
        let (term, entry, dy) = (flex(X, 2), [0, 1], dy.clone());
        let expected = reference::add_weighted_backward::<Flex>(
            term.clone(),
            table(),
            entry,
            dy.clone(),
            true,
            true,
        );
        let actual = Flex::add_weighted_backward(term, table(), entry, dy, true, true);
        assert_same::<4>(actual.0.expect("needed"), expected.0.expect("needed"));
        assert_same::<2>(actual.1.expect("needed"), expected.1.expect("needed"));
    }
}

#[test]
fn rearrangements_agree() {
    let parts = || vec![flex(X, 1), flex([X[0], 2, X[2], X[3]], 2)];
    let expected = reference::concat_channels::<Flex>(parts());
    assert_same::<4>(Flex::concat_channels(parts()), expected.clone());
    let range = reference::channels::<Flex>(expected.clone(), 3..6);
    assert_same::<4>(Flex::channels(expected, 3..6), range);
    for shift in [0, 1] {
        let expected = reference::every_second::<Flex>(flex(X, 1), shift);
        assert_same::<4>(Flex::every_second(flex(X, 1), shift), expected);
        let dy = || flex([X[0], X[1], 5, 3], 4);
        let input = [X[2], X[3]];
        let expected = reference::every_second_backward::<Flex>(dy(), input, shift);
        assert_same::<4>(Flex::every_second_backward(dy(), input, shift), expected);
    }
}

#[test]
fn scales_of_channels_agree() {
    let column = |seed| {
        let values = grid([1, X[1], 1, 1], seed);
        burn_flex::FlexTensor::from_data(burn::tensor::TensorData::new(values, [X[1]]))
    };
    let (scale, shift) = (column(8), column(9));
    let expected = reference::scale_channels::<Flex>(flex(X, 1), scale.clone(), shift.clone());
    let actual = Flex::scale_channels(flex(X, 1), scale.clone(), shift);
    assert_same::<4>(actual, expected);
    let dy = || flex(X, 3);
    let expected =
        reference::scale_channels_backward::<Flex>(flex(X, 1), scale.clone(), dy(), true);
    let actual = Flex::scale_channels_backward(flex(X, 1), scale, dy(), true);
    assert_same::<4>(actual.0.expect("needed"), expected.0.expect("needed"));
    assert_same::<1>(actual.1, expected.1);
    assert_same::<1>(actual.2, expected.2);
}
