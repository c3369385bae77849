//! A set of images with masks.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;

use super::files::MaskedFiles;
use super::stand_in::StandIn;
use crate::images::{Classes, DataDescription, decode};
use crate::stream::stratified;
use crate::{Result, WorkbenchError};

/// Mean and deviation of each colour over ImageNet's training images, which photographs of any kind are
/// normalised with.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Images with masks, which are made or decoded when they are asked for. A clone shares what they are made
/// of.
#[derive(Debug, Clone)]
pub struct SceneSet {
    pub(super) name: String,
    pub(super) class_names: Arc<Vec<String>>,
    pub(super) source: Source,
    /// Places in the source.
    pub(super) picked: Vec<u32>,
    pub(super) mean: [f32; 3],
    pub(super) std: [f32; 3],
    pub(super) notes: Vec<String>,
}

/// Where the images of a set come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// They are made.
    Made(Arc<StandIn>),
    /// A file for each image and each mask.
    Files(Arc<MaskedFiles>),
}

/// An image and its mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// The image.
    pub image: RgbImage,
    /// The class of each pixel, or [`IGNORED`](super::IGNORED): `[height, width]`.
    pub mask: Vec<u8>,
}

impl Scene {
    /// Height and width.
    pub fn sides(&self) -> [usize; 2] {
        sides_of(&self.image)
    }
}

/// A data set divided for training and test, the same on every machine.
#[derive(Debug, Clone)]
pub struct SceneTrainTest {
    /// Scenes to learn from.
    pub train: SceneSet,
    /// Scenes to judge by.
    pub test: SceneSet,
}

impl SceneSet {
    /// All of a source, normalised as photographs are.
    pub(super) fn new(name: String, class_names: Vec<String>, source: Source) -> Self {
        let count = match &source {
            Source::Made(made) => made.len(),
            Source::Files(files) => files.len(),
        };
        Self {
            name,
            class_names: Arc::new(class_names),
            source,
            picked: (0..count as u32).collect(),
            mean: MEAN,
            std: STD,
            notes: Vec::new(),
        }
    }

    /// The name of the data set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the classes, in the order of their numbers.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The number of scenes.
    pub fn len(&self) -> usize {
        self.picked.len()
    }

    /// Whether there is no scene.
    pub fn is_empty(&self) -> bool {
        self.picked.is_empty()
    }

    /// The mean of each colour, of pixels in 0..=1, that images are normalised with.
    pub fn mean(&self) -> [f32; 3] {
        self.mean
    }

    /// The deviation of each colour, as for [`mean`](Self::mean).
    pub fn std(&self) -> [f32; 3] {
        self.std
    }

    /// The same scenes, normalised by these constants: a network takes images as it was trained on them.
    pub fn normalized_by(self, mean: [f32; 3], std: [f32; 3]) -> Self {
        Self { mean, std, ..self }
    }

    /// What a person should know about how the set was read, one sentence each. A subset has none.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The scene of an index.
    ///
    /// # Errors
    ///
    /// When its files cannot be read or do not belong together.
    ///
    /// # Panics
    ///
    /// When there is no such scene.
    pub fn scene(&self, index: usize) -> Result<Scene> {
        let place = self.picked[index] as usize;
        match &self.source {
            Source::Made(made) => Ok(made.scene(place)),
            Source::Files(files) => files.scene(place),
        }
    }

    /// The class of each pixel of the scene of an index, or [`IGNORED`](super::IGNORED), without its image where
    /// that is a file of its own.
    pub(super) fn mask(&self, index: usize) -> Result<Vec<u8>> {
        let place = self.picked[index] as usize;
        match &self.source {
            Source::Made(made) => Ok(made.scene(place).mask),
            Source::Files(files) => files.mask(place),
        }
    }

    /// Height and width of the scene of an index, without decoding it.
    ///
    /// # Errors
    ///
    /// When its mask cannot be read.
    ///
    /// # Panics
    ///
    /// When there is no such scene.
    pub fn sides(&self, index: usize) -> Result<[usize; 2]> {
        let place = self.picked[index] as usize;
        match &self.source {
            Source::Made(made) => Ok(made.sides()),
            Source::Files(files) => files.sides(place),
        }
    }

    /// The scenes of these indices, in their order.
    ///
    /// # Panics
    ///
    /// When there is no such scene.
    pub fn subset(&self, indices: &[usize]) -> Self {
        Self {
            picked: indices.iter().map(|&index| self.picked[index]).collect(),
            notes: Vec::new(),
            ..self.clone()
        }
    }

    /// Two disjoint sets that together hold every scene: `fraction` of all goes to the first, up to
    /// rounding. `None` when one of them would be empty.
    pub fn divide(&self, fraction: f64, seed: u64) -> Option<(Self, Self)> {
        let wanted = (fraction * self.len() as f64).round();
        // Not `wanted < 1.0`, so that a fraction that is no number is refused too.
        if !(wanted >= 1.0 && wanted < self.len() as f64) {
            return None;
        }
        // A scene is of no single class.
        let (first, second) = stratified(&vec![0; self.len()], wanted as usize, seed);
        Some((self.subset(&first), self.subset(&second)))
    }

    /// What a run remembers of these scenes.
    pub(super) fn describe(&self) -> DataDescription {
        DataDescription {
            classes: Classes {
                count: self.class_names.len(),
                names: Some(self.class_names.to_vec()),
            },
            images: self.len(),
            file_names: None,
        }
    }
}

/// Height and width of a picture.
pub(super) fn sides_of(picture: &RgbImage) -> [usize; 2] {
    let (width, height) = picture.dimensions();
    [height as usize, width as usize]
}

/// Decodes an image file at its own size, as red, green and blue, turned as its EXIF data say it was held.
///
/// # Errors
///
/// When the file cannot be read, is cut short, too large or of another kind.
pub fn read_picture(path: &Path) -> Result<RgbImage> {
    decode(path, 3).map_err(|problem| WorkbenchError::Image {
        path: path.to_path_buf(),
        problem,
    })
}
