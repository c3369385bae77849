//! Copies that rearrange planes: concatenation of channels and every second pixel.

use core::ops::Range;

use burn_flex::FlexTensor;

use super::{
    memory::{dims, fill, fill_unset, items_per_task, tensor, values},
    rows::copy_every_second,
};

pub(super) fn concat_channels(tensors: Vec<FlexTensor>) -> FlexTensor {
    let tensors: Vec<_> = tensors.iter().map(FlexTensor::to_contiguous).collect();
    let [batch, _, height, width] = dims(&tensors[0]);
    let images: Vec<usize> = tensors
        .iter()
        .map(|tensor| values(tensor).len() / batch)
        .collect();
    let image: usize = images.iter().sum();
    let items = items_per_task(batch, image);
    let (lens, sizes) = ([batch * image], [items * image]);
    let tasks = vec![(); batch.div_ceil(items)];
    // SAFETY: the parts of an image are as long together as the image.
    let [out] = unsafe {
        fill_unset(
            lens,
            sizes,
            tasks,
            || (),
            |(), task, (), [mut out]| {
                for index in task * items..batch.min((task + 1) * items) {
                    for (tensor, &size) in tensors.iter().zip(&images) {
                        out.take(size)
                            .copied(&values(tensor)[index * size..][..size]);
                    }
                }
            },
        )
    };
    tensor(out, [batch, image / (height * width), height, width])
}

pub(super) fn channels(x: &FlexTensor, range: Range<usize>) -> FlexTensor {
    let x = x.to_contiguous();
    let [batch, channels, height, width] = dims(&x);
    let plane = height * width;
    let (image, size, skip) = (channels * plane, range.len() * plane, range.start * plane);
    let items = items_per_task(batch, size);
    let (lens, sizes) = ([batch * size], [items * size]);
    let tasks = vec![(); batch.div_ceil(items)];
    // SAFETY: what is copied of the images of a task is as long as its part.
    let [out] = unsafe {
        fill_unset(
            lens,
            sizes,
            tasks,
            || (),
            |(), task, (), [mut out]| {
                for index in task * items..batch.min((task + 1) * items) {
                    out.take(size)
                        .copied(&values(&x)[index * image + skip..][..size]);
                }
            },
        )
    };
    tensor(out, [batch, range.len(), height, width])
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
