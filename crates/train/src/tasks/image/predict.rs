use std::fmt;
use std::path::Path;

use burn::tensor::{Tensor, TensorData, activation::softmax};
use serde::Serialize;
use supernet::{DerivedNetwork, ModelBackend, Statistics};
use workbench::images;

use super::export::{ExportConfig, Frame, ImageConfig};
use crate::TrainError;

/// What a network says of an image: its classes, the most probable first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The first one is the answer.
    pub classes: Vec<ClassProbability>,
}

/// How probable a class is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassProbability {
    /// Its number.
    pub class: usize,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From 0 to 1.
    pub probability: f32,
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes: Vec<_> = self.classes.iter().map(ToString::to_string).collect();
        f.write_str(&classes.join("; "))
    }
}

impl fmt::Display for ClassProbability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {}", self.class)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        write!(f, ", probability {:.4}", self.probability)
    }
}

/// Reads an image file as a network takes it: in grey or colour by its channels, framed as
/// [`ImageConfig`] says, normalised. `[channels, height, width]`.
///
/// # Errors
///
/// When the file is missing, cut short or no image, or the network's images are too large for one.
pub fn read_image(path: &Path, config: &ImageConfig) -> Result<Vec<f32>, TrainError> {
    let channels = config.mean.len();
    let area = config.height * config.width;
    let planes = match config.frame()? {
        Frame::Centre(options) => images::read_image(path, channels, &options)?,
        Frame::Stretched(sides) => images::read_stretched(path, channels, sides)?,
    };
    let value = |(at, pixel): (usize, &u8)| {
        let channel = at / area;
        (f32::from(*pixel) / 255.0 - config.mean[channel]) / config.std[channel]
    };
    Ok(planes.iter().enumerate().map(value).collect())
}

impl Prediction {
    /// What a network says of an image `[channels, height, width]` as [`read_image`] gives it.
    pub fn of<B: ModelBackend>(
        network: &DerivedNetwork<B>,
        image: Vec<f32>,
        export: &ExportConfig,
        device: &B::Device,
    ) -> Self {
        let config = &export.image;
        let shape = [1, config.mean.len(), config.height, config.width];
        let images = Tensor::from_data(TensorData::new(image, shape), device);
        let logits = network.forward(images, Statistics::Running);
        let probabilities = softmax(logits, 1).into_data();
        let names = export.class_names.as_deref().unwrap_or_default();
        let probabilities = probabilities.iter::<f32>().enumerate();
        let mut classes: Vec<ClassProbability> = probabilities
            .map(|(class, probability)| ClassProbability {
                class,
                name: names.get(class).cloned(),
                probability,
            })
            .collect();
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Self { classes }
    }
}
