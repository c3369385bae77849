//! One spatial axis under a sliding window, split into phases.

use core::ops::Range;

use crate::kernels::WindowOptions;

/// The inputs of one phase of an axis: `count` of them, `stride` apart from input `input` on,
/// kept at the positions from `position` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub input: usize,
    pub position: usize,
    pub count: usize,
    /// Whether any tap reads this phase.
    pub read: bool,
}

/// One spatial axis. Output `o` and tap `t` meet at position `o + offset(t)` of `phase(t)`.
#[derive(Debug)]
pub(super) struct Axis {
    pub input: usize,
    pub output: usize,
    pub stride: usize,
    dilation: usize,
    /// The taps that meet an input somewhere.
    pub taps: Range<usize>,
    pub phases: Vec<Phase>,
}

impl Axis {
    /// The spatial axis number `axis`, 0 for the height and 1 for the width.
    pub fn new(
        input: usize,
        output: usize,
        kernel: usize,
        axis: usize,
        options: WindowOptions,
    ) -> Self {
        let (stride, padding, dilation) = (
            options.stride[axis],
            options.padding[axis],
            options.dilation[axis],
        );
        let meets_input = |tap: &usize| {
            let reach = tap * dilation;
            let output_at = padding.saturating_sub(reach).div_ceil(stride);
            output_at < output && output_at * stride + reach < input + padding
        };
        let first = (0..kernel).find(meets_input).unwrap_or(0);
        let end = (0..kernel).rfind(meets_input).map_or(0, |last| last + 1);
        let taps = first..end;
        let margin = padding as isize - (first * dilation) as isize;
        let reach = taps.len().saturating_sub(1) * dilation;
        let extent = output + reach / stride;
        let phases = (0..stride)
            .map(|phase| {
                let lowest = margin.max(0) as usize;
                let start = lowest + (phase + stride - lowest % stride) % stride;
                let end = (input as isize + margin).max(0) as usize;
                let position = start / stride;
                let count = end.saturating_sub(start).div_ceil(stride);
                Phase {
                    input: (start as isize - margin) as usize,
                    position,
                    count: count.min(extent.saturating_sub(position)),
                    read: taps
                        .clone()
                        .any(|tap| (tap - first) * dilation % stride == phase),
                }
            })
            .collect();
        Self {
            input,
            output,
            stride,
            dilation,
            taps,
            phases,
        }
    }

    /// Two phases that taps read and that hold the inputs in turn: the one that begins, then the other.
    pub fn pair(&self) -> Option<[usize; 2]> {
        let [even, odd] = self.phases.as_slice() else {
            return None;
        };
        let (first, second, order) = match even.input < odd.input {
            true => (even, odd, [0, 1]),
            false => (odd, even, [1, 0]),
        };
        let follows = second.input == first.input + 1
            && (second.count == first.count || second.count + 1 == first.count);
        (follows && even.read && odd.read).then_some(order)
    }

    /// The phase that `tap` reads.
    pub fn phase(&self, tap: usize) -> usize {
        (tap - self.taps.start) * self.dilation % self.stride
    }

    /// How far into its phase `tap` reads, seen from the output.
    pub fn offset(&self, tap: usize) -> usize {
        (tap - self.taps.start) * self.dilation / self.stride
    }

    /// The largest [`offset`](Self::offset).
    pub fn last_offset(&self) -> usize {
        self.taps.clone().last().map_or(0, |tap| self.offset(tap))
    }

    /// First and one past the last position any phase keeps an input at.
    pub fn span(&self) -> Range<usize> {
        let kept = || self.phases.iter().filter(|phase| phase.count > 0);
        kept().map(|phase| phase.position).min().unwrap_or(0)
            ..kept()
                .map(|phase| phase.position + phase.count)
                .max()
                .unwrap_or(0)
    }

    /// Zeros before the outputs in the buffer of gradients.
    pub fn lead(&self) -> usize {
        self.last_offset().saturating_sub(self.span().start)
    }
}
