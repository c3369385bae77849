//! Pointwise convolution: products of small matrices with the planes of each image, which are
//! read where they lie.

use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::{
    memory::{dims, fill, fill_with, items_per_task, tensor, values},
    products::{Packed, PackedMatrix, PlaneOf, Planes, combine_planes, correlate_planes},
    rows::copy_row,
    stock::Kept,
};

pub(super) fn forward(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
    let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
    let [batch, inputs, height, width] = dims(&x);
    let [outputs, ..] = dims(&weight);
    let y = map_channels(
        &x,
        &PackedMatrix::new(values(&weight), inputs),
        [outputs, inputs],
    );
    tensor(y, [batch, outputs, height, width])
}

/// Each image's planes combined by the rows of `matrix`, `[outputs, inputs]`.
fn map_channels(x: &FlexTensor, matrix: &PackedMatrix, [outputs, inputs]: [usize; 2]) -> Vec<f32> {
    let [batch, _, height, width] = dims(x);
    let plane = height * width;
    let (image, out_image) = (inputs * plane, outputs * plane);
    let items = items_per_task(batch, inputs * out_image);
    let tasks = batch.div_ceil(items);
    let (lens, sizes) = ([batch * out_image], [items * out_image]);
    let [out] = fill_with(
        lens,
        sizes,
        tasks,
        || Kept::with_room(0),
        |panel, task, [out]| {
            Arch::new().dispatch(Combine {
                matrix,
                sizes: [outputs, inputs],
                plane,
                images: &values(x)[task * items * image..],
                panel,
                out,
            });
        },
    );
    out
}

/// The images of `out` from those of `images`.
struct Combine<'a> {
    matrix: &'a PackedMatrix,
    sizes: [usize; 2],
    plane: usize,
    images: &'a [f32],
    panel: &'a mut Vec<f32>,
    out: &'a mut [f32],
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [outputs, inputs] = self.sizes;
        let images = self.images.chunks_exact(inputs * self.plane);
        let outs = self.out.chunks_exact_mut(outputs * self.plane);
        for (image, out) in images.zip(outs) {
            let pack = |input: usize, start: usize, to: &mut [f32]| {
                copy_row(simd, to, &image[input * self.plane + start..]);
            };
            combine_planes(
                simd,
                self.matrix,
                self.plane,
                &Packed(pack),
                out,
                self.panel,
            );
        }
    }
}

pub(super) fn backward(
    x: FlexTensor,
    weight: FlexTensor,
    dy: FlexTensor,
    [need_dx, need_dw]: [bool; 2],
) -> (Option<FlexTensor>, Option<FlexTensor>) {
    let (x, weight, dy) = (
        x.to_contiguous(),
        weight.to_contiguous(),
        dy.to_contiguous(),
    );
    let [batch, inputs, height, width] = dims(&x);
    let [outputs, ..] = dims(&weight);
    let dx = need_dx.then(|| {
        let matrix = transposed(values(&weight), [outputs, inputs]);
        let matrix = PackedMatrix::new(&matrix, outputs);
        let dx = map_channels(&dy, &matrix, [inputs, outputs]);
        tensor(dx, [batch, inputs, height, width])
    });
    let dw = need_dw.then(|| {
        let dw = weight_gradient(&x, &dy, [outputs, inputs]);
        tensor(dw, [outputs, inputs, 1, 1])
    });
    (dx, dw)
}

/// The matrix `[outputs, inputs]` as `[inputs, outputs]`.
pub(super) fn transposed(matrix: &[f32], [outputs, inputs]: [usize; 2]) -> Vec<f32> {
    (0..inputs * outputs)
        .map(|at| matrix[at % outputs * inputs + at / outputs])
        .collect()
}

/// One matrix per task, summed in the order of the tasks.
fn weight_gradient(x: &FlexTensor, dy: &FlexTensor, [outputs, inputs]: [usize; 2]) -> Vec<f32> {
    let [batch, _, height, width] = dims(x);
    let plane = height * width;
    let size = outputs * inputs;
    let items = items_per_task(batch, size * plane);
    let count = batch.div_ceil(items);
    let [mut sums] = fill([count * size], [size], count, |task, [sums]| {
        let end = batch.min((task + 1) * items);
        Arch::new().dispatch(Correlate {
            x: &values(x)[task * items * inputs * plane..end * inputs * plane],
            dy: &values(dy)[task * items * outputs * plane..end * outputs * plane],
            inputs,
            plane,
            sums,
        });
    });
    let (first, rest) = sums.split_at_mut(size);
    for part in rest.chunks_exact(size) {
        for (sum, value) in first.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sums.truncate(size);
    sums
}

/// Images of `counts` planes each, one after the other, of `plane` values that are `pitch` apart.
#[inline(always)]
pub(super) fn images<'a>(
    [plane, pitch]: [usize; 2],
    [lefts, rights]: [&'a [f32]; 2],
    counts: [usize; 2],
) -> Planes<impl PlaneOf<'a>, impl PlaneOf<'a>> {
    let [left_size, right_size] = counts.map(|count| count * pitch);
    Planes {
        images: lefts.len() / left_size,
        len: plane,
        left: move |image, index| &lefts[image * left_size + index * pitch..][..plane],
        right: move |image, index| &rights[image * right_size + index * pitch..][..plane],
    }
}

/// Adds `sum over images and positions of dy[output] * x[input]` to `sums[output, input]`.
struct Correlate<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    inputs: usize,
    plane: usize,
    sums: &'a mut [f32],
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let outputs = self.sums.len() / self.inputs;
        let planes = images([self.plane; 2], [self.dy, self.x], [outputs, self.inputs]);
        correlate_planes(simd, &planes, self.inputs, self.sums);
    }
}
