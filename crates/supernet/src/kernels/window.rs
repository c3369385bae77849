//! How a window slides over the two spatial axes, and over what.

use burn::tensor::ops::ConvOptions;

/// Stride, padding and dilation of a sliding window, each as `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowOptions {
    /// Distance between neighbouring windows, at least 1.
    pub stride: [usize; 2],
    /// Zeros added on both sides of each axis.
    pub padding: [usize; 2],
    /// Distance between neighbouring taps of one window, at least 1.
    pub dilation: [usize; 2],
}

/// What is done to an input before a window sees it, without a pass of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputActivation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`; its gradient at 0 is 0.
    Relu,
}

impl WindowOptions {
    /// A window of `kernel` taps whose output has `ceil(input / stride)` positions per axis, for
    /// odd `kernel`.
    pub fn same(kernel: usize, stride: usize, dilation: usize) -> Self {
        let padding = dilation * (kernel - 1) / 2;
        Self {
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [dilation; 2],
        }
    }

    /// Number of window positions `[height, width]` over an input `[height, width]`.
    ///
    /// # Panics
    ///
    /// If the stride or the dilation is 0, the kernel or the input is empty, or the dilated kernel
    /// is larger than the padded input.
    pub fn output_size(&self, input: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        core::array::from_fn(|axis| {
            let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
            assert!(
                stride > 0 && dilation > 0 && kernel[axis] > 0,
                "a window needs a positive stride, dilation and kernel, got {self:?} with kernel {kernel:?}"
            );
            let padded = input[axis] + 2 * self.padding[axis];
            let extent = dilation * (kernel[axis] - 1) + 1;
            assert!(
                input[axis] > 0 && padded >= extent,
                "a window {kernel:?} with {self:?} does not fit an input of {input:?}"
            );
            (padded - extent) / stride + 1
        })
    }

    /// The same window as options of a Burn convolution with `groups` groups.
    pub(crate) fn to_conv(self, groups: usize) -> ConvOptions<2> {
        ConvOptions::new(self.stride, self.padding, self.dilation, groups)
    }
}

impl Default for WindowOptions {
    /// Neighbouring windows, no padding, no dilation.
    fn default() -> Self {
        Self {
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
        }
    }
}
