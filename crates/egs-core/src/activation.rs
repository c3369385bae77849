use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

/// Added to a probability before its logarithm, so that an operation of probability 0 has a
/// finite score. It is far below f32 resolution next to any probability that matters, and it is
/// the value of the published estimator.
pub const LOG_EPSILON: f32 = 1e-10;

/// Added to the sum of the rectified logits, so that an all-negative row divides by something.
pub const RELU_EPSILON: f32 = 1e-7;

/// Logits are confined to `[-LOGIT_LIMIT, LOGIT_LIMIT]`: differences and sums of thousands of
/// such values stay finite in f32.
pub const LOGIT_LIMIT: f32 = 1e30;

/// How probabilities are made from logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `p = softmax(logits)`.
    #[default]
    Softmax,
    /// `p = relu(logits) / (sum relu(logits) + 1e-7)`.
    ///
    /// A row without a positive logit gets probability 0 everywhere. Sampling from it is
    /// sampling uniformly, because every score is `ln(1e-10)`; its gradient is 0.
    Relu,
}

/// Probabilities of the operations, over the last dimension.
///
/// # Shapes
///
/// - logits: `[.., ops]`
/// - output: `[.., ops]`
///
/// # Numerical edges
///
/// NaN counts as the lowest logit, infinities as the lowest and the highest one (`-1e30` and
/// `1e30`); none of them passes a gradient. The result is finite for every input.
pub fn probabilities<B: Backend, const D: usize>(
    logits: Tensor<B, D>,
    activation: Activation,
) -> Tensor<B, D> {
    let dims = logits.dims();
    let rows = in_rows(confine(logits));
    let unscaled = match activation {
        Activation::Softmax => (rows.clone() - rows.detach().max_dim(1)).exp(),
        Activation::Relu => burn::tensor::activation::relu(rows),
    };
    let sum = unscaled.clone().sum_dim(1);
    let sum = match activation {
        Activation::Softmax => sum,
        Activation::Relu => sum.add_scalar(RELU_EPSILON),
    };
    (unscaled / sum).reshape(dims)
}

/// `[.., ops]` as `[rows, ops, 1]`: what is last is added up in an order that depends on the width of a
/// processor's vectors, and what is not is added up row by row.
pub(crate) fn in_rows<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, 3> {
    let dims = values.dims();
    let rows = dims[..D - 1].iter().product::<usize>();
    values.reshape([rows, dims[D - 1], 1])
}

/// Sums over the operations, `[.., 1]`, in their order, see [`in_rows`].
pub(crate) fn sum_ops<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, D> {
    let mut dims = values.dims();
    dims[D - 1] = 1;
    in_rows(values).sum_dim(1).reshape(dims)
}

/// Replaces NaN by the lowest and infinities by the extreme finite values.
///
/// # Shapes
///
/// - values, output: any, the same
pub(crate) fn confine<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, D> {
    let nan = values.clone().is_nan();
    values
        .mask_fill(nan, -LOGIT_LIMIT)
        .clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;
    use burn_flex::Flex;

    #[test]
    fn sums_over_operations_and_probabilities_have_the_bits_of_a_loop() {
        let (rows, ops) = (3, 41);
        let values: Vec<f32> = (0..rows * ops)
            .map(|at| (at as f32 * 0.83).sin() * 10f32.powi((at % 5) as i32 - 3))
            .collect();
        let data = TensorData::new(values.clone(), [rows, 1, ops]);
        let tensor = Tensor::<Flex, 3>::from_data(data, &Default::default());
        let host = |tensor: Tensor<Flex, 3>| tensor.into_data().to_vec::<f32>().unwrap();
        let sums = host(sum_ops(tensor.clone()));
        let found = host(probabilities(tensor, Activation::Softmax));
        let sum = |values: &[f32]| values.iter().fold(0.0f32, |sum, value| sum + value);
        for (row, values) in values.chunks(ops).enumerate() {
            assert_eq!(sums[row], sum(values));
            let highest = values.iter().copied().fold(f32::MIN, f32::max);
            let unscaled: Vec<f32> = values.iter().map(|x| (x - highest).exp()).collect();
            let total = sum(&unscaled);
            let expected: Vec<f32> = unscaled.iter().map(|x| x / total).collect();
            assert_eq!(found[row * ops..][..ops], expected);
        }
    }
}
