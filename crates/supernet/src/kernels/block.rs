//! What a convolution block is made of.

use super::{InputActivation, WindowOptions};

/// The parts of a convolution block, as tensors of kind `T`: affine map, activation, depthwise and pointwise
/// convolution, of which the first and the third may be missing.
#[derive(Clone, Debug)]
pub struct BlockParts<T> {
    /// What is read, `[batch, channels_in, height, width]`.
    pub x: T,
    /// Scale and shift of what is read, each `[channels_in]`.
    pub affine: Option<[T; 2]>,
    /// What is done after that.
    pub activation: InputActivation,
    /// Filters `[channels_in, 1, kernel_h, kernel_w]` and how they slide.
    pub depthwise: Option<(T, WindowOptions)>,
    /// `[channels_out, channels_in, 1, 1]`
    pub pointwise: T,
}

/// Of which parts of a block the gradient is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockNeeds {
    /// Of what is read.
    pub x: bool,
    /// Of its scale and shift.
    pub affine: bool,
    /// Of the depthwise filters.
    pub depthwise: bool,
    /// Of the pointwise weights.
    pub pointwise: bool,
}

impl BlockNeeds {
    /// Whether the gradient has to come through the pointwise convolution.
    pub(crate) fn below_pointwise(self) -> bool {
        self.depthwise || self.below_depthwise()
    }

    /// Whether it has to come through the activation.
    pub(crate) fn below_depthwise(self) -> bool {
        self.x || self.affine
    }
}

/// The gradients that were needed, each of the shape of its part.
#[derive(Clone, Debug)]
pub struct BlockGradients<T> {
    /// Of what is read.
    pub x: Option<T>,
    /// Of its scale and shift.
    pub affine: Option<[T; 2]>,
    /// Of the depthwise filters.
    pub depthwise: Option<T>,
    /// Of the pointwise weights.
    pub pointwise: Option<T>,
}

impl<T> BlockGradients<T> {
    /// No gradient at all.
    pub(crate) fn none() -> Self {
        Self {
            x: None,
            affine: None,
            depthwise: None,
            pointwise: None,
        }
    }
}

/// How many images of `positions` output positions each make one task of a gradient that weights have a sum
/// of their own of in each task: so many that adding up these sums is little beside making them, if enough
/// tasks are left. A function of the sizes alone, so that sums do not depend on the number of
/// threads.
pub(crate) fn images_per_task(images: usize, positions: usize) -> usize {
    const POSITIONS: usize = 512;
    const TASKS: usize = 16;
    (POSITIONS / positions).clamp(1, images.div_ceil(TASKS))
}
