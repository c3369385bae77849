//! Convolution between all channels. The input is spread once, as for a
//! [depthwise convolution](super::depthwise); every pair of a channel and a tap is then a plane of its own
//! that begins elsewhere in the same buffer, and the convolution is a product of matrices.

use burn_flex::{Flex, FlexTensor};
use pulp::{Arch, Simd, WithSimd};

use super::{
    geometry::{Geometry, PhasePlane, Tap},
    memory::{column_sums, dims, fill_with, items_per_task, tensor, values},
    products::{Packed, PackedMatrix, Planes, combine_planes, correlate_planes},
    rows::{Keep, copy_row},
};
use crate::kernels::{WindowOptions, images_per_task, reference};

/// A convolution whose tensors are contiguous.
struct Dense<'a> {
    geometry: Geometry,
    weight: &'a [f32],
    batch: usize,
    inputs: usize,
    outputs: usize,
    /// Taps of the window, those that meet only padding too.
    window: usize,
}

impl<'a> Dense<'a> {
    fn new(x: &FlexTensor, weight: &'a FlexTensor, options: WindowOptions) -> Self {
        let [batch, inputs, height, width] = dims(x);
        let [outputs, _, kernel_h, kernel_w] = dims(weight);
        Self {
            geometry: Geometry::new([height, width], [kernel_h, kernel_w], options),
            weight: values(weight),
            batch,
            inputs,
            outputs,
            window: kernel_h * kernel_w,
        }
    }

    fn plane(&self) -> usize {
        self.geometry.input().iter().product()
    }

    fn out_plane(&self) -> usize {
        self.geometry.output().iter().product()
    }

    fn weight(&self, output: usize, input: usize, tap: &Tap) -> f32 {
        self.weight[(output * self.inputs + input) * self.window + tap.weight]
    }

    /// `[outputs, inputs * taps]`
    fn matrix(&self) -> PackedMatrix {
        let row = |output| {
            (0..self.inputs).flat_map(move |input| {
                let taps = self.geometry.taps.list.iter();
                taps.map(move |tap| self.weight(output, input, tap))
            })
        };
        let rows: Vec<f32> = (0..self.outputs).flat_map(row).collect();
        PackedMatrix::new(&rows, self.inputs * self.geometry.taps.list.len())
    }

    /// `[inputs, outputs * taps]` of the taps that touch the inputs of a phase.
    fn transposed(&self, phase: &PhasePlane) -> PackedMatrix {
        let row = |input| {
            (0..self.outputs).flat_map(move |output| {
                let taps = phase.taps.list.iter();
                taps.map(move |tap| self.weight(output, input, tap))
            })
        };
        let rows: Vec<f32> = (0..self.inputs).flat_map(row).collect();
        PackedMatrix::new(&rows, (self.outputs * phase.taps.list.len()).max(1))
    }

    /// Multiply-adds for an image.
    fn work(&self) -> usize {
        self.inputs * self.outputs * self.geometry.taps.list.len() * self.out_plane()
    }

    #[inline(always)]
    fn spread<S: Simd>(&self, simd: S, image: &[f32], inputs: &mut [f32]) {
        let len = self.geometry.input_buffer_len();
        let planes = image.chunks_exact(self.plane());
        for (plane, buffer) in planes.zip(inputs.chunks_exact_mut(len)) {
            self.geometry.spread_input(simd, plane, buffer, Keep);
        }
    }
}

/// What images after each other share. What windows read between the rows of `inputs` and `gradients` stays
/// zero.
struct Scratch {
    inputs: Vec<f32>,
    gradients: Vec<f32>,
    runs: Vec<f32>,
    panel: Vec<f32>,
}

impl Scratch {
    fn new(dense: &Dense<'_>, images: usize) -> Self {
        let geometry = &dense.geometry;
        Self {
            inputs: vec![0.0; images * dense.inputs * geometry.input_buffer_len()],
            gradients: vec![0.0; images * dense.outputs * geometry.gradient_buffer_len()],
            runs: Vec::new(),
            panel: Vec::new(),
        }
    }
}

/// Copies of planes of `len` values that taps of the same buffer begin at, a channel after the other.
#[inline(always)]
fn pack_taps<'a, S: Simd>(
    simd: S,
    buffers: &'a [f32],
    len: usize,
    taps: &'a [Tap],
) -> impl Fn(usize, usize, &mut [f32]) + 'a {
    move |index, start, to| {
        let (channel, tap) = (index / taps.len(), &taps[index % taps.len()]);
        copy_row(simd, to, &buffers[channel * len + tap.offset + start..]);
    }
}

pub(super) fn forward(x: FlexTensor, weight: FlexTensor, options: WindowOptions) -> FlexTensor {
    let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
    let dense = Dense::new(&x, &weight, options);
    if dense.geometry.taps.list.is_empty() {
        return reference::dense_conv2d::<Flex>(x, weight, options);
    }
    let matrix = dense.matrix();
    let [out_h, out_w] = dense.geometry.output();
    let size = dense.outputs * dense.out_plane();
    let items = items_per_task(dense.batch, dense.work());
    let [out] = fill_with(
        [dense.batch * size],
        [items * size],
        dense.batch.div_ceil(items),
        || Scratch::new(&dense, 1),
        |scratch, task, [out]| {
            Arch::new().dispatch(Forward {
                dense: &dense,
                matrix: &matrix,
                images: &values(&x)[task * items * dense.inputs * dense.plane()..],
                scratch,
                out,
            });
        },
    );
    tensor(out, [dense.batch, dense.outputs, out_h, out_w])
}

/// The images of `out` from those of `images`.
struct Forward<'a> {
    dense: &'a Dense<'a>,
    matrix: &'a PackedMatrix,
    images: &'a [f32],
    scratch: &'a mut Scratch,
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (dense, geometry) = (self.dense, &self.dense.geometry);
        let (out_plane, run) = (dense.out_plane(), geometry.output_run());
        let Scratch {
            inputs,
            runs,
            panel,
            ..
        } = self.scratch;
        runs.resize(dense.outputs * run, 0.0);
        let images = self.images.chunks_exact(dense.inputs * dense.plane());
        let outs = self.out.chunks_exact_mut(dense.outputs * out_plane);
        for (image, out) in images.zip(outs) {
            dense.spread(simd, image, inputs);
            let pack = pack_taps(
                simd,
                inputs,
                geometry.input_buffer_len(),
                &geometry.taps.list,
            );
            combine_planes(simd, self.matrix, run, &Packed(pack), runs, panel);
            let planes = out.chunks_exact_mut(out_plane);
            for (run, plane) in runs.chunks_exact(run).zip(planes) {
                geometry.gather_output(simd, run, plane);
            }
        }
    }
}

pub(super) fn backward(
    x: FlexTensor,
    weight: FlexTensor,
    dy: FlexTensor,
    options: WindowOptions,
    [need_dx, need_dw]: [bool; 2],
) -> (Option<FlexTensor>, Option<FlexTensor>) {
    let [x, weight, dy] = [x, weight, dy].map(|tensor| tensor.to_contiguous());
    let dense = Dense::new(&x, &weight, options);
    if dense.geometry.taps.list.is_empty() {
        return reference::dense_conv2d_backward::<Flex>(x, weight, dy, options, need_dx, need_dw);
    }
    let [_, inputs, height, width] = dims(&x);
    let [outputs, _, kernel_h, kernel_w] = dims(&weight);
    let phases = dense.geometry.phases.iter();
    let transposed: Vec<PackedMatrix> = match need_dx {
        true => phases.map(|phase| dense.transposed(phase)).collect(),
        false => Vec::new(),
    };
    let (batch, size) = (dense.batch, inputs * dense.plane());
    let columns = inputs * dense.geometry.taps.list.len();
    let items = images_per_task(batch, dense.out_plane());
    let tasks = batch.div_ceil(items);
    let len = |needed: bool, len: usize| if needed { len } else { 0 };
    let [dx, dw] = fill_with(
        [
            len(need_dx, batch * size),
            len(need_dw, tasks * outputs * columns),
        ],
        [items * size, outputs * columns],
        tasks,
        || Scratch::new(&dense, items),
        |scratch, task, [dx, dw]| {
            let first = task * items;
            Arch::new().dispatch(Backward {
                dense: &dense,
                transposed: &transposed,
                images: &values(&x)[first * size..],
                dy: &values(&dy)[first * outputs * dense.out_plane()..],
                count: items.min(batch - first),
                scratch,
                dx,
                dw,
            });
        },
    );
    let dx = need_dx.then(|| tensor(dx, [batch, inputs, height, width]));
    let dw = need_dw.then(|| {
        let sums = column_sums(&dw, outputs * columns);
        let mut weight = vec![0.0; outputs * inputs * dense.window];
        let taps = dense.geometry.taps.list.len();
        let filters = weight.chunks_exact_mut(dense.window);
        for (filter, sums) in filters.zip(sums.chunks_exact(taps.max(1))) {
            for (tap, sum) in dense.geometry.taps.list.iter().zip(sums) {
                filter[tap.weight] = *sum;
            }
        }
        tensor(weight, [outputs, inputs, kernel_h, kernel_w])
    });
    (dx, dw)
}

/// Gradients of `count` images; all slices begin at the first of them, and those of gradients nobody asked
/// for are empty. That of the weight is the sum over the images, `[outputs, inputs * taps]`.
struct Backward<'a> {
    dense: &'a Dense<'a>,
    transposed: &'a [PackedMatrix],
    images: &'a [f32],
    dy: &'a [f32],
    count: usize,
    scratch: &'a mut Scratch,
    dx: &'a mut [f32],
    dw: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (dense, geometry) = (self.dense, &self.dense.geometry);
        let (plane, out_plane) = (dense.plane(), dense.out_plane());
        let (input_len, gradient_len) =
            (geometry.input_buffer_len(), geometry.gradient_buffer_len());
        let Scratch {
            inputs,
            gradients,
            runs,
            panel,
        } = self.scratch;
        let gradients_size = dense.outputs * gradient_len;
        for (image, gradients) in gradients
            .chunks_exact_mut(gradients_size)
            .enumerate()
            .take(self.count)
        {
            let dy = self.dy[image * dense.outputs * out_plane..].chunks_exact(out_plane);
            for (dy, gradient) in dy.zip(gradients.chunks_exact_mut(gradient_len)) {
                geometry.spread_gradient(simd, dy, gradient);
            }
            if self.dx.is_empty() {
                continue;
            }
            let dx = &mut self.dx[image * dense.inputs * plane..][..dense.inputs * plane];
            for (phase, matrix) in geometry.phases.iter().zip(self.transposed) {
                let run = geometry.phase_run(phase);
                if run == 0 || phase.taps.list.is_empty() {
                    continue;
                }
                runs.resize(dense.inputs * run, 0.0);
                let pack = pack_taps(simd, gradients, gradient_len, &phase.taps.list);
                combine_planes(simd, matrix, run, &Packed(pack), runs, panel);
                for (run, dx) in runs.chunks_exact(run).zip(dx.chunks_exact_mut(plane)) {
                    geometry.gather_phase(simd, phase, run, dx);
                }
            }
        }
        if self.dw.is_empty() {
            return;
        }
        let inputs_size = dense.inputs * input_len;
        let images = self.images.chunks_exact(dense.inputs * plane);
        for (image, inputs) in images
            .zip(inputs.chunks_exact_mut(inputs_size))
            .take(self.count)
        {
            dense.spread(simd, image, inputs);
        }
        let taps = &geometry.taps.list;
        let (inputs, gradients): (&[f32], &[f32]) = (inputs, gradients);
        let planes = Planes {
            images: self.count,
            len: geometry.output_run(),
            left: |image: usize, output: usize| {
                let at = image * gradients_size + output * gradient_len;
                &gradients[at + geometry.gradient_start()..]
            },
            right: |image: usize, column: usize| {
                let (channel, tap) = (column / taps.len(), &taps[column % taps.len()]);
                &inputs[image * inputs_size + channel * input_len + tap.offset..]
            },
        };
        correlate_planes(simd, &planes, dense.inputs * taps.len(), self.dw);
    }
}
