//! Batch normalisation: two sums per plane, combined per channel in `f64`, then one pass that
//! rewrites the planes.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    lanes::{moments, sums_with_product},
    lines::{Line, WORK, map_runs},
    memory::{dims, for_each, in_order, items_per_task, tensor, values},
};

/// The normalised planes, the mean and the biased variance of each channel.
pub(super) fn forward(x: FlexTensor, eps: f64) -> (FlexTensor, FlexTensor, FlexTensor) {
    let x = in_order(x);
    let [batch, channels, height, width] = dims(&x);
    let plane = height * width;
    let sums = plane_sums(PlaneSums::Moments(values(&x)), batch * channels, plane);
    let statistics = moments_to_statistics(&sums, channels, plane, eps);
    let output = map_runs(x, None, plane, by_channel(&statistics.lines));
    (output, statistics.mean, statistics.variance)
}

/// What the sums of a batch say of its channels.
pub(super) struct ChannelStatistics {
    /// Normalises.
    pub(super) lines: Vec<Line>,
    /// `[channels]`
    pub(super) mean: FlexTensor,
    /// Biased, `[channels]`.
    pub(super) variance: FlexTensor,
}

/// From mean and spread of each plane, in the order of images and channels.
pub(super) fn moments_to_statistics(
    moments: &[[f64; 2]],
    channels: usize,
    plane: usize,
    eps: f64,
) -> ChannelStatistics {
    let batch = moments.len() / channels;
    let statistics: Vec<[f64; 2]> = (0..channels)
        .map(|channel| {
            let of_channel = || moments.iter().skip(channel).step_by(channels);
            let mean = of_channel().map(|[mean, _]| mean).sum::<f64>() / batch as f64;
            // The spread within the planes, and that of their means around the common one.
            let spread = |[plane_mean, spread]: &[f64; 2]| {
                spread + plane as f64 * (plane_mean - mean) * (plane_mean - mean)
            };
            let variance = of_channel().map(spread).sum::<f64>() / (batch * plane) as f64;
            [mean, variance]
        })
        .collect();
    let lines = statistics
        .iter()
        .map(|[mean, variance]| {
            let scale = 1.0 / (variance + eps).sqrt();
            Line {
                scale: scale as f32,
                slope: 0.0,
                offset: (-mean * scale) as f32,
            }
        })
        .collect();
    let column = |index: usize| {
        let column = statistics.iter().map(|pair| pair[index] as f32).collect();
        tensor(column, [channels])
    };
    ChannelStatistics {
        lines,
        mean: column(0),
        variance: column(1),
    }
}

/// The line of each plane's channel, planes being in the order of images and channels.
pub(super) fn by_channel(lines: &[Line]) -> impl Fn(usize) -> Line + Sync + Send {
    |plane| lines[plane % lines.len()]
}

/// `dx = (dy - mean(dy) - y * mean(dy * y)) / sqrt(variance + eps)`.
pub(super) fn backward(
    y: FlexTensor,
    variance: FlexTensor,
    dy: FlexTensor,
    eps: f64,
) -> FlexTensor {
    let [y, variance, dy] = [y, variance, dy].map(in_order);
    let [batch, channels, height, width] = dims(&y);
    let plane = height * width;
    let sums = plane_sums(
        PlaneSums::Products(values(&dy), values(&y)),
        batch * channels,
        plane,
    );
    let lines = backward_lines(&sums, values(&variance), eps, batch * plane);
    map_runs(dy, Some(&y), plane, by_channel(&lines))
}

/// How a gradient and the normalised values make the gradient of what was normalised, from the sums of the
/// gradient and of both multiplied over each plane, for channels of `count` values.
pub(super) fn backward_lines(
    sums: &[[f64; 2]],
    variance: &[f32],
    eps: f64,
    count: usize,
) -> Vec<Line> {
    let channels = variance.len();
    let line = |(channel, variance): (usize, &f32)| {
        let scale = 1.0 / (f64::from(*variance) + eps).sqrt();
        let mean = |index: usize| {
            let of_channel = sums.iter().skip(channel).step_by(channels);
            of_channel.map(|pair| pair[index]).sum::<f64>() / count as f64
        };
        Line {
            scale: scale as f32,
            slope: (-mean(1) * scale) as f32,
            offset: (-mean(0) * scale) as f32,
        }
    };
    variance.iter().enumerate().map(line).collect()
}

/// Each channel's planes times its scale, plus its shift.
pub(super) fn scale_channels(
    x: FlexTensor,
    scale: &FlexTensor,
    shift: Option<&FlexTensor>,
) -> FlexTensor {
    let (x, scale) = (in_order(x), scale.to_contiguous());
    let shift = shift.map(FlexTensor::to_contiguous);
    let [.., height, width] = dims(&x);
    let lines: Vec<Line> = values(&scale)
        .iter()
        .enumerate()
        .map(|(channel, &scale)| Line {
            scale,
            slope: 0.0,
            offset: shift.as_ref().map_or(0.0, |shift| values(shift)[channel]),
        })
        .collect();
    map_runs(x, None, height * width, by_channel(&lines))
}

/// The gradients of scale and shift: sums of `x * dy` and of `dy` over each channel.
pub(super) fn scale_gradients(x: &FlexTensor, dy: &FlexTensor) -> (FlexTensor, FlexTensor) {
    let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
    let [batch, channels, height, width] = dims(&x);
    let products = PlaneSums::Products(values(&dy), values(&x));
    let sums = plane_sums(products, batch * channels, height * width);
    let column = |index: usize| {
        let total = |channel| {
            let of_channel = sums.iter().skip(channel).step_by(channels);
            of_channel.map(|pair| pair[index]).sum::<f64>() as f32
        };
        tensor((0..channels).map(total).collect(), [channels])
    };
    (column(1), column(0))
}

/// Which two sums to take over each plane.
#[derive(Clone, Copy)]
pub(super) enum PlaneSums<'a> {
    /// The mean, and the sum of squared distances from it.
    Moments(&'a [f32]),
    /// The sum of the first, and that of both multiplied.
    Products(&'a [f32], &'a [f32]),
}

pub(super) fn plane_sums(sums: PlaneSums<'_>, planes: usize, plane: usize) -> Vec<[f64; 2]> {
    let mut out = vec![[0.0; 2]; planes];
    let items = items_per_task(planes, WORK * plane);
    let tasks = out.chunks_mut(items).enumerate().collect();
    for_each(tasks, |(task, out)| {
        Arch::new().dispatch(SumPlanes {
            sums,
            start: task * items * plane,
            plane,
            out,
        });
    });
    out
}

/// Fills `out` for consecutive planes from value `start` on.
struct SumPlanes<'a> {
    sums: PlaneSums<'a>,
    start: usize,
    plane: usize,
    out: &'a mut [[f64; 2]],
}

impl WithSimd for SumPlanes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (index, out) in self.out.iter_mut().enumerate() {
            let start = self.start + index * self.plane;
            let range = start..start + self.plane;
            let pair = match self.sums {
                PlaneSums::Moments(x) => moments(simd, &x[range]),
                PlaneSums::Products(dy, y) => {
                    sums_with_product(simd, &dy[range.clone()], &y[range])
                }
            };
            *out = pair.map(f64::from);
        }
    }
}
