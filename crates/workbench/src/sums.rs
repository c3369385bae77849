//! Sums whose order does not depend on the machine.
//!
//! A tensor library adds the last axis up in as many partial sums as the processor's vectors are wide, so
//! one seed gave other figures where those are wider. An axis before the last is added up row by row, on
//! every processor; where nothing comes after it, a last axis of one is added.

use burn::tensor::{Tensor, backend::Backend};

/// Sums that are made side by side, at most.
const COLUMNS: usize = 64;
/// Fewer values than this are added one after the other.
const FEW: usize = 256;

/// The sum of all values, `[1]`.
pub fn sum<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, 1> {
    let (count, device) = (values.shape().num_elements(), values.device());
    let values = values.reshape([count]);
    let rows = if count < FEW { 0 } else { count / COLUMNS };
    let even = rows * COLUMNS;
    let columns = (rows > 0).then(|| {
        let values = values.clone().narrow(0, 0, even);
        one_after_the_other(column_sums(values, COLUMNS))
    });
    let rest = (even < count).then(|| one_after_the_other(values.narrow(0, even, count - even)));
    match (columns, rest) {
        (Some(columns), Some(rest)) => columns + rest,
        (Some(sum), None) | (None, Some(sum)) => sum,
        (None, None) => Tensor::zeros([1], &device),
    }
}

/// The mean of all values, `[1]`.
pub fn mean<B: Backend, const D: usize>(values: Tensor<B, D>) -> Tensor<B, 1> {
    let count = values.shape().num_elements();
    sum(values) / count as f64
}

/// The sums `[columns]` of every so-manieth value of `[rows * columns]`.
pub(crate) fn column_sums<B: Backend>(values: Tensor<B, 1>, columns: usize) -> Tensor<B, 1> {
    let rows = values.dims()[0] / columns;
    values
        .reshape([1, rows, columns])
        .sum_dim(1)
        .reshape([columns])
}

/// The sum `[1]` of `[count]` values, in their order.
pub(crate) fn one_after_the_other<B: Backend>(values: Tensor<B, 1>) -> Tensor<B, 1> {
    column_sums(values, 1)
}

/// The logarithms of the softmax of each row of `[rows, classes]`.
pub fn log_softmax<B: Backend>(rows: Tensor<B, 2>) -> Tensor<B, 2> {
    let [count, classes] = rows.dims();
    let rows = rows.reshape([count, classes, 1]);
    burn::tensor::activation::log_softmax(rows, 1).reshape([count, classes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Autodiff;
    use burn_flex::Flex;

    /// Values whose sum depends on the order.
    fn uneven(count: usize) -> Vec<f32> {
        let value = |at: usize| ((at * 7919 % 1009) as f32).sin() * 10f32.powi((at % 7) as i32 - 3);
        (0..count).map(value).collect()
    }

    fn in_order(values: impl IntoIterator<Item = f32>) -> f32 {
        values.into_iter().fold(0.0, |sum, value| sum + value)
    }

    #[test]
    fn sums_have_the_bits_of_a_loop() {
        for count in [1, 7, 17, 100, 255, 256, 1000, 5000, 6400] {
            let values = uneven(count);
            let tensor = Tensor::<Flex, 1>::from_data(values.as_slice(), &Default::default());
            let even = if count < FEW {
                0
            } else {
                count / COLUMNS * COLUMNS
            };
            let column =
                |from| in_order(values[..even].iter().skip(from).step_by(COLUMNS).copied());
            let columns = in_order((0..COLUMNS).map(column));
            let rest = in_order(values[even..].iter().copied());
            let expected = columns + rest;
            assert_eq!(
                sum(tensor.clone()).into_scalar(),
                expected,
                "{count} values"
            );
            let expected = expected / count as f32;
            assert_eq!(mean(tensor).into_scalar(), expected, "{count} values");
        }
    }

    #[test]
    fn gradients_of_a_mean_are_shares() {
        let values = Tensor::<Autodiff<Flex>, 2>::ones([3, 110], &Default::default());
        let values = values.require_grad();
        let gradients = mean(values.clone()).backward();
        let gradient = values.grad(&gradients).unwrap().into_data();
        let gradient: Vec<f32> = gradient.to_vec().unwrap();
        assert_eq!(gradient, vec![1.0 / 330.0; 330]);
    }

    #[test]
    fn logarithms_of_a_softmax_and_their_gradients_have_the_bits_of_a_loop() {
        const CLASSES: usize = 21;
        let logits: Vec<f32> = uneven(3 * CLASSES)
            .iter()
            .map(|x| x.clamp(-9.0, 9.0))
            .collect();
        let data = burn::tensor::TensorData::new(logits.clone(), [3, CLASSES]);
        let leaf = Tensor::<Autodiff<Flex>, 2>::from_data(data, &Default::default()).require_grad();
        let found = log_softmax(leaf.clone());
        let gradients = found.clone().slice([0..3, 4..5]).sum().backward();
        let gradient = leaf.grad(&gradients).unwrap().into_data();
        let gradient: Vec<f32> = gradient.to_vec().unwrap();
        let found: Vec<f32> = found.into_data().to_vec().unwrap();
        for (row, logits) in logits.chunks(CLASSES).enumerate() {
            let most = logits.iter().copied().fold(f32::MIN, f32::max);
            let total = in_order(logits.iter().map(|x| (x - most).exp())).ln();
            for (class, x) in logits.iter().enumerate() {
                let at = row * CLASSES + class;
                assert_eq!(found[at], (x - most) - total);
                let own = f32::from(u8::from(class == 4));
                assert!((gradient[at] - (own - found[at].exp())).abs() < 1e-6);
            }
        }
    }
}
