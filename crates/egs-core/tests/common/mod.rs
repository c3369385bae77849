//! What several tests share: golden files, comparison, and the estimator in loops over slices.
#![allow(dead_code)] // each test binary uses a part

pub mod golden;
pub mod oracle;

use burn::tensor::{Tensor, TensorData, backend::Backend};
use burn_autodiff::Autodiff;
use burn_flex::Flex;

pub type Cpu = Flex;
pub type CpuAutodiff = Autodiff<Flex>;

/// Numbers spread over (-1, 1) that have no pattern along any axis.
pub fn scattered(count: usize, seed: u64) -> Vec<f32> {
    let key = egs_core::NoiseKey::new(seed, 0);
    (0..count)
        .map(|index| key.bits(index as u32, 0, 0) as f32 / u32::MAX as f32 * 2.0 - 1.0)
        .collect()
}

pub fn tensor<B: Backend, const D: usize>(
    values: &[f32],
    shape: [usize; D],
    device: &B::Device,
) -> Tensor<B, D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

pub fn values<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().to_vec().unwrap()
}

/// Agreement to `tolerance`, relative to the largest expected entry, and to 1e-7 absolutely: next to
/// `y = 1` the gradient is a difference of nearly equal f32 numbers of the size of the upstream.
#[track_caller]
pub fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_close_above(1e-7, actual, expected, tolerance, what);
}

/// The same with another absolute bound; that of a gradient is inverse to the temperature.
#[track_caller]
pub fn assert_close_above(
    floor: f32,
    actual: &[f32],
    expected: &[f32],
    tolerance: f32,
    what: &str,
) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0f32, |most, v| most.max(v.abs()));
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!(
            (a - e).abs() <= tolerance * scale + floor,
            "{what}: entry {index}: {a} instead of {e}, scale {scale}"
        );
    }
}
