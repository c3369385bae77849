use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use supernet::segmentation::{
    EncoderChoice, SegmentationConfig, SegmentationNetworkConfig, SegmentationSize,
};
use workbench::config::Joined;
use workbench::config::checks::{below_one, not_negative};

use super::SceneRecipe;
use crate::{FitConfig, TrainError};

/// How the training images are divided: a field of the section `data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingShare {
    /// Share of the training images that is held out and scored after every epoch.
    pub validation: f64,
}

/// The section `network`.
pub type SceneSection = Joined<SegmentationSize, SceneEncoder>;

/// Which encoder the network has: fields of the section `network`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneEncoder {
    /// What makes features of an image.
    pub encoder: EncoderKind,
    /// Channels of a stage of the plain encoder, as a multiple of those of a cell's nodes; without it, what
    /// comes nearest to the weights that the network has with the cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_width: Option<usize>,
}

/// What makes features of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncoderKind {
    /// What the genotype describes.
    Cells,
    /// A separable convolution in place of each cell, the baseline; the genotype says no more than how many
    /// weights the network has.
    Plain,
}

/// Fields of the section `fit` that only scenes have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneFit {
    /// Weight of the auxiliary head's loss; 0 builds no head.
    pub auxiliary_weight: f64,
    /// Drop-path's rate, reached along a straight line from 0.
    pub drop_path: f64,
    /// A classifier of the same cells whose encoder the training begins with: a run folder of `train` or an
    /// exported network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<PathBuf>,
}

/// Widest stage that is tried.
const WIDEST: usize = 64;

/// The network for so many classes.
///
/// # Errors
///
/// When it cannot be built for images of `sides`.
pub(super) fn network(
    config: &FitConfig<SceneRecipe>,
    classes: usize,
    sides: [usize; 2],
) -> Result<SegmentationNetworkConfig, TrainError> {
    let SceneSection { common: size, own } = &config.network;
    let network = SegmentationConfig {
        image_channels: 3,
        classes,
        size: size.clone(),
    };
    let auxiliary = config.fit.own.auxiliary_weight > 0.0;
    let with = |encoder| SegmentationNetworkConfig {
        network: network.clone(),
        encoder,
        auxiliary,
    };
    let cells = with(EncoderChoice::Cells {
        genotype: config.genotype.clone(),
    });
    let chosen = match (own.encoder, own.plain_width) {
        (EncoderKind::Cells, _) => cells,
        (EncoderKind::Plain, Some(width)) => with(EncoderChoice::Plain { width }),
        (EncoderKind::Plain, None) => {
            let plain = |width| with(EncoderChoice::Plain { width });
            let wanted = weights(&cells, sides)?;
            let mut nearest = (usize::MAX, plain(1));
            for candidate in (1..=WIDEST).map(plain) {
                let distance = weights(&candidate, sides)?.abs_diff(wanted);
                if distance >= nearest.0 {
                    break;
                }
                nearest = (distance, candidate);
            }
            nearest.1
        }
    };
    chosen.validate(sides[0], sides[1])?;
    Ok(chosen)
}

/// Weights of a network without the auxiliary head.
fn weights(
    network: &SegmentationNetworkConfig,
    [height, width]: [usize; 2],
) -> Result<usize, TrainError> {
    let bare = SegmentationNetworkConfig {
        auxiliary: false,
        ..network.clone()
    };
    let layers = bare.layers(height, width)?;
    Ok(layers.iter().map(|layer| layer.weights).sum())
}

/// Checks what can be checked without the data.
pub(super) fn validate(config: &FitConfig<SceneRecipe>) -> Result<(), TrainError> {
    config.data.validate()?;
    config.network.validate()?;
    below_one("data.validation", config.data.own.validation)?;
    let (fit, own) = (&config.fit, &config.fit.own);
    if fit.patience > 0 && config.data.own.validation == 0.0 {
        let valid = "0, unless data.validation holds out images to judge by";
        return Err(TrainError::field("fit.patience", fit.patience, valid));
    }
    below_one("fit.drop_path", own.drop_path)?;
    not_negative("fit.auxiliary_weight", own.auxiliary_weight)?;
    let section = &config.network.own;
    match (section.encoder, section.plain_width, &own.encoder) {
        (EncoderKind::Cells, Some(width), _) => {
            let valid = "left out, unless network.encoder is \"plain\"";
            Err(TrainError::field("network.plain_width", width, valid))
        }
        (EncoderKind::Plain, _, Some(encoder)) => {
            let valid = "left out with network.encoder = \"plain\", as a classifier has cells";
            Err(TrainError::field("fit.encoder", encoder.display(), valid))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    fn resolve(set: &[&str]) -> Result<FitConfig<SceneRecipe>, TrainError> {
        let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
        FitConfig::resolve(None, &set)
    }

    #[test]
    fn the_default_is_valid_and_round_trips() {
        let config = resolve(&[]).unwrap();
        let text = config.to_toml().unwrap();
        let source = workbench::config::Source {
            name: "again",
            text: &text,
        };
        let again = FitConfig::<SceneRecipe>::resolve(Some(source), &[]).unwrap();
        assert_eq!(config, again);
        assert_eq!(config.name, "fit-scenes");
        assert!(SceneRecipe::DEFAULTS.contains("stand-in"));
    }

    #[test]
    fn a_plain_encoder_has_about_as_many_weights_as_the_cells() {
        let of = |set: &[&str]| {
            let network = network(&resolve(set).unwrap(), 11, [64; 2]).unwrap();
            weights(&network, [64; 2]).unwrap() as f64
        };
        let cells = of(&[]);
        let plain = of(&["network.encoder=plain"]);
        assert!((plain / cells - 1.0).abs() < 0.1, "{plain} {cells}");
        let narrow = of(&["network.encoder=plain", "network.plain_width=1"]);
        assert!(narrow < plain);
    }

    #[test]
    fn fields_that_do_not_go_together_are_refused() {
        for (set, expected) in [
            (
                &["network.plain_width=3"][..],
                "`network.plain_width` is 3; valid: left out",
            ),
            (
                &["network.encoder=plain", "fit.encoder=there"],
                "`fit.encoder` is there; valid: left out",
            ),
            (&["fit.patience=2"], "`fit.patience` is 2"),
            (&["data.validation=1.0"], "`data.validation` is 1"),
            (&["data.crop=3"], "`data.crop` is 3"),
            (&["network.stem_stride=3"], "`network.stem_stride` is 3"),
            (&["network.pyramid.width=3"], "unknown field"),
            (&["data.set=folder"], "`data.folder.classes` is []"),
        ] {
            let message = resolve(set).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
