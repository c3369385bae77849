//! Some scenes as tensors.

use burn::tensor::{Int, Tensor, backend::Backend};

/// A batch on a device; all of its images have one size.
#[derive(Debug, Clone)]
pub struct SceneBatch<B: Backend> {
    /// `[batch, 3, height, width]`, normalised with the constants of the data set.
    pub images: Tensor<B, 4>,
    /// `[batch, height, width]`: the class of each pixel, or [`IGNORED`](super::IGNORED).
    pub masks: Tensor<B, 3, Int>,
}

impl<B: Backend> SceneBatch<B> {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.masks.dims()[0]
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Height and width of its images.
    pub fn sides(&self) -> [usize; 2] {
        let [_, height, width] = self.masks.dims();
        [height, width]
    }
}
