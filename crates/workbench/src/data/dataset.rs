//! A labelled set of images in host memory.

use super::split::stratified;
use crate::{Result, WorkbenchError};

/// Labelled images of one size, as bytes in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pub(super) name: String,
    pub(super) classes: usize,
    /// Channels, height, width.
    pub(super) image_shape: [usize; 3],
    /// The byte that stands for full brightness.
    pub(super) pixel_max: u8,
    /// `[count, channels, height, width]`, contiguous.
    pub(super) images: Vec<u8>,
    /// `[count]`, each below `classes`.
    pub(super) labels: Vec<u16>,
    /// `[channels]`, of pixels in 0..=1.
    pub(super) mean: Vec<f32>,
    /// `[channels]`, of pixels in 0..=1.
    pub(super) std: Vec<f32>,
}

impl Dataset {
    /// The name of the data set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of classes; every label is below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// `[channels, height, width]`.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// All pixels, `[count, channels, height, width]`.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// All labels, `[count]`.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The mean of each channel, `[channels]`, of pixels scaled to 0..=1. It is a constant of the
    /// data set, taken from its training part.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of each channel, `[channels]`, as for [`mean`](Self::mean).
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// The pixels of one image, `[channels, height, width]`.
    ///
    /// # Panics
    ///
    /// When there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.image_size();
        &self.images[index * size..(index + 1) * size]
    }

    /// The images of these indices, in their order.
    ///
    /// # Panics
    ///
    /// When there is no such image.
    pub fn subset(&self, indices: &[usize]) -> Self {
        let mut images = Vec::with_capacity(indices.len() * self.image_size());
        for &index in indices {
            images.extend_from_slice(self.image(index));
        }
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        Self {
            images,
            labels,
            ..self.without_images()
        }
    }

    /// Two disjoint parts that together hold every image: `fraction` of each class goes to the
    /// first, up to rounding. A search trains its weights on one and its architecture on the other.
    ///
    /// # Errors
    ///
    /// When one of the parts would be empty.
    pub fn halves(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        let wanted = (fraction * self.len() as f64).round();
        // Not `wanted < 1.0`, so that a fraction that is no number is refused too.
        if !(wanted >= 1.0 && wanted < self.len() as f64) {
            return Err(WorkbenchError::InvalidValue {
                field: "fraction of the training part",
                found: fraction.to_string(),
                valid: format!(
                    "between 0 and 1 so that both parts of {} get images",
                    self.name
                ),
            });
        }
        let (first, second) = stratified(&self.labels, wanted as usize, seed);
        Ok((self.subset(&first), self.subset(&second)))
    }

    /// Sets the normalisation constants to those of this set's own pixels.
    pub(super) fn measure(&mut self) {
        let [channels, height, width] = self.image_shape;
        let (mut sum, mut squares) = (vec![0.0_f64; channels], vec![0.0_f64; channels]);
        for (plane, pixels) in self.images.chunks_exact(height * width).enumerate() {
            for &pixel in pixels {
                let value = f64::from(pixel) / f64::from(self.pixel_max);
                sum[plane % channels] += value;
                squares[plane % channels] += value * value;
            }
        }
        let count = (self.len() * height * width).max(1) as f64;
        self.mean = sum.iter().map(|sum| (sum / count) as f32).collect();
        let variance = |(sum, square): (&f64, &f64)| square / count - (sum / count).powi(2);
        // A set of one colour has no deviation to divide by.
        let std = |variance: f64| {
            if variance > 1e-12 {
                variance.sqrt() as f32
            } else {
                1.0
            }
        };
        self.std = sum.iter().zip(&squares).map(variance).map(std).collect();
    }

    fn image_size(&self) -> usize {
        self.image_shape.iter().product()
    }

    fn without_images(&self) -> Self {
        Self {
            name: self.name.clone(),
            images: Vec::new(),
            labels: Vec::new(),
            mean: self.mean.clone(),
            std: self.std.clone(),
            ..*self
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Images `[count, 2, 3, 5]` whose pixels count up and whose labels go around `classes`.
    pub(in super::super) fn counting(count: usize, classes: usize) -> Dataset {
        let images = (0..count * 30).map(|at| (at % 251) as u8).collect();
        let labels = (0..count).map(|at| (at % classes) as u16).collect();
        let mut set = Dataset {
            name: "counting".into(),
            classes,
            image_shape: [2, 3, 5],
            pixel_max: 255,
            images,
            labels,
            mean: vec![],
            std: vec![],
        };
        set.measure();
        set
    }

    #[test]
    fn halves_are_disjoint_whole_and_even_in_every_class() {
        let mut set = counting(40, 4);
        for (index, pixels) in set.images.chunks_exact_mut(30).enumerate() {
            pixels[0] = index as u8;
        }
        let (first, second) = set.halves(0.2, 3).unwrap();
        let ids = |set: &Dataset| (0..set.len()).map(|i| set.image(i)[0]).collect::<Vec<_>>();
        let mut all = [ids(&first), ids(&second)].concat();
        all.sort();
        assert_eq!(all, (0..40).collect::<Vec<u8>>());
        for class in 0..4 {
            let count = |set: &Dataset| set.labels.iter().filter(|label| **label == class).count();
            assert_eq!((count(&first), count(&second)), (2, 8), "class {class}");
        }
    }

    #[test]
    fn halves_depend_on_the_seed_alone() {
        let set = counting(40, 4);
        assert_eq!(set.halves(0.5, 3).unwrap(), set.halves(0.5, 3).unwrap());
        assert_ne!(set.halves(0.5, 3).unwrap().0, set.halves(0.5, 4).unwrap().0);
    }

    #[test]
    fn a_fraction_that_leaves_a_part_empty_is_refused() {
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            let message = counting(40, 4).halves(fraction, 0).unwrap_err().to_string();
            assert!(message.contains("valid is between 0 and 1"), "{message}");
        }
    }

    #[test]
    fn constants_are_mean_and_deviation_of_each_channel() {
        let mut set = counting(2, 2);
        for (at, pixel) in set.images.iter_mut().enumerate() {
            let second_channel = at / 15 % 2 == 1;
            *pixel = if second_channel {
                51
            } else {
                255 * (at % 2) as u8
            };
        }
        set.measure();
        // First channel: 15 of 30 pixels are full, the image being an odd number of pixels.
        assert!((set.mean[0] - 0.5).abs() < 0.04 && (set.std[0] - 0.5).abs() < 0.01);
        assert!((set.mean[1] - 0.2).abs() < 1e-6);
        assert_eq!(set.std[1], 1.0);
    }
}
