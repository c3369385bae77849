use std::path::Path;

use burn::tensor::{Tensor, TensorData, activation::softmax};
use image::imageops::FilterType;
use supernet::{DerivedNetwork, ModelBackend, Statistics};
use workbench::files;

use crate::TrainError;
use crate::export::ImageConfig;

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

/// Reads a PNG or JPEG file as a network takes it: in grey or colour by its channels, scaled to its
/// size, normalised. `[channels, height, width]`.
///
/// # Errors
///
/// When the file is missing, cut short or no image.
pub fn read_image(path: &Path, config: &ImageConfig) -> Result<Vec<f32>, TrainError> {
    let bytes = files::read(path)?;
    let image = image::load_from_memory(&bytes).map_err(|error| TrainError::Image {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })?;
    let (width, height) = (config.width as u32, config.height as u32);
    let image = if (image.width(), image.height()) == (width, height) {
        image
    } else {
        image.resize_exact(width, height, FilterType::Triangle)
    };
    let channels = config.mean.len();
    let pixels = if channels == 1 {
        image.into_luma8().into_raw()
    } else {
        image.into_rgb8().into_raw()
    };
    let value = |channel: usize, at: usize| {
        let pixel = f32::from(pixels[at * channels + channel]) / 255.0;
        (pixel - config.mean[channel]) / config.std[channel]
    };
    let area = config.height * config.width;
    let plane = |channel| (0..area).map(move |at| value(channel, at));
    Ok((0..channels).flat_map(plane).collect())
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
