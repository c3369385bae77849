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

/// The square window of a pool, padded so that at stride 1 an image keeps its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolWindow {
    /// Taps along each side, odd.
    pub kernel: usize,
    /// Distance between neighbouring windows, 1 or 2.
    pub stride: usize,
    /// Distance between neighbouring taps of one window, at least 1.
    pub dilation: usize,
}

impl PoolWindow {
    /// The same window as that of a depthwise convolution.
    pub(crate) fn options(self) -> WindowOptions {
        WindowOptions::same(self.kernel, self.stride, self.dilation)
    }

    /// Number of windows over an input `[height, width]`.
    pub(crate) fn output_size(self, input: [usize; 2]) -> [usize; 2] {
        input.map(|size| size.div_ceil(self.stride))
    }

    /// One over the number of inputs under each window, `[out_h, out_w]` in row order.
    pub(crate) fn shares(self, [height, width]: [usize; 2]) -> Vec<f32> {
        let [out_h, out_w] = self.output_size([height, width]);
        (0..out_h * out_w)
            .map(|at| {
                let (row, column) = (at / out_w, at % out_w);
                1.0 / (self.covered(row, height) * self.covered(column, width)) as f32
            })
            .collect()
    }

    /// Number of inputs under a window along an axis of `size` inputs. The middle of a window is
    /// always one of them.
    fn covered(self, window: usize, size: usize) -> usize {
        let (middle, reach) = (window * self.stride, self.kernel / 2);
        let [before, after] = [middle, size - 1 - middle];
        1 + reach.min(before / self.dilation) + reach.min(after / self.dilation)
    }
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
