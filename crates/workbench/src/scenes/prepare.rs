//! Batches in host memory, which any thread can prepare.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use image::imageops::{FilterType, crop_imm, resize};
use image::{GrayImage, RgbImage};
use rayon::prelude::*;

use super::batch::SceneBatch;
use super::set::{Scene, SceneSet};
use super::{IGNORED, SceneChanges};
use crate::Result;
use crate::stream::{Purpose, RngKey, seeded_rng};

/// What of a scene is shown, and how large; rows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: [usize; 2],
    /// Pixels of the scene.
    pub(super) source: [usize; 2],
    /// Pixels that they are resized to.
    pub(super) shown: [usize; 2],
    pub(super) mirrored: bool,
}

/// A batch that is not on a device yet.
pub(super) struct HostBatch {
    /// `[batch, 3, height, width]`, normalised.
    pixels: Vec<f32>,
    /// `[batch, height, width]`
    masks: Vec<i32>,
    shape: [usize; 3],
}

impl HostBatch {
    pub(super) fn upload<B: Backend>(self, device: &B::Device) -> SceneBatch<B> {
        let [count, height, width] = self.shape;
        let pixels = TensorData::new(self.pixels, [count, 3, height, width]);
        SceneBatch {
            images: Tensor::from_data(pixels, device),
            masks: Tensor::from_data(TensorData::new(self.masks, self.shape), device),
        }
    }
}

/// How scenes become a batch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Preparation {
    /// Crops of one size, changed at random as the key and the index of a scene say.
    Changed(SceneChanges, RngKey),
    /// Whole, of one size.
    Plain,
}

impl SceneSet {
    /// The batch of these indices, made on all threads of the pool the caller is in.
    pub(super) fn prepare(&self, indices: &[usize], how: Preparation) -> Result<HostBatch> {
        let [height, width] = match (how, indices.first()) {
            (Preparation::Changed(changes, _), _) => [changes.crop; 2],
            (Preparation::Plain, Some(&first)) => self.sides(first)?,
            (Preparation::Plain, None) => [0; 2],
        };
        let area = height * width;
        // The mean colour, which is zero after normalisation.
        let mut pixels = vec![0.0; indices.len() * 3 * area];
        let mut masks = vec![i32::from(IGNORED); indices.len() * area];
        let places = pixels.par_chunks_exact_mut(3 * area.max(1));
        let places = places.zip(masks.par_chunks_exact_mut(area.max(1)));
        let filled = places
            .zip(indices)
            .try_for_each(|((pixels, mask), &index)| {
                let scene = self.scene(index)?;
                let window = match how {
                    Preparation::Changed(changes, key) => {
                        let key = [key.seed, key.epoch, index as u64];
                        changes.sample(&mut seeded_rng(Purpose::Augment, key), scene.sides())
                    }
                    Preparation::Plain => Window::whole(&scene),
                };
                let (image, classes) = window.cut(&scene);
                self.write(&image, &classes, width, pixels, mask);
                Ok(())
            });
        filled?;
        Ok(HostBatch {
            pixels,
            masks,
            shape: [indices.len(), height, width],
        })
    }

    /// Writes a picture and its classes to the upper left of planes `[3, height, width]` and a mask
    /// `[height, width]`.
    fn write(
        &self,
        image: &RgbImage,
        classes: &GrayImage,
        width: usize,
        pixels: &mut [f32],
        mask: &mut [i32],
    ) {
        let area = mask.len();
        for (column, row, pixel) in image.enumerate_pixels() {
            let at = row as usize * width + column as usize;
            mask[at] = classes.get_pixel(column, row).0[0].into();
            for (channel, value) in pixel.0.into_iter().enumerate() {
                let value = f32::from(value) / 255.0 - self.mean[channel];
                pixels[channel * area + at] = value / self.std[channel];
            }
        }
    }
}

impl Window {
    fn whole(scene: &Scene) -> Self {
        let sides = scene.sides();
        Self {
            start: [0; 2],
            source: sides,
            shown: sides,
            mirrored: false,
        }
    }

    /// What is shown of a scene: the image by linear interpolation, widened to the pixels that fall on one
    /// where it shrinks, and the mask by the nearest pixel.
    fn cut(&self, scene: &Scene) -> (RgbImage, GrayImage) {
        let [[top, left], [rows, columns], [height, width]] =
            [self.start, self.source, self.shown].map(|sides| sides.map(|side| side as u32));
        let view = crop_imm(&scene.image, left, top, columns, rows);
        let image = match self.source == self.shown {
            true => view.to_image(),
            false => resize(&*view, width, height, FilterType::Triangle),
        };
        let [_, across] = scene.sides();
        let classes = GrayImage::from_fn(width, height, |column, row| {
            let nearest =
                |at: u32, source: u32, shown: u32| ((2 * at + 1) * source / (2 * shown)) as usize;
            let row = top as usize + nearest(row, rows, height);
            let column = left as usize + nearest(column, columns, width);
            [scene.mask[row * across + column]].into()
        });
        match self.mirrored {
            true => (
                image::imageops::flip_horizontal(&image),
                image::imageops::flip_horizontal(&classes),
            ),
            false => (image, classes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenes::SceneAugment;

    /// Of which the mask says the colour.
    fn scene() -> Scene {
        let image = RgbImage::from_fn(9, 6, |column, row| {
            let class = (row / 2 * 3 + column / 3) as u8;
            [class, 10 * class, 20 * class].into()
        });
        let mask = image.pixels().map(|pixel| pixel.0[0]).collect();
        Scene { image, mask }
    }

    fn sampled(crop: usize, scale: f64, seed: u64) -> (RgbImage, GrayImage) {
        let augment = SceneAugment {
            scale: [scale; 2],
            flip: true,
        };
        let changes = SceneChanges { crop, augment };
        let mut rng = seeded_rng(Purpose::Augment, [seed, 0, 0]);
        changes.sample(&mut rng, [6, 9]).cut(&scene())
    }

    #[test]
    fn image_and_mask_change_together() {
        for seed in 0..50 {
            let (image, mask) = sampled(5, 1.0, seed);
            assert_eq!((image.dimensions(), mask.dimensions()), ((5, 5), (5, 5)));
            assert!(
                image
                    .pixels()
                    .zip(mask.pixels())
                    .all(|(p, m)| p.0[0] == m.0[0])
            );
        }
    }

    #[test]
    fn a_mask_is_resized_to_classes_that_it_had() {
        let (image, mask) = sampled(99, 3.0, 1);
        assert_eq!(
            (image.dimensions(), mask.dimensions()),
            ((27, 18), (27, 18))
        );
        // Between two classes the image is interpolated, and the mask is one of them.
        let close = image
            .pixels()
            .zip(mask.pixels())
            .filter(|(p, m)| p.0[0] == m.0[0])
            .count();
        assert!(
            close > 27 * 18 / 2 && mask.pixels().all(|m| m.0[0] < 9),
            "{close}"
        );
        let flipped = |seed| sampled(99, 3.0, seed).1;
        let seen: Vec<_> = (0..20)
            .map(|seed| flipped(seed).get_pixel(0, 0).0[0])
            .collect();
        assert!(seen.contains(&0) && seen.contains(&2), "{seen:?}");
    }
}
