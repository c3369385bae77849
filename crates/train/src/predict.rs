use std::path::Path;

use burn::tensor::{Tensor, TensorData, activation::softmax};
use image::imageops::FilterType;
use supernet::{DerivedNetwork, ModelBackend, Statistics};
use workbench::data::{self, FolderOptions};
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
    let channels = config.mean.len();
    let area = config.height * config.width;
    let planes = match config.shorter_side {
        Some(shorter_side) if channels == 3 && config.height == config.width => {
            let options = FolderOptions {
                size: config.height as u16,
                shorter_side: Some(shorter_side),
                ..FolderOptions::default()
            };
            data::read_image(path, &options)?
        }
        _ => scaled(path, config)?,
    };
    let value = |(at, pixel): (usize, &u8)| {
        let channel = at / area;
        (f32::from(*pixel) / 255.0 - config.mean[channel]) / config.std[channel]
    };
    Ok(planes.iter().enumerate().map(value).collect())
}

/// The whole image in the network's size, `[channels, height, width]`.
fn scaled(path: &Path, config: &ImageConfig) -> Result<Vec<u8>, TrainError> {
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
    let plane = |channel| pixels.iter().skip(channel).step_by(channels).copied();
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
