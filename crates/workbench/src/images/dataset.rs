//! A labelled set of images.

use std::sync::Arc;

use super::image_files::{CorruptFile, ImageFiles};
use super::listing::list;
use crate::stream::stratified;
use crate::{Result, WorkbenchError};

/// The seed of the division of sets that are not published divided; it is part of their definition
/// here.
pub(super) const SPLIT_SEED: u64 = 0;

/// Labelled images of one size: bytes in host memory, or files that are decoded when a batch asks for
/// them. A clone shares the images.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pub(super) name: String,
    pub(super) classes: usize,
    /// Channels, height, width.
    pub(super) image_shape: [usize; 3],
    /// The byte that stands for full brightness.
    pub(super) pixel_max: u8,
    pub(super) images: Images,
    /// `[count]`, each below `classes`.
    pub(super) labels: Vec<u16>,
    /// `[channels]`, of pixels in 0..=1.
    pub(super) mean: Vec<f32>,
    /// `[channels]`, of pixels in 0..=1.
    pub(super) std: Vec<f32>,
    /// Names of the classes, where the data set has names for them.
    pub(super) class_names: Option<Arc<Vec<String>>>,
    /// A name for all files of the folder that this is a share of, where it was not divided.
    pub(super) file_names: Option<String>,
    /// What a person should know about how the set was read.
    pub(super) notes: Vec<String>,
}

/// Where the pixels of a set are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Images {
    /// `[count, channels, height, width]`, contiguous.
    Memory(Arc<Vec<u8>>),
    /// A file for each image.
    Files(ImageFiles),
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

    /// All pixels, `[count, channels, height, width]`, where they are in memory.
    pub fn images(&self) -> Option<&[u8]> {
        match &self.images {
            Images::Memory(pixels) => Some(pixels),
            Images::Files(_) => None,
        }
    }

    /// All labels, `[count]`.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The mean of each channel, `[channels]`, of pixels scaled to 0..=1. It is a constant of the
    /// data set, taken from its training images.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of each channel, `[channels]`, as for [`mean`](Self::mean).
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// The same images, normalised by these constants (`[channels]` each) in place of the set's own:
    /// a network takes images as it was trained on them, whatever set they are from.
    ///
    /// # Panics
    ///
    /// When there is not one of each for every channel.
    pub fn normalized_by(mut self, mean: &[f32], std: &[f32]) -> Self {
        let channels = self.image_shape[0];
        assert_eq!([mean.len(), std.len()], [channels; 2], "one a channel");
        (self.mean, self.std) = (mean.to_vec(), std.to_vec());
        self
    }

    /// The names of the classes, in the order of their labels, for a folder of class folders.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref().map(Vec::as_slice)
    }

    /// The same images with the labels that a network has for classes of these names.
    ///
    /// # Errors
    ///
    /// When there are images of a class with another name.
    pub fn labelled_by(&self, names: &[String]) -> Result<Self> {
        let own = self.class_names().unwrap_or_default();
        let known = |name: &String| names.iter().position(|known| known == name);
        let known: Vec<Option<usize>> = own.iter().map(known).collect();
        let label = |&label: &u16| {
            let found = known.get(usize::from(label)).copied().flatten();
            found.map(|found| found as u16).ok_or_else(|| {
                let name = own.get(usize::from(label)).map_or("", String::as_str);
                WorkbenchError::OtherData {
                    name: self.name.clone(),
                    found: format!("images of a class `{name}`"),
                    expected: format!("the classes {}", list(names)),
                }
            })
        };
        let labels = self
            .labels
            .iter()
            .map(label)
            .collect::<Result<Vec<u16>>>()?;
        let absent = |(label, name): (usize, &String)| {
            (!labels.contains(&(label as u16))).then(|| name.clone())
        };
        let absent: Vec<String> = names.iter().enumerate().filter_map(absent).collect();
        let mut notes = self.notes.clone();
        if !absent.is_empty() {
            let (few, all) = (absent.len(), names.len());
            let absent = list(&absent);
            notes.push(format!(
                "{few} of the network's {all} classes have no image: {absent}"
            ));
        }
        Ok(Self {
            classes: names.len(),
            labels,
            class_names: Some(Arc::new(names.to_vec())),
            notes,
            ..self.clone()
        })
    }

    /// What a person should know about how the set was read, one sentence each: classes without an
    /// image, files that were left out. A subset has none.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The image files that were met so far and could not be read, by this set and all that share its
    /// files: clones, subsets and the set it is a subset of.
    pub fn corrupt_files(&self) -> Vec<CorruptFile> {
        match &self.images {
            Images::Memory(_) => Vec::new(),
            Images::Files(files) => files.corrupt(),
        }
    }

    /// The pixels of one image, `[channels, height, width]`, where they are in memory.
    ///
    /// # Panics
    ///
    /// When there is no such image.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let size = self.image_size();
        self.images()
            .map(|pixels| &pixels[index * size..(index + 1) * size])
    }

    /// The images of these indices, in their order.
    ///
    /// # Panics
    ///
    /// When there is no such image.
    pub fn subset(&self, indices: &[usize]) -> Self {
        let size = self.image_size();
        let images = match &self.images {
            Images::Memory(pixels) => {
                let mut picked = Vec::with_capacity(indices.len() * size);
                for &index in indices {
                    picked.extend_from_slice(&pixels[index * size..(index + 1) * size]);
                }
                Images::Memory(Arc::new(picked))
            }
            Images::Files(files) => Images::Files(files.subset(indices)),
        };
        Self {
            name: self.name.clone(),
            images,
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            mean: self.mean.clone(),
            std: self.std.clone(),
            class_names: self.class_names.clone(),
            file_names: self.file_names.clone(),
            notes: Vec::new(),
            ..*self
        }
    }

    /// Two disjoint sets that together hold every image: `fraction` of each class goes to the first, up
    /// to rounding. `None` when one of them would be empty.
    pub fn divide(&self, fraction: f64, seed: u64) -> Option<(Self, Self)> {
        let wanted = (fraction * self.len() as f64).round();
        // Not `wanted < 1.0`, so that a fraction that is no number is refused too.
        if !(wanted >= 1.0 && wanted < self.len() as f64) {
            return None;
        }
        let (first, second) = stratified(&self.labels, wanted as usize, seed);
        Some((self.subset(&first), self.subset(&second)))
    }

    /// Sets the normalisation constants to those of this set's own pixels, which are in memory.
    pub(super) fn measure(&mut self) {
        let [channels, height, width] = self.image_shape;
        let (mut sum, mut squares) = (vec![0.0_f64; channels], vec![0.0_f64; channels]);
        let pixels = self.images().unwrap_or_default();
        for (plane, pixels) in pixels.chunks_exact(height * width).enumerate() {
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

    /// Pixels of an image, all channels together.
    pub(super) fn image_size(&self) -> usize {
        self.image_shape.iter().product()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Images `[count, 2, 3, 5]` whose pixels count up and whose labels go around `classes`.
    pub(in super::super) fn counting(count: usize, classes: usize) -> Dataset {
        let images: Vec<u8> = (0..count * 30).map(|at| (at % 251) as u8).collect();
        let labels = (0..count).map(|at| (at % classes) as u16).collect();
        let mut set = Dataset {
            name: "counting".into(),
            classes,
            image_shape: [2, 3, 5],
            pixel_max: 255,
            images: Images::Memory(Arc::new(images)),
            labels,
            mean: vec![],
            std: vec![],
            class_names: None,
            file_names: None,
            notes: vec![],
        };
        set.measure();
        set
    }

    #[test]
    fn both_sets_are_disjoint_whole_and_even_in_every_class() {
        let mut set = counting(40, 4);
        let marked = (0..1200).map(|at| (at / 30) as u8).collect();
        set.images = Images::Memory(Arc::new(marked));
        let (first, second) = set.divide(0.2, 3).unwrap();
        let id = |set: &Dataset, index| set.image(index).unwrap()[0];
        let ids = |set: &Dataset| (0..set.len()).map(|i| id(set, i)).collect::<Vec<_>>();
        let mut all = [ids(&first), ids(&second)].concat();
        all.sort();
        assert_eq!(all, (0..40).collect::<Vec<u8>>());
        for class in 0..4 {
            let count = |set: &Dataset| set.labels.iter().filter(|label| **label == class).count();
            assert_eq!((count(&first), count(&second)), (2, 8), "class {class}");
        }
    }

    #[test]
    fn a_division_depends_on_the_seed_alone() {
        let set = counting(40, 4);
        assert_eq!(set.divide(0.5, 3).unwrap(), set.divide(0.5, 3).unwrap());
        assert_ne!(set.divide(0.5, 3).unwrap().0, set.divide(0.5, 4).unwrap().0);
    }

    #[test]
    fn a_fraction_that_leaves_a_set_empty_is_refused() {
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(counting(40, 4).divide(fraction, 0).is_none());
        }
    }

    #[test]
    fn constants_are_mean_and_deviation_of_each_channel() {
        let pixel = |at: usize| {
            let second_channel = at / 15 % 2 == 1;
            if second_channel {
                51
            } else {
                255 * (at % 2) as u8
            }
        };
        let mut set = counting(2, 2);
        set.images = Images::Memory(Arc::new((0..60).map(pixel).collect()));
        set.measure();
        // First channel: 7 of 15 pixels are full in each image, which begins at an even place.
        let full = 7.0 / 15.0_f32;
        assert!((set.mean[0] - full).abs() < 1e-6);
        assert!((set.std[0] - (full - full * full).sqrt()).abs() < 1e-6);
        assert!((set.mean[1] - 0.2).abs() < 1e-6);
        assert_eq!(set.std[1], 1.0);
    }
}
