use burn::tensor::{DType, Tensor, backend::Backend};

use crate::{
    EgsBackend, EgsError, Gradient, Mode, Noise, Normalization, backend::Spec,
    code_log_probability, probabilities,
};

/// One sampled code per row, with what it was sampled from.
#[derive(Debug, Clone)]
pub struct Sample<B: Backend, const D: usize> {
    /// Which operations are on: 0 or 1, `[.., ops]`; between 0 and 1 in the relaxed mode. Carries
    /// the gradient to the logits.
    pub code: Tensor<B, D>,
    /// The code after normalisation, `[.., ops]`; the code itself without normalisation. Carries
    /// the gradient to the logits.
    pub weights: Tensor<B, D>,
    /// The logits of the call, `[.., ops]`.
    pub(crate) logits: Tensor<B, D>,
    /// The noise of the call.
    pub(crate) noise: Noise<B>,
    /// The settings of the call.
    pub(crate) spec: Spec,
}

impl<B: Backend, const D: usize> Sample<B, D> {
    /// The relaxed code `max_m y_m` of the same noise, computed when asked for.
    ///
    /// # Shapes
    ///
    /// - output: `[.., ops]`, each in [0, 1]; carries its own gradient to the logits
    pub fn relaxed(&self) -> Tensor<B, D>
    where
        B: EgsBackend,
    {
        match self.spec.mode {
            Mode::Relaxed => self.code.clone(),
            Mode::Hard => {
                let spec = Spec {
                    normalization: Normalization::None,
                    gradient: Gradient::FirstDraw,
                    mode: Mode::Relaxed,
                    ..self.spec
                };
                run(self.logits.clone(), self.noise.clone(), spec).code
            }
        }
    }

    /// Exact `ln P(A = code)` of every row, see [`code_log_probability`].
    ///
    /// # Shapes
    ///
    /// - output: `[.., 1]`; carries its exact gradient to the logits
    ///
    /// # Errors
    ///
    /// A tensor that cannot be read from its device.
    pub fn log_probability(&self) -> Result<Tensor<B, D>, EgsError> {
        code_log_probability(
            probabilities(self.logits.clone(), self.spec.activation),
            self.code.clone().detach(),
            self.spec.draws,
        )
    }
}

/// Runs the operation on checked arguments, rows made of all leading dimensions.
pub(crate) fn run<B: EgsBackend, const D: usize>(
    logits: Tensor<B, D>,
    noise: Noise<B>,
    spec: Spec,
) -> Sample<B, D> {
    let shape = logits.dims();
    let dtype = logits.dtype();
    let ops = shape[D - 1];
    let rows = shape[..D - 1].iter().product::<usize>();
    let restore = |rows: Tensor<B, 2>| rows.cast(dtype).reshape(shape);

    // The operation does not keep the relaxed code, which the backward of a division by its sum
    // would need, so there the weights are made outside.
    let inside = Spec {
        normalization: match spec.mode {
            Mode::Hard => spec.normalization,
            Mode::Relaxed => Normalization::None,
        },
        ..spec
    };
    let input = logits.clone().reshape([rows, ops]).cast(DType::F32);
    let output = B::egs_forward(input, noise.clone(), inside);
    let code = restore(output.code);
    let weights = match spec.mode {
        Mode::Hard => restore(output.weights),
        Mode::Relaxed => spec.normalization.apply(code.clone()),
    };
    Sample {
        code,
        weights,
        logits,
        noise,
        spec,
    }
}
