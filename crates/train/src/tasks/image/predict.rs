use std::path::Path;

use burn::tensor::{Tensor, TensorData, activation::softmax};
use supernet::{DerivedNetwork, ModelBackend, Statistics};
use workbench::images;

use super::export::{Frame, ImageConfig};
use crate::TrainError;

/// What a network says of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The most probable class.
    pub class: usize,
    /// Its probability.
    pub probability: f32,
    /// Logits of all classes.
    pub logits: Vec<f32>,
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
        config: &ImageConfig,
        device: &B::Device,
    ) -> Self {
        let shape = [1, config.mean.len(), config.height, config.width];
        let images = Tensor::from_data(TensorData::new(image, shape), device);
        let logits = network.forward(images, Statistics::Running);
        let probabilities = softmax(logits.clone(), 1).into_data();
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let (class, probability) = probabilities
            .iter::<f32>()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, f32::NAN));
        Self {
            class,
            probability,
            logits,
        }
    }
}
