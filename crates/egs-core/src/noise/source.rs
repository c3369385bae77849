use burn::tensor::{DType, Tensor, TensorData, backend::Backend};

use super::NoiseKey;
use crate::{EgsError, activation::confine};

/// The noise of one call.
#[derive(Debug, Clone)]
pub enum Noise<B: Backend> {
    /// Made by the generator from a key; nothing of size `[rows, draws, ops]` is stored by the
    /// forms that have a kernel.
    Philox(NoiseKey),
    /// Given by the caller: Gumbel(0, 1) numbers of shape `[rows, draws, ops]`, where `rows`
    /// counts all leading dimensions of the logits. No gradient flows to it. NaN and infinities
    /// count as -1e30 and as the nearest of -1e30 and 1e30.
    Given(Tensor<B, 3>),
}

impl<B: Backend> From<NoiseKey> for Noise<B> {
    fn from(key: NoiseKey) -> Self {
        Self::Philox(key)
    }
}

impl<B: Backend> From<Tensor<B, 3>> for Noise<B> {
    fn from(noise: Tensor<B, 3>) -> Self {
        Self::Given(noise)
    }
}

impl<B: Backend> Noise<B> {
    /// The noise as a tensor.
    ///
    /// # Shapes
    ///
    /// - output: `[rows, draws, ops]`
    ///
    /// # Errors
    ///
    /// Given noise of another shape.
    pub fn into_tensor(
        self,
        [rows, draws, ops]: [usize; 3],
        device: &B::Device,
    ) -> Result<Tensor<B, 3>, EgsError> {
        self.check([rows, draws, ops])?;
        Ok(match self {
            Self::Philox(key) => {
                let data = TensorData::new(key.gumbel(rows, draws, ops), [rows, draws, ops]);
                Tensor::from_data(data, (device, DType::F32))
            }
            Self::Given(noise) => confine(noise.cast(DType::F32).detach()),
        })
    }

    pub(crate) fn check(&self, expected: [usize; 3]) -> Result<(), EgsError> {
        match self {
            Self::Given(noise) if noise.dims() != expected => Err(EgsError::Shape {
                what: "the given noise [rows, draws, ops]",
                expected: expected.to_vec(),
                actual: noise.dims().to_vec(),
            }),
            _ => Ok(()),
        }
    }
}
