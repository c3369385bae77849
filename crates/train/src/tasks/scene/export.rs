use serde::{Deserialize, Serialize};
use supernet::segmentation::SegmentationNetworkConfig;
use workbench::images::Classes;
use workbench::scenes::{PairOptions, StandInOptions};

use crate::TrainError;
use crate::portable::Inherited;

/// `config.json` of an exported network. Its tensors are called `backbone.` and as DARTS' PyTorch code calls
/// them, and `classifier.` and `aux_classifier.` as torchvision's `deeplabv3` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneExport {
    /// Layout of this file; 1.
    pub format: u32,
    /// The network.
    pub network: SegmentationNetworkConfig,
    /// Its images.
    pub image: SceneImages,
    /// Names of the classes in the order of their logits.
    pub class_names: Vec<String>,
    /// What it was trained on, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<SceneTrainedOn>,
    /// How its search scores it, where its weights and running statistics are those of a supernet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Inherited>,
}

/// How an image is given to a network, at its own size: `(pixel - mean) / std` for each colour, of pixels in
/// 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneImages {
    /// Of red, green and blue.
    pub mean: [f32; 3],
    /// Of red, green and blue.
    pub std: [f32; 3],
}

/// Where a network's weights are from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneTrainedOn {
    /// Data set.
    pub data: String,
    /// Seed of the training.
    pub seed: u64,
    /// Epochs of the training.
    pub epochs: usize,
    /// The scenes that were made, for `data` `scenes`.
    #[serde(default)]
    pub scenes: StandInOptions,
    /// How images found their masks, for `data` `folder`.
    #[serde(default)]
    pub folder: PairOptions,
}

impl SceneExport {
    /// The layout that this version writes and reads.
    pub const FORMAT: u32 = 1;

    /// What the network tells apart.
    pub(super) fn classes(&self) -> Classes {
        Classes {
            count: self.network.network.classes,
            names: Some(self.class_names.clone()),
        }
    }

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
        // Any size will do for what does not depend on it.
        self.network.validate(64, 64)?;
        let network = &self.network.network;
        if network.image_channels != 3 {
            return Err(TrainError::field(
                "network.network.image_channels",
                network.image_channels,
                "3",
            ));
        }
        let names = self.class_names.len();
        if names != network.classes {
            let valid = format!("{} names, one a class", network.classes);
            return Err(TrainError::field(
                "class_names",
                format!("{names} names"),
                &valid,
            ));
        }
        let SceneImages { mean, std } = self.image;
        if !mean.iter().all(|value| (0.0..=1.0).contains(value)) {
            let valid = "three numbers from 0 to 1, as pixels are";
            return Err(TrainError::field("image.mean", format!("{mean:?}"), valid));
        }
        if !std.iter().all(|value| *value > 0.0 && *value <= 1.0) {
            let valid = "three numbers above 0 up to 1, as pixels are 0 to 1";
            return Err(TrainError::field("image.std", format!("{std:?}"), valid));
        }
        match self.inherited {
            Some(inherited) if inherited.batch_size == 0 => {
                Err(TrainError::field("inherited.batch_size", 0, "1 or more"))
            }
            _ => Ok(()),
        }
    }
}
