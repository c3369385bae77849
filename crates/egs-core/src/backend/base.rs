use burn::tensor::{Tensor, backend::Backend};

use super::plain;
use crate::{Activation, EgsError, Gradient, Mode, Noise, NoiseKey, Normalization};

/// Validated settings, as a backend sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// Number of Gumbel-Softmax draws in the ensemble, at least 1.
    pub draws: usize,
    /// Temperature of the relaxation, positive.
    pub temperature: f32,
    /// How probabilities are made from logits.
    pub activation: Activation,
    /// How weights are made from the code. Always [`Normalization::None`] in the relaxed mode,
    /// whose weights are made outside of the operation.
    pub normalization: Normalization,
    /// Which gradient the code passes.
    pub gradient: Gradient,
    /// Whether the code is binary.
    pub mode: Mode,
}

/// What the forward pass returns.
#[derive(Debug, Clone)]
pub struct Forward<B: Backend> {
    /// The binary code, `[rows, ops]`.
    pub code: Tensor<B, 2>,
    /// The code after normalisation, `[rows, ops]`.
    pub weights: Tensor<B, 2>,
    /// Where the backward pass sends the gradient of an entry, `[rows, ops]`, whole numbers:
    ///
    /// - 0 when no draw picked the operation;
    /// - otherwise, the number of draws that picked it for [`Gradient::TiedDraws`], and one plus
    ///   the index of the first such draw for the other gradients;
    /// - in the relaxed mode, one plus the index of the first draw with the largest `y_m`.
    ///
    /// With the logits and the noise this is all that the backward pass needs, and its size does
    /// not depend on the number of draws. It carries no gradient.
    pub route: Tensor<B, 2>,
}

/// Which implementation of the operation a backend runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EgsForm {
    /// Composed tensor operations; noise of shape `[rows, draws, ops]` is in memory during a call.
    Plain,
    /// One pass over the rows in plain Rust, on several threads where the size pays; nothing of the
    /// size of the noise is stored.
    Rows,
    /// One CubeCL kernel for each direction. Calls whose positions exceed 32 bits take the plain
    /// form.
    Fused,
}

/// A backend that can run the estimator.
///
/// The default bodies are made of ordinary tensor operations, so an empty `impl` is enough for any
/// backend. [`Egs::sample`](crate::Egs::sample) is the way to call it; the methods here expect
/// `f32` tensors and arguments that were checked there.
///
/// # Panics
///
/// The methods may panic when shapes or types do not fit.
pub trait EgsBackend: Backend {
    /// Samples codes.
    ///
    /// # Shapes
    ///
    /// - logits: `[rows, ops]`
    /// - given noise: `[rows, draws, ops]`
    fn egs_forward(logits: Tensor<Self, 2>, noise: Noise<Self>, spec: Spec) -> Forward<Self> {
        plain::forward(logits, noise, spec)
    }

    /// Straight-through gradient with respect to the logits.
    ///
    /// `upstream` is the gradient with respect to the weights, so a caller that needs the one
    /// with respect to the code passes a `spec` with [`Normalization::None`].
    ///
    /// # Shapes
    ///
    /// - logits, route, upstream: `[rows, ops]`
    /// - given noise: `[rows, draws, ops]`
    /// - output: `[rows, ops]`
    fn egs_backward(
        logits: Tensor<Self, 2>,
        noise: Noise<Self>,
        route: Tensor<Self, 2>,
        upstream: Tensor<Self, 2>,
        spec: Spec,
    ) -> Tensor<Self, 2> {
        plain::backward(logits, noise, route, upstream, spec)
    }

    /// The random bits that this backend makes noise of, `[rows, draws, ops]`, row-major. They are those of
    /// [`NoiseKey::bits`] everywhere; where a device makes them, it is asked.
    ///
    /// # Errors
    ///
    /// [`EgsError::Read`] where the device cannot be read.
    fn egs_noise_bits(
        _device: &Self::Device,
        key: NoiseKey,
        [rows, draws, ops]: [u32; 3],
    ) -> Result<Vec<u32>, EgsError> {
        let of_row = |row| (0..draws).map(move |draw| (row, draw));
        let entries = (0..rows)
            .flat_map(of_row)
            .flat_map(|(row, draw)| (0..ops).map(move |op| (row, draw, op)));
        Ok(entries
            .map(|(row, draw, op)| key.bits(row, draw, op))
            .collect())
    }

    /// The implementation that [`egs_forward`](Self::egs_forward) runs on a device for a spec.
    fn egs_form(_device: &Self::Device, _spec: Spec) -> EgsForm {
        EgsForm::Plain
    }
}
