//! Batches in host memory, which any thread can prepare.

use std::borrow::Cow;
use std::ops::Range;

use burn::tensor::{Tensor, TensorData, backend::Backend};
use rayon::prelude::*;

use super::{
    augment::{Augment, Source},
    batch::Batch,
    dataset::{Dataset, Images},
};
use crate::Result;
use crate::stream::{Purpose, RngKey, seeded_rng};

/// How images become the pixels of a batch.
#[derive(Clone, Copy)]
pub(super) struct Preparation {
    augment: Option<Augment>,
    key: RngKey,
}

impl Preparation {
    pub(super) fn new(augment: Option<&Augment>, key: RngKey) -> Self {
        Self {
            augment: augment.copied(),
            key,
        }
    }
}

/// A batch that is not on a device yet.
pub(super) struct HostBatch {
    /// `[batch, channels, height, width]`, normalised.
    pixels: Vec<f32>,
    shape: [usize; 4],
    /// `[batch]`
    labels: Vec<i32>,
}

impl HostBatch {
    pub(super) fn upload<B: Backend>(self, device: &B::Device) -> Batch<B> {
        let labels = TensorData::new(self.labels, [self.shape[0]]);
        Batch {
            images: Tensor::from_data(TensorData::new(self.pixels, self.shape), device),
            labels: Tensor::from_data(labels, device),
        }
    }
}

impl Dataset {
    /// The images of these indices as tensors, changed at random where `augment` is given.
    ///
    /// An image's changes depend on the key and its index alone, not on the rest of the batch.
    /// [`batches`](Self::batches) gives the same tensors and has them ready before they are asked for.
    ///
    /// # Panics
    ///
    /// When there is no image of one of the indices, and when an image file cannot be read;
    /// [`batches`](Self::batches) returns that as an error. Sets in memory never fail.
    pub fn batch<B: Backend>(
        &self,
        indices: &[usize],
        augment: Option<&Augment>,
        key: RngKey,
        device: &B::Device,
    ) -> Batch<B> {
        let preparation = Preparation::new(augment, key);
        match self.prepare(indices, 0..indices.len(), preparation) {
            Ok(batch) => batch.upload(device),
            Err(error) => panic!("{error}"),
        }
    }

    /// The batch at these places of an order. Files are read on all threads of the pool the caller is
    /// in; the rest of the order is where a replacement for an unreadable one comes from.
    pub(super) fn prepare(
        &self,
        order: &[usize],
        places: Range<usize>,
        preparation: Preparation,
    ) -> Result<HostBatch> {
        let [channels, height, width] = self.image_shape;
        let shape = [places.len(), channels, height, width];
        let mut pixels = vec![0.0; places.len() * self.image_size()];
        let one = |(out, place): (&mut [f32], usize)| {
            let (index, planes) = self.planes(order, place, preparation)?;
            match preparation.augment {
                Some(augment) => self.write_changed(out, &planes, index, &augment, preparation.key),
                None => self.write_plain(out, &planes),
            }
            Ok(i32::from(self.labels[index]))
        };
        // Every image is finished before the first error is looked for, so that the error reported
        // is the first of the order, whichever thread was faster.
        let labels: Vec<Result<i32>> = match &self.images {
            Images::Memory(_) => pixels
                .chunks_exact_mut(self.image_size())
                .zip(places)
                .map(one)
                .collect(),
            Images::Files(_) => pixels
                .par_chunks_exact_mut(self.image_size())
                .zip(places)
                .map(one)
                .collect(),
        };
        Ok(HostBatch {
            pixels,
            shape,
            labels: labels.into_iter().collect::<Result<_>>()?,
        })
    }

    /// The bytes of the image at a place of the order, `[channels, height, width]`, and its index: for
    /// an unreadable file those of its replacement.
    fn planes(
        &self,
        order: &[usize],
        place: usize,
        preparation: Preparation,
    ) -> Result<(usize, Cow<'_, [u8]>)> {
        match &self.images {
            Images::Memory(pixels) => {
                let (index, size) = (order[place], self.image_size());
                let planes = &pixels[index * size..(index + 1) * size];
                Ok((index, Cow::Borrowed(planes)))
            }
            Images::Files(files) => {
                let changed = preparation.augment.map(|_| preparation.key);
                let (index, planes) = files.read(order, place, changed)?;
                Ok((index, Cow::Owned(planes)))
            }
        }
    }

    fn write_plain(&self, out: &mut [f32], planes: &[u8]) {
        let [_, height, width] = self.image_shape;
        let size = height * width;
        let planes = out.chunks_exact_mut(size).zip(planes.chunks_exact(size));
        for (channel, (out, plane)) in planes.enumerate() {
            for (out, &pixel) in out.iter_mut().zip(plane) {
                *out = self.normalised(channel, pixel);
            }
        }
    }

    fn write_changed(
        &self,
        out: &mut [f32],
        planes: &[u8],
        index: usize,
        augment: &Augment,
        key: RngKey,
    ) {
        let [_, height, width] = self.image_shape;
        let mut rng = seeded_rng(Purpose::Augment, [key.seed, key.epoch, index as u64]);
        let change = augment.sample(&mut rng, [height, width]);
        let size = height * width;
        let planes = out.chunks_exact_mut(size).zip(planes.chunks_exact(size));
        for (channel, (out, plane)) in planes.enumerate() {
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                for (column, out) in out.iter_mut().enumerate() {
                    *out = match change.source(row, column, [height, width]) {
                        Source::Pixel(at) => self.normalised(channel, plane[at]),
                        Source::Black => self.normalised(channel, 0),
                        Source::Mean => 0.0,
                    };
                }
            }
        }
    }

    fn normalised(&self, channel: usize, pixel: u8) -> f32 {
        let value = f32::from(pixel) / f32::from(self.pixel_max);
        (value - self.mean[channel]) / self.std[channel]
    }
}
