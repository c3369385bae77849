//! The operation as composed tensor operations.

mod backward;
mod forward;

pub(crate) use backward::backward;
pub(crate) use forward::forward;

use burn::tensor::{DType, Int, Tensor, TensorData, backend::Backend};

use crate::{
    Noise,
    activation::{LOG_EPSILON, confine, sum_ops},
};

/// Scores `ln(p + eps) + g`, `[rows, draws, ops]`.
fn scores<B: Backend>(probabilities: Tensor<B, 2>, noise: Noise<B>, draws: usize) -> Tensor<B, 3> {
    let [rows, ops] = probabilities.dims();
    let device = probabilities.device();
    let noise = match noise {
        Noise::Philox(key) => {
            let noise = key.gumbel(rows, draws, ops);
            upload(noise, [rows, draws, ops], &device)
        }
        Noise::Given(noise) => confine(noise),
    };
    probabilities.add_scalar(LOG_EPSILON).log().unsqueeze_dim(1) + noise
}

fn upload<B: Backend>(values: Vec<f32>, shape: [usize; 3], device: &B::Device) -> Tensor<B, 3> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// One at the first operation with the highest score of each draw, `[rows, draws, ops]`.
fn winners<B: Backend>(scores: Tensor<B, 3>) -> Tensor<B, 3> {
    let ops = scores.dims()[2];
    let op = Tensor::<B, 1, Int>::arange(0..ops as i64, &scores.device()).reshape([1, 1, ops]);
    scores.argmax(2).equal(op).float().cast(DType::F32)
}

/// `softmax(scores / temperature)`, shifted first so that a small temperature cannot overflow.
fn relax<B: Backend>(scores: Tensor<B, 3>, temperature: f32) -> Tensor<B, 3> {
    let highest = scores.clone().max_dim(2);
    let unscaled = ((scores - highest) / temperature).exp();
    unscaled.clone() / sum_ops(unscaled)
}

/// `0, 1, .. draws - 1` as floats, `[1, draws, 1]`.
fn draw_index<B: Backend>(draws: usize, device: &B::Device) -> Tensor<B, 3> {
    Tensor::<B, 1, Int>::arange(0..draws as i64, device)
        .float()
        .cast(DType::F32)
        .reshape([1, draws, 1])
}
