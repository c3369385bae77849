//! Flex: vectorised loops over contiguous memory.
//!
//! The loops are written for `f32`; empty tensors and other types take the reference.

mod axis;
mod batch_norm;
mod depthwise;
mod extremes;
mod geometry;
mod lanes;
mod memory;
mod pointwise;
mod pool;
mod products;
mod rows;

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
    fn relu_depthwise_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: WindowOptions,
    ) -> FloatTensor<Self> {
        if all_f32(&[&x, &weight]) {
            depthwise::forward(x, weight, options, Activation::Relu)
        } else {
            reference::relu_depthwise_conv2d::<Self>(x, weight, options)
        }
    }

    fn relu_depthwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: WindowOptions,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        if all_f32(&[&x, &weight, &dy]) {
            let needed = [need_dx, need_dw];
            depthwise::backward(x, weight, dy, options, Activation::Relu, needed)
        } else {
            reference::relu_depthwise_conv2d_backward::<Self>(
                x, weight, dy, options, need_dx, need_dw,
            )
        }
    }

    fn pointwise_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        if all_f32(&[&x, &weight]) {
            pointwise::forward(x, weight)
        } else {
            reference::pointwise_conv2d::<Self>(x, weight)
        }
    }

    fn pointwise_conv2d_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        need_dx: bool,
        need_dw: bool,
    ) -> (Option<FloatTensor<Self>>, Option<FloatTensor<Self>>) {
        if all_f32(&[&x, &weight, &dy]) {
            pointwise::backward(x, weight, dy, [need_dx, need_dw])
        } else {
            reference::pointwise_conv2d_backward::<Self>(x, weight, dy, need_dx, need_dw)
        }
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if all_f32(&[&x]) {
            batch_norm::forward(x, eps)
        } else {
            reference::batch_norm::<Self>(x, eps)
        }
    }

    fn batch_norm_backward(
        y: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        if all_f32(&[&y, &variance, &dy]) {
            batch_norm::backward(y, variance, dy, eps)
        } else {
            reference::batch_norm_backward::<Self>(y, variance, dy, eps)
        }
    }

    fn avg_pool3x3(x: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        if all_f32(&[&x]) {
            pool::average(x, stride)
        } else {
            reference::avg_pool3x3::<Self>(x, stride)
        }
    }

    fn avg_pool3x3_backward(
        dy: FloatTensor<Self>,
        input: [usize; 2],
        stride: usize,
    ) -> FloatTensor<Self> {
        if all_f32(&[&dy]) {
            pool::average_backward(dy, input, stride)
        } else {
            reference::avg_pool3x3_backward::<Self>(dy, input, stride)
        }
    }

    fn max_pool3x3(x: FloatTensor<Self>, stride: usize) -> FloatTensor<Self> {
        if all_f32(&[&x]) {
            pool::maximum(x, stride)
        } else {
            reference::max_pool3x3::<Self>(x, stride)
        }
    }

    fn max_pool3x3_backward(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self> {
        if all_f32(&[&x, &dy]) {
            pool::maximum_backward(x, dy, stride)
        } else {
            reference::max_pool3x3_backward::<Self>(x, dy, stride)
        }
    }
}
