//! Sizes that kernels are launched with, and what they are compiled for.

use cubecl::prelude::*;

use crate::kernels::{InputActivation, WindowOptions};

/// Units of every cube, the most that WebGPU promises.
pub(super) const UNITS: usize = 256;

/// Cubes that a reduction is spread over: a few for each processor of a large device.
const REDUCTION_CUBES: usize = 1024;

/// Values that a unit adds up before it is worth to have a second cube.
const VALUES_PER_UNIT: usize = 4;

/// The window that a kernel is compiled for; axes are `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
    /// What is done to an input before the window sees it.
    pub(super) activation: InputActivation,
}

impl Window {
    pub(super) fn new(
        kernel: [usize; 2],
        options: WindowOptions,
        activation: InputActivation,
    ) -> Self {
        Self {
            kernel,
            stride: options.stride,
            padding: options.padding,
            dilation: options.dilation,
            activation,
        }
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

/// Sizes of the input and the output of a sliding window.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Planes {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) out_h: usize,
    pub(super) out_w: usize,
}

/// One entry of `[batch, channels, height, width]` memory.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Entry {
    /// `batch * channels + channel`.
    pub(super) plane: usize,
    pub(super) row: usize,
    pub(super) column: usize,
}

/// The entry at a flat position of memory whose planes are `height x width`.
#[cube]
pub(super) fn entry(position: usize, height: usize, width: usize) -> Entry {
    Entry {
        plane: position / (height * width),
        row: position / width % height,
        column: position % width,
    }
}

/// Where the value `index` of a channel lies, counting its `area` values of every image in turn.
#[cube]
pub(super) fn position_in_channel(
    index: usize,
    channel: usize,
    channels: usize,
    area: usize,
) -> usize {
    (index / area * channels + channel) * area + index % area
}

/// Whether one of `windows` windows starts `before` places in front of `place`, which counts the
/// padding.
#[cube]
pub(super) fn reaches(
    place: usize,
    before: usize,
    windows: usize,
    #[comptime] stride: usize,
) -> bool {
    place >= before && (place - before) % stride == 0 && (place - before) / stride < windows
}

/// Sums over `values` each, cut into `count` slices of at most `length` values, one cube each.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Slices {
    pub(super) sums: usize,
    pub(super) values: usize,
    pub(super) count: usize,
    pub(super) length: usize,
}

impl Slices {
    /// Cuts `sums` sums over `values > 0` each, so that a few sums over many values still occupy
    /// a large device.
    pub(super) fn new(sums: usize, values: usize) -> Self {
        let worthwhile = values / (UNITS * VALUES_PER_UNIT);
        let count = worthwhile.min(REDUCTION_CUBES / sums).max(1);
        let length = values.div_ceil(count);
        Self {
            sums,
            values,
            count: values.div_ceil(length),
            length,
        }
    }

    pub(super) fn cubes(&self) -> usize {
        self.sums * self.count
    }

    pub(super) fn arg<R: Runtime>(&self) -> SlicesLaunch<R> {
        SlicesLaunch::new(self.sums, self.values, self.count, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_every_value_once_and_none_is_empty() {
        for sums in [1, 16, 144, 1023, 5000] {
            for values in [1, 255, 1023, 1024, 1025, 2049, 65_536, 1_000_003] {
                let slices = Slices::new(sums, values);
                let covered = slices.count * slices.length;
                assert!(covered >= values, "{sums} sums over {values}");
                assert!(
                    covered - slices.length < values,
                    "{sums} sums over {values}"
                );
                assert!(slices.cubes() <= sums.max(REDUCTION_CUBES));
            }
        }
    }

    #[test]
    fn few_sums_over_many_values_are_cut_and_small_or_many_ones_are_not() {
        let count = |sums, values| Slices::new(sums, values).count;
        assert_eq!(count(16, 65_536), 64);
        assert_eq!(count(144, 65_536), 7);
        assert_eq!(count(16, 2047), 1);
        assert_eq!(count(1024, 1 << 20), 1);
    }
}
