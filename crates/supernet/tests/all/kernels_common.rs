//! Values, comparisons and gradients shared by the kernel tests.
#![allow(dead_code)] // Each test file uses a part of it.

use burn::backend::Autodiff;
use burn::tensor::{Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};

pub type Tracked = Autodiff<Flex>;

/// Values in `[-1, 1]` on a grid of 1/64, so that products are exact and sums nearly so.
pub fn grid(shape: [usize; 4], seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    (0..shape.iter().product())
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            ((state >> 8) % 129) as f32 / 64.0 - 1.0
        })
        .collect()
}

pub fn tensor(values: Vec<f32>, shape: [usize; 4]) -> Tensor<Tracked, 4> {
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}

pub fn values<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
    tensor.into_data().to_vec().expect("the tests use f32")
}

/// Fails unless both have the same length and differ by at most `tolerance`, relative to the
/// largest expected magnitude or 1.
#[track_caller]
pub fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(1.0f32, |scale, v| scale.max(v.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert!(
            (actual - expected).abs() <= tolerance * scale,
            "{what}: value {index} is {actual}, expected {expected}"
        );
    }
}

/// The output of `function` and the gradients of all inputs under a fixed, uneven `dy`.
pub fn run<const N: usize>(
    inputs: &[(Vec<f32>, [usize; 4]); N],
    function: impl Fn([Tensor<Tracked, 4>; N]) -> Tensor<Tracked, 4>,
) -> (Vec<f32>, [usize; 4], [Vec<f32>; N]) {
    let leaves = inputs
        .clone()
        .map(|(values, shape)| tensor(values, shape).require_grad());
    let output = function(leaves.clone());
    let shape = output.dims();
    let dy = tensor(grid(shape, 77), shape);
    let gradients = (output.clone() * dy).sum().backward();
    let gradients =
        leaves.map(|leaf| values(leaf.grad(&gradients).expect("every input is tracked")));
    (values(output.inner()), shape, gradients)
}

/// Fails unless two functions agree on values, shape and the gradient of every input.
#[track_caller]
pub fn assert_same<const N: usize>(
    inputs: &[(Vec<f32>, [usize; 4]); N],
    actual: impl Fn([Tensor<Tracked, 4>; N]) -> Tensor<Tracked, 4>,
    expected: impl Fn([Tensor<Tracked, 4>; N]) -> Tensor<Tracked, 4>,
    what: &str,
) {
    let (y, shape, gradients) = run(inputs, actual);
    let (expected_y, expected_shape, expected_gradients) = run(inputs, expected);
    assert_eq!(shape, expected_shape, "{what}: shape");
    assert_close(&y, &expected_y, 1e-5, &format!("{what}: output"));
    for (index, (gradient, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
        let what = format!("{what}: gradient of input {index}");
        assert_close(gradient, expected, 1e-5, &what);
    }
}
