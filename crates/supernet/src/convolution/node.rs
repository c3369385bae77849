use std::cell::OnceCell;

use burn::tensor::{Tensor, backend::Backend};

use super::Stride;
use crate::kernels::{self, KernelBackend};

/// A node of a cell as its outgoing operations see it: pools, skips and blocks, which rectify what they
/// read, are given it as it is; other convolutions it rectified, the ReLU being computed once for all of
/// them.
#[derive(Clone)]
pub(crate) struct Node<B: Backend> {
    raw: Tensor<B, 4>,
    rectified: OnceCell<Tensor<B, 4>>,
}

impl<B: KernelBackend> Node<B> {
    /// A node of value `[batch, channels, height, width]`.
    pub(crate) fn new(raw: Tensor<B, 4>) -> Self {
        Self {
            raw,
            rectified: OnceCell::new(),
        }
    }

    /// The node that no operation feeds, in a cell whose input is `input` and whose edges from
    /// inputs have stride `stride`: zeros of a node's shape.
    pub(crate) fn empty(input: &Self, stride: Stride) -> Self {
        let input = &input.raw;
        let [batch, channels, height, width] = input.dims();
        let shape = [
            batch,
            channels,
            height.div_ceil(stride.factor()),
            width.div_ceil(stride.factor()),
        ];
        Self::new(Tensor::zeros(shape, (&input.device(), input.dtype())))
    }

    pub(crate) fn raw(&self) -> Tensor<B, 4> {
        self.raw.clone()
    }

    pub(crate) fn rectified(&self) -> Tensor<B, 4> {
        self.rectified
            .get_or_init(|| kernels::rectify(self.raw.clone()))
            .clone()
    }

    /// The same values, cut off from the autodiff graph.
    pub(crate) fn detached(&self) -> Self {
        Self {
            raw: self.raw.clone().detach(),
            rectified: match self.rectified.get() {
                Some(rectified) => OnceCell::from(rectified.clone().detach()),
                None => OnceCell::new(),
            },
        }
    }
}
