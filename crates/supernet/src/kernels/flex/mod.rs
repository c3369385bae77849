//! Flex: vectorised loops over contiguous memory.
//!
//! The loops are written for `f32`; tensors of other types take the reference.

mod depthwise;
mod geometry;
mod lanes;
mod memory;

use burn::tensor::ops::FloatTensor;
use burn_flex::Flex;

use self::{depthwise::Activation, memory::all_f32};
use super::{KernelBackend, WindowOptions, reference};

impl KernelBackend for Flex {
    fn depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        if all_f32(&[&x, &weight]) {
            depthwise::forward(x, weight, options, Activation::Identity)
        } else {
            reference::depthwise_conv2d::<Self>(x, weight, options)
        }
    }

    fn depthwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        if all_f32(&[&x, &weight, &dy]) {
            let needed = [need_dx, need_dw];
            depthwise::backward(x, weight, dy, options, Activation::Identity, needed)
        } else {
            reference::depthwise_conv2d_backward::<Self>(x, weight, dy, options, need_dx, need_dw)
        }
    }
}
