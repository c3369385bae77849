use burn::tensor::{DType, Tensor, TensorData, backend::Backend};

use super::{
    CodeDistribution,
    cover::{Cover, log_factorials},
};
use crate::{EgsError, activation::LOG_EPSILON, estimator::rows_and_ops};

impl CodeDistribution {
    /// Derivatives of `ln P(A = code)` with respect to the probabilities, `[ops]`, 0 for
    /// operations that are off and for codes that cannot occur.
    ///
    /// They are those of `M! [x^M] prod (exp(p_k x) - 1)`, whose probabilities are free; only the
    /// part along the simplex has a meaning, and a chain rule through a softmax takes just that.
    pub fn log_probability_gradient(&self, code: &[bool]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.ops()];
        let total = self.log_probability(code);
        if total == f64::NEG_INFINITY {
            return gradient;
        }
        let on: Vec<usize> = (0..self.ops()).filter(|&op| code[op]).collect();
        let draws = self.draws();
        let factorials = log_factorials(draws);
        let grow = |cover: &Cover, op: usize| cover.with(self.probabilities()[op], &factorials);
        let empty = Cover::empty(draws - on.len());

        // Covers of all operations from the end back to a position, by position.
        let mut later = vec![empty.clone()];
        for &op in on.iter().rev() {
            later.push(grow(&later[later.len() - 1], op));
        }
        later.reverse();
        let again = (later[0].log_probability(draws - 1) - total).exp();
        let mut earlier = empty;
        for (position, &op) in on.iter().enumerate() {
            // One draw hits `op`: either it is the only one, or the others cover the code too.
            let alone = earlier.union_log_probability(&later[position + 1], draws - 1);
            gradient[op] = draws as f64 * ((alone - total).exp() + again);
            earlier = grow(&earlier, op);
        }
        gradient
    }
}

/// `ln P(A = code)` of every row, with its exact gradient to the probabilities.
///
/// The law is that of the sampler, so `p + 1e-10` divided by its sum takes the place of `p`. The
/// rows are read back and evaluated in f64 on the host: `O(n M^2)` for a code of n operations.
///
/// # Shapes
///
/// - probabilities, code: `[.., ops]`; an entry of the code above 1/2 is on
/// - output: `[.., 1]`; minus infinity, without gradient, for a code that cannot occur
///
/// # Errors
///
/// No draws or operations, a code of another shape, a probability that is negative or not finite,
/// or a tensor that cannot be read.
pub fn code_log_probability<B: Backend, const D: usize>(
    probabilities: Tensor<B, D>,
    code: Tensor<B, D>,
    draws: usize,
) -> Result<Tensor<B, D>, EgsError> {
    let shape = probabilities.dims();
    let (rows, ops) = rows_and_ops(&shape)?;
    if code.dims() != shape {
        return Err(EgsError::Shape {
            what: "the code",
            expected: shape.to_vec(),
            actual: code.dims().to_vec(),
        });
    }
    let mut values = Vec::with_capacity(rows);
    let mut slopes = Vec::with_capacity(rows * ops);
    let (p, on) = (read(probabilities.clone())?, read(code)?);
    for (p, on) in p.chunks(ops).zip(on.chunks(ops)) {
        let weights: Vec<f64> = p.iter().map(|p| p + LOG_EPSILON as f64).collect();
        let sum: f64 = weights.iter().sum();
        let scaled: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
        let law = CodeDistribution::new(&scaled, draws)?;
        let on: Vec<bool> = on.iter().map(|&on| on > 0.5).collect();
        let value = law.log_probability(&on);
        values.push(value as f32);
        // The law is homogeneous of degree `draws`, which is what the division by the sum takes.
        let degree = match value {
            f64::NEG_INFINITY => 0.0,
            _ => draws as f64,
        };
        let gradient = law.log_probability_gradient(&on);
        slopes.extend(gradient.iter().map(|slope| ((slope - degree) / sum) as f32));
    }

    let (device, dtype) = (probabilities.device(), probabilities.dtype());
    let mut reduced = shape;
    reduced[D - 1] = 1;
    let values = Tensor::from_data(TensorData::new(values, reduced), (&device, DType::F32));
    let slopes = Tensor::from_data(TensorData::new(slopes, shape), (&device, DType::F32));
    // Adds exactly 0 to the value and carries the gradient.
    let probabilities = probabilities.cast(DType::F32);
    let change = probabilities.clone() - probabilities.detach();
    let result: Tensor<B, D> = values + (change * slopes).sum_dim(D - 1);
    Ok(result.cast(dtype))
}

fn read<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Vec<f64>, EgsError> {
    let error = |error: &dyn core::fmt::Display| EgsError::Read(error.to_string());
    let data = tensor.try_into_data().map_err(|cause| error(&cause))?;
    data.convert::<f64>()
        .to_vec()
        .map_err(|cause| error(&format!("{cause:?}")))
}
