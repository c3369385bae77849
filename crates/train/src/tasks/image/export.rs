use serde::{Deserialize, Serialize};
use supernet::DerivedConfig;
use workbench::images::{Classes, Dataset, DatasetId, FolderOptions};

use super::ImageData;
use crate::TrainError;
use crate::portable::Inherited;

/// `config.json` of an exported network. Its tensors have the names of DARTS' PyTorch code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportConfig {
    /// Layout of this file; 1.
    pub format: u32,
    /// The network.
    pub network: DerivedConfig,
    /// Its images.
    pub image: ImageConfig,
    /// Names of the classes in the order of their logits, where they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
    /// What it was trained on, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<TrainedOn>,
    /// How its search scores it, where its weights and running statistics are those of a supernet: its
    /// operations are then those of a search, not affine and with normalised pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Inherited>,
}

/// How an image is given to a network: framed to this size, pixels to 0..=1, and then normalised,
/// `(pixel - mean) / std` for each channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// `[image_channels]`
    pub mean: Vec<f32>,
    /// `[image_channels]`
    pub std: Vec<f32>,
    /// The shorter side of a picture is scaled to this and the centre is cut out; without it, to the
    /// side of a square network. A network that is not square takes the whole picture, stretched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shorter_side: Option<u16>,
}

/// Where a network's weights are from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    /// Data set.
    pub data: String,
    /// Seed of the training.
    pub seed: u64,
    /// Epochs of the training.
    pub epochs: usize,
    /// A name for the files of a folder that was not divided: of these a share was not trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_names: Option<String>,
}

/// How a picture of any size becomes an image.
pub(crate) enum Frame {
    /// Its shorter side is scaled and the centre cut out.
    Centre(FolderOptions),
    /// All of it is scaled to height and width.
    Stretched([u16; 2]),
}

impl ImageConfig {
    /// How a picture of any size becomes an image.
    ///
    /// # Errors
    ///
    /// When a side is too long for a picture.
    pub(crate) fn frame(&self) -> Result<Frame, TrainError> {
        let side = |field: &'static str, side: usize| {
            let valid = format!("1 to {}", u16::MAX);
            u16::try_from(side).map_err(|_| TrainError::field(field, side, &valid))
        };
        let height = side("image.height", self.height)?;
        let width = side("image.width", self.width)?;
        if height != width {
            return Ok(Frame::Stretched([height, width]));
        }
        let channels = if self.mean.len() == 1 { 1 } else { 3 };
        Ok(Frame::Centre(FolderOptions {
            size: height,
            channels,
            shorter_side: Some(self.shorter_side.unwrap_or(height)),
            ..FolderOptions::default()
        }))
    }

    /// The first constant that no pixels from 0 to 1 have: whether it is a `mean` or a `std`, its value, and
    /// what would be valid.
    pub(crate) fn foreign_constant(&self) -> Option<(&'static str, f32, &'static str)> {
        const MEAN: &str = "0 to 1, as pixels are; of pixels from 0 to 255, divide it by 255";
        const STD: &str =
            "above 0 up to 1, as pixels are 0 to 1; of pixels from 0 to 255, divide it by 255";
        let is_mean = |value: &f32| (0.0..=1.0).contains(value);
        let is_std = |value: &f32| *value > 0.0 && *value <= 1.0;
        let mean = self.mean.iter().find(|value| !is_mean(value));
        let std = self.std.iter().find(|value| !is_std(value));
        let mean = mean.map(|&value| ("mean", value, MEAN));
        mean.or(std.map(|&value| ("std", value, STD)))
    }

    /// The images of a data set.
    pub fn of(data: &Dataset, config: &ImageData) -> Self {
        let files = config.set == DatasetId::Folder;
        let [_, height, width] = data.image_shape();
        Self {
            height,
            width,
            mean: data.mean().to_vec(),
            std: data.std().to_vec(),
            shorter_side: files.then(|| config.folder.shorter_side()),
        }
    }
}

impl ExportConfig {
    /// What the network tells apart.
    pub(crate) fn classes(&self) -> Classes {
        Classes {
            count: self.network.network.classes,
            names: self.class_names.clone(),
        }
    }

    /// The layout that this version writes and reads.
    pub const FORMAT: u32 = 1;

    /// Checks that the network can be built and its images be normalised.
    ///
    /// # Errors
    ///
    /// Naming what is wrong.
    pub fn validate(&self) -> Result<(), TrainError> {
        if self.format != Self::FORMAT {
            let valid = Self::FORMAT.to_string();
            return Err(TrainError::field("format", self.format, &valid));
        }
        self.network.validate(self.image.height, self.image.width)?;
        let channels = self.network.network.image_channels;
        for (field, values) in [
            ("image.mean", &self.image.mean),
            ("image.std", &self.image.std),
        ] {
            if values.len() != channels || !values.iter().all(|value| value.is_finite()) {
                let valid = format!("{channels} numbers, one a channel");
                return Err(TrainError::field(field, format!("{values:?}"), &valid));
            }
        }
        let classes = self.network.network.classes;
        if let Some(names) = self.class_names.as_ref().filter(|n| n.len() != classes) {
            let found = format!("{} names", names.len());
            let valid = format!("{classes} names, one a class");
            return Err(TrainError::field("class_names", found, &valid));
        }
        if self
            .inherited
            .is_some_and(|inherited| inherited.batch_size == 0)
        {
            return Err(TrainError::field("inherited.batch_size", 0, "1 or more"));
        }
        if let Some((constant, found, valid)) = self.image.foreign_constant() {
            let field = match constant {
                "mean" => "image.mean",
                _ => "image.std",
            };
            return Err(TrainError::field(field, found, valid));
        }
        Ok(())
    }
}
