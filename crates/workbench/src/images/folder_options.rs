//! How image files of a folder are read.

use serde::{Deserialize, Serialize};

use crate::{Result, WorkbenchError};

/// Mean and deviation of each colour over ImageNet's training images; the usual constants for
/// photographs of any kind. Grey takes their averages.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];
const GREY_MEAN: f32 = 0.449;
const GREY_STD: f32 = 0.226;

const COLOUR: u8 = 3;
const GREY: u8 = 1;

/// Runs that are older than the choice do not state it.
fn is_colour(channels: &u8) -> bool {
    *channels == COLOUR
}

/// How image files become images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderOptions {
    /// Side of the square images, in pixels.
    pub size: u16,
    /// For evaluation the shorter side of a picture is resized to this and a square of `size` is cut
    /// out at the centre; `size * 8 / 7` where it is left out, which is 256 for 224.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shorter_side: Option<u16>,
    /// 3 for colour, 1 for grey.
    #[serde(skip_serializing_if = "is_colour")]
    pub channels: u8,
    /// What of a picture is shown in training, that is, where random changes are asked for.
    pub training_crop: TrainingCrop,
    /// What to do about a file that cannot be read.
    pub on_corrupt: OnCorrupt,
}

/// What of a picture is shown in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingCrop {
    /// A random rectangle of 8 % to all of its area, resized to the square.
    Random,
    /// The centre, as for evaluation.
    Centre,
}

/// What to do about an image file that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCorrupt {
    /// The next readable file of the order the batches are cut from stands in for it, from the start
    /// of the order again after its end, with the label, crop and changes of that file.
    Skip,
    /// The batch is an error that names the file.
    #[default]
    Stop,
}

impl Default for FolderOptions {
    fn default() -> Self {
        Self {
            size: 224,
            shorter_side: None,
            channels: COLOUR,
            training_crop: TrainingCrop::Random,
            on_corrupt: OnCorrupt::default(),
        }
    }
}

impl FolderOptions {
    /// The side that the shorter side of a picture is resized to for evaluation.
    pub fn shorter_side(&self) -> u16 {
        let usual = (u32::from(self.size) * 8 / 7).min(u32::from(u16::MAX)) as u16;
        self.shorter_side.unwrap_or(usual)
    }

    /// Channels of an image.
    pub fn channels(&self) -> usize {
        self.channels.into()
    }

    /// Mean and deviation of each channel, of pixels in 0..=1.
    pub(super) fn normalisation(&self) -> (Vec<f32>, Vec<f32>) {
        match self.channels {
            GREY => (vec![GREY_MEAN], vec![GREY_STD]),
            _ => (MEAN.to_vec(), STD.to_vec()),
        }
    }

    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        if self.size == 0 {
            return Err(WorkbenchError::field(
                "data.folder.size",
                0,
                "1 or more pixels",
            ));
        }
        if ![GREY, COLOUR].contains(&self.channels) {
            let valid = "1 (grey) or 3 (colour)";
            let field = "data.folder.channels";
            return Err(WorkbenchError::field(field, self.channels, valid));
        }
        if self.shorter_side() < self.size {
            let valid = format!("`data.folder.size`, which is {}, or more", self.size);
            return Err(WorkbenchError::field(
                "data.folder.shorter_side",
                self.shorter_side(),
                &valid,
            ));
        }
        Ok(())
    }
}
