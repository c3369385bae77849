//! Copies that rearrange planes: concatenation of channels and every second pixel.

use core::ops::Range;

use burn_flex::FlexTensor;

use super::{
    memory::{dims, fill, fill_one, items_per_task, tensor, values},
    rows::copy_every_second,
    unset::Unset,
};

pub(super) fn concat_channels(tensors: Vec<FlexTensor>) -> FlexTensor {
    let tensors: Vec<_> = tensors.iter().map(FlexTensor::to_contiguous).collect();
    let [batch, _, height, width] = dims(&tensors[0]);
    let images: Vec<usize> = tensors
        .iter()
        .map(|tensor| values(tensor).len() / batch)
        .collect();
    let image: usize = images.iter().sum();
    // SAFETY: the parts of an image are as long together as the image.
    let out = unsafe {
        fill_images(batch, image, |index, mut out| {
            for (tensor, &size) in tensors.iter().zip(&images) {
                out.take(size)
                    .copied(&values(tensor)[index * size..][..size]);
            }
        })
    };
    tensor(out, [batch, image / (height * width), height, width])
}

pub(super) fn channels(x: &FlexTensor, range: Range<usize>) -> FlexTensor {
    let x = x.to_contiguous();
    let [batch, channels, height, width] = dims(&x);
    let plane = height * width;
    let (image, size, skip) = (channels * plane, range.len() * plane, range.start * plane);
    // SAFETY: an image is copied to whole.
    let out = unsafe {
        fill_images(batch, size, |index, out| {
            out.copied(&values(&x)[index * image + skip..][..size]);
        })
    };
    tensor(out, [batch, range.len(), height, width])
}

/// Images of `size` values, each written by `write`, which is given its number.
///
/// # Safety
///
/// `write` writes every value.
unsafe fn fill_images(
    batch: usize,
    size: usize,
    write: impl Fn(usize, Unset<'_>) + Sync + Send,
) -> Vec<f32> {
    let items = items_per_task(batch, size);
    // SAFETY: a task writes all of its images, as the caller promises of each.
    unsafe {
        fill_one(batch * size, items * size, |task, mut out| {
            for index in task * items..batch.min((task + 1) * items) {
                write(index, out.take(size));
            }
        })
    }
}

pub(super) fn every_second(x: &FlexTensor, shift: usize) -> FlexTensor {
    let x = x.to_contiguous();
    let [batch, channels, height, width] = dims(&x);
    let [out_h, out_w] = [height.div_ceil(2), width.div_ceil(2)];
    let (plane, out_plane) = (height * width, out_h * out_w);
    let planes = batch * channels;
    let items = items_per_task(planes, out_plane);
    let count = planes.div_ceil(items);
    let lens = [planes * out_plane];
    let [out] = fill(lens, [items * out_plane], count, |task, [out]| {
        let sources = values(&x)[task * items * plane..].chunks_exact(plane);
        for (source, out) in sources.zip(out.chunks_exact_mut(out_plane)) {
            let rows = source.chunks_exact(width).skip(shift).step_by(2);
            for (row, out) in rows.zip(out.chunks_exact_mut(out_w)) {
                copy_every_second(out, &row[shift.min(width)..]);
            }
        }
    });
    tensor(out, [batch, channels, out_h, out_w])
}

pub(super) fn every_second_backward(
    dy: &FlexTensor,
    [height, width]: [usize; 2],
    shift: usize,
) -> FlexTensor {
    let dy = dy.to_contiguous();
    let [batch, channels, out_h, out_w] = dims(&dy);
    let (plane, out_plane) = (height * width, out_h * out_w);
    let planes = batch * channels;
    let items = items_per_task(planes, plane);
    let count = planes.div_ceil(items);
    let [dx] = fill([planes * plane], [items * plane], count, |task, [dx]| {
        let sources = values(&dy)[task * items * out_plane..].chunks_exact(out_plane);
        for (source, dx) in sources.zip(dx.chunks_exact_mut(plane)) {
            let rows = dx.chunks_exact_mut(width).skip(shift).step_by(2);
            for (row, source) in rows.zip(source.chunks_exact(out_w)) {
                let values = row.iter_mut().skip(shift).step_by(2);
                for (value, source) in values.zip(source) {
                    *value = *source;
                }
            }
        }
    });
    tensor(dx, [batch, channels, height, width])
}
