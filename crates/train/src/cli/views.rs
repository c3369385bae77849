//! How often an image is looked at.

use clap::Args;

use crate::TrainError;
use crate::portable::{Portable, Views};

#[derive(Debug, Clone, Args)]
pub(super) struct ViewArgs {
    /// Look at every image resized by each of these factors, separated by commas, and average; for scenes.
    #[arg(long, value_name = "FACTOR", value_delimiter = ',')]
    scales: Vec<f64>,
    /// Look at every image in a mirror too, and average; for scenes.
    #[arg(long)]
    mirrored: bool,
}

/// Factors that can be meant.
const SCALES: std::ops::RangeInclusive<f64> = 0.1..=10.0;

impl ViewArgs {
    /// # Errors
    ///
    /// When the task looks at nothing, or a factor cannot be meant.
    pub(super) fn views<R: Portable>(&self) -> Result<Views, TrainError> {
        let option = if self.scales.is_empty() {
            "mirrored"
        } else {
            "scales"
        };
        let views = Views {
            scales: self.scales.clone(),
            mirrored: self.mirrored,
        };
        if views != Views::default() && !R::MAKES_PICTURES {
            return Err(of_scenes::<R>(option));
        }
        match self.scales.iter().find(|scale| !SCALES.contains(scale)) {
            None => Ok(views),
            Some(scale) => Err(TrainError::Option {
                option: "scales",
                found: scale.to_string(),
                valid: format!("factors from {} to {}", SCALES.start(), SCALES.end()),
            }),
        }
    }
}

/// An option that another kind of task has.
pub(super) fn of_scenes<R: Portable>(option: &'static str) -> TrainError {
    TrainError::Option {
        option,
        found: format!("given, but the network is of the task `{}`", R::NAME),
        valid: "no such option, which is for networks that answer with pictures".into(),
    }
}
