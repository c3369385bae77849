use burn::tensor::{DType, Tensor};

use crate::{EgsBackend, EgsError, EgsForm, Gradient, Noise, Sample, backend::Spec, sample};

/// Rows are told apart by 32 bits of the noise counter.
const ROWS_LIMIT: usize = u32::MAX as usize;

/// The Ensemble Gumbel-Softmax estimator (Chang et al., "DATA: Differentiable ArchiTecture
/// Approximation", NeurIPS 2019).
///
/// Forward, for each row: `y_m = softmax((ln(p + 1e-10) + g_m) / tau)`, `z_m` is one at the first
/// maximum of `y_m` and zero elsewhere, and the code is the maximum of `z_m` over the draws `m`.
///
/// Backward, straight through: the gradient of entry `k` of the code goes to `y_m[k]` of the
/// *first* draw that picked `k`, or of the first draw when none did, and from there by the ordinary
/// softmax and logarithm to the logits. The estimate is biased, as every straight-through estimate
/// is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Egs {
    pub(crate) spec: Spec,
}

impl Egs {
    /// Samples a code for every row of logits.
    ///
    /// # Shapes
    ///
    /// - logits: `[.., ops]`, any float type; the arithmetic inside is f32
    /// - given noise: `[rows, draws, ops]`, rows counting all leading dimensions of the logits
    /// - outputs: `[.., ops]`, of the type of the logits
    ///
    /// # Errors
    ///
    /// Logits without operations, more than 2^32 - 1 rows, or given noise of another shape.
    /// NaN and infinite logits are not errors, see [`probabilities`](crate::probabilities).
    pub fn sample<B: EgsBackend, const D: usize>(
        &self,
        logits: Tensor<B, D>,
        noise: impl Into<Noise<B>>,
    ) -> Result<Sample<B, D>, EgsError> {
        let noise = noise.into();
        let shape = logits.dims();
        let (rows, ops) = rows_and_ops(&shape)?;
        noise.check([rows, self.spec.draws, ops])?;
        if let (Gradient::GumbelRao { .. }, Noise::Given(_)) = (self.spec.gradient, &noise) {
            return Err(EgsError::ResamplesNeedKey);
        }
        if rows == 0 {
            return Ok(Sample {
                code: logits.clone(),
                weights: logits.clone(),
                logits,
                noise,
                spec: self.spec,
            });
        }
        let noise = match noise {
            Noise::Given(noise) => Noise::Given(noise.cast(DType::F32)),
            key => key,
        };
        Ok(sample::run(logits, noise, self.spec))
    }

    /// The validated settings, as the methods of [`EgsBackend`] take them.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Which implementation a device runs for these settings.
    pub fn form<B: EgsBackend>(&self, device: &B::Device) -> EgsForm {
        B::egs_form(device, self.spec)
    }
}

/// Splits a shape `[.., ops]` into the number of rows and of operations.
pub(crate) fn rows_and_ops(shape: &[usize]) -> Result<(usize, usize), EgsError> {
    match shape {
        [] | [.., 0] => Err(EgsError::NoOps {
            shape: shape.to_vec(),
        }),
        [leading @ .., ops] => {
            let rows = leading.iter().product();
            if rows > ROWS_LIMIT {
                return Err(EgsError::TooManyRows {
                    rows,
                    limit: ROWS_LIMIT,
                });
            }
            Ok((rows, *ops))
        }
    }
}
