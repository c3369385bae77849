//! Depthwise convolution: every plane is convolved with the filter of its channel.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    geometry::{Geometry, ReadTaps},
    lanes::{Filter, accumulate_taps},
    memory::{dims, fill, items_per_task, tensor, values},
    rows::Reading,
    stock::Kept,
};
use crate::kernels::{InputActivation, WindowOptions};

/// The filters of all channels on planes of one geometry.
struct Filters<'a> {
    geometry: &'a Geometry,
    activation: InputActivation,
    weight: &'a [f32],
    channels: usize,
}

impl<'a> Filters<'a> {
    fn of_plane(&self, plane: usize) -> &'a [f32] {
        let taps = self.weight.len() / self.channels;
        &self.weight[plane % self.channels * taps..][..taps]
    }

    #[inline(always)]
    fn spread<S: Simd>(&self, simd: S, plane: &[f32], buffer: &mut [f32]) {
        let reading = Reading::new(None, self.activation);
        self.geometry.spread_input(simd, plane, buffer, reading);
    }
}

pub(super) fn forward(
    x: FlexTensor,
    weight: FlexTensor,
    options: WindowOptions,
    activation: InputActivation,
) -> FlexTensor {
    let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
    let [batch, channels, height, width] = dims(&x);
    let [.., kernel_h, kernel_w] = dims(&weight);
    let geometry = Geometry::new([height, width], [kernel_h, kernel_w], options);
    let [out_h, out_w] = geometry.output();
    let filters = Filters {
        geometry: &geometry,
        activation,
        weight: values(&weight),
        channels,
    };
    let (plane, out_plane) = (height * width, out_h * out_w);
    let planes = batch * channels;
    let items = items_per_task(planes, geometry.taps.list.len() * out_plane);
    let count = planes.div_ceil(items);
    let [out] = fill(
        [planes * out_plane],
        [items * out_plane],
        count,
        |task, [out]| {
            Arch::new().dispatch(Forward {
                filters: &filters,
                x: &values(&x)[task * items * plane..],
                first: task * items,
                out,
            });
        },
    );
    tensor(out, [batch, channels, out_h, out_w])
}

/// The planes of `out` from plane `first` on; `x` begins at that plane.
struct Forward<'a> {
    filters: &'a Filters<'a>,
    x: &'a [f32],
    first: usize,
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.filters.geometry;
        let plane = geometry.input().iter().product();
        let out_plane = geometry.output().iter().product();
        let mut buffer = Kept::filled(0.0, geometry.input_buffer_len());
        let planes = self.x.chunks_exact(plane);
        let outs = self.out.chunks_exact_mut(out_plane);
        for (index, (x, out)) in planes.zip(outs).enumerate() {
            let weights = self.filters.of_plane(self.first + index);
            self.filters.spread(simd, x, &mut buffer);
            output_plane(simd, geometry, &buffer, weights, out);
        }
    }
}

/// Writes one plane of outputs to `out`.
#[inline(always)]
pub(super) fn output_plane<S: Simd>(
    simd: S,
    geometry: &Geometry,
    inputs: &[f32],
    weights: &[f32],
    out: &mut [f32],
) {
    let filter = Filter {
        source: inputs,
        weights,
    };
    filter.fill(simd, &geometry.taps, geometry.outputs(out));
}

pub(super) fn backward(
    x: FlexTensor,
    weight: FlexTensor,
    dy: FlexTensor,
    options: WindowOptions,
    activation: InputActivation,
    [need_dx, need_dw]: [bool; 2],
) -> (Option<FlexTensor>, Option<FlexTensor>) {
    let (x, weight, dy) = (
        x.to_contiguous(),
        weight.to_contiguous(),
        dy.to_contiguous(),
    );
    let [batch, channels, height, width] = dims(&x);
    let [.., kernel_h, kernel_w] = dims(&weight);
    let geometry = Geometry::new([height, width], [kernel_h, kernel_w], options);
    let [out_h, out_w] = geometry.output();
    let filters = Filters {
        geometry: &geometry,
        activation,
        weight: values(&weight),
        channels,
    };
    let (plane, out_plane, filter) = (height * width, out_h * out_w, kernel_h * kernel_w);
    let planes = batch * channels;
    let items = items_per_task(planes, geometry.taps.list.len() * out_plane);
    // One filter per plane, summed over the batch at the end: the order of that sum is fixed.
    let lens = [
        if need_dx { planes * plane } else { 0 },
        if need_dw { planes * filter } else { 0 },
    ];
    let sizes = [items * plane, items * filter];
    let [dx, dw] = fill(lens, sizes, planes.div_ceil(items), |task, [dx, dw]| {
        let first = task * items;
        Arch::new().dispatch(Backward {
            filters: &filters,
            x: &values(&x)[first * plane..],
            dy: &values(&dy)[first * out_plane..],
            first,
            count: items.min(planes - first),
            dx,
            dw,
        });
    });

    let dx = need_dx.then(|| tensor(dx, [batch, channels, height, width]));
    let dw = need_dw.then(|| {
        let mut sum = vec![0.0; channels * filter];
        for image in dw.chunks_exact(channels * filter) {
            for (sum, value) in sum.iter_mut().zip(image) {
                *sum += value;
            }
        }
        tensor(sum, [channels, 1, kernel_h, kernel_w])
    });
    (dx, dw)
}

/// Gradients of `count` planes from plane `first` on; all slices begin at that plane, and those of
/// gradients nobody asked for are empty.
struct Backward<'a> {
    filters: &'a Filters<'a>,
    x: &'a [f32],
    dy: &'a [f32],
    first: usize,
    count: usize,
    dx: &'a mut [f32],
    dw: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = self.filters.geometry;
        let plane = geometry.input().iter().product::<usize>();
        let out_plane = geometry.output().iter().product::<usize>();
        let filter = self.dw.len() / self.count;
        let mut inputs = Kept::filled(0.0, geometry.input_buffer_len());
        let mut gradients = Kept::filled(0.0, geometry.gradient_buffer_len());
        let mut run = Kept::filled(0.0, geometry.scratch_len());
        for index in 0..self.count {
            let x = &self.x[index * plane..][..plane];
            let dy = &self.dy[index * out_plane..][..out_plane];
            geometry.spread_gradient(simd, dy, &mut gradients);
            if !self.dw.is_empty() {
                self.filters.spread(simd, x, &mut inputs);
                accumulate_taps(
                    simd,
                    &inputs,
                    &gradients[geometry.gradient_start()..],
                    geometry.output_run(),
                    &geometry.taps.list,
                    &mut self.dw[index * filter..][..filter],
                );
            }
            if !self.dx.is_empty() {
                let weights = self.filters.of_plane(self.first + index);
                let dx = &mut self.dx[index * plane..][..plane];
                input_gradient(simd, geometry, &gradients, weights, &mut run, dx);
                if self.filters.activation == InputActivation::Relu {
                    Reading::new(None, InputActivation::Relu).backward(simd, dx, x);
                }
            }
        }
    }
}

/// Writes the gradient of one plane of inputs to `dx`, which holds zeros.
#[inline(always)]
pub(super) fn input_gradient<S: Simd>(
    simd: S,
    geometry: &Geometry,
    gradients: &[f32],
    weights: &[f32],
    run: &mut [f32],
    dx: &mut [f32],
) {
    let filter = Filter {
        source: gradients,
        weights,
    };
    geometry.fill_inputs(simd, &filter, run, dx);
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

    use super::*;

    fn values(count: usize) -> Vec<f32> {
        (0..count)
            .map(|at| (at * 37 % 101) as f32 / 50.0 - 1.0)
            .collect()
    }

    /// What a machine without vector instructions computes must not depend on them.
    #[test]
    fn the_portable_path_equals_the_detected_one() {
        for (kernel, stride, dilation) in [(3, 1, 1), (5, 2, 1), (3, 1, 2)] {
            let options = WindowOptions::same(kernel, stride, dilation);
            let geometry = Geometry::new([11, 8], [kernel; 2], options);
            let [out_h, out_w] = geometry.output();
            let (planes, filter) = (6, kernel * kernel);
            let (x, dy) = (values(planes * 88), values(planes * out_h * out_w));
            let weight = values(3 * filter);
            let filters = Filters {
                geometry: &geometry,
                activation: InputActivation::Relu,
                weight: &weight,
                channels: 3,
            };
            let run = |portable: bool| {
                let mut out = vec![0.0; dy.len()];
                let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; planes * filter]);
                let forward = Forward {
                    filters: &filters,
                    x: &x,
                    first: 0,
                    out: &mut out,
                };
                let backward = Backward {
                    filters: &filters,
                    x: &x,
                    dy: &dy,
                    first: 0,
                    count: planes,
                    dx: &mut dx,
                    dw: &mut dw,
                };
                if portable {
                    Scalar::new().vectorize(forward);
                    Scalar::new().vectorize(backward);
                } else {
                    Arch::new().dispatch(forward);
                    Arch::new().dispatch(backward);
                }
                [out, dx, dw]
            };
            for (portable, detected) in run(true).iter().zip(run(false)) {
                for (portable, detected) in portable.iter().zip(detected) {
                    assert!((portable - detected).abs() < 1e-4, "{portable} {detected}");
                }
            }
        }
    }
}
