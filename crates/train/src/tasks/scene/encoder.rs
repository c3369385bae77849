//! A training that begins with the encoder of a classifier.

use std::path::Path;

use supernet::segmentation::{SegmentationNetwork, SegmentationNetworkConfig};
use supernet::{SupernetError, TrainBackend};

use crate::TrainError;
use crate::cli::network_in;
use crate::export::exported_task;
use crate::portable::Portable;
use crate::tasks::image::ImageRecipe;

/// The network with the encoder of the classifier in a folder, and what was taken over.
///
/// # Errors
///
/// When the folder holds no classifier of the same cells, or its weights are a supernet's.
pub(super) fn take_over<B: TrainBackend>(
    config: &SegmentationNetworkConfig,
    network: SegmentationNetwork<B>,
    folder: &Path,
    device: &B::Device,
) -> Result<(SegmentationNetwork<B>, Vec<String>), TrainError> {
    let shown = folder.display();
    let refused = |found: String, valid: &str| {
        TrainError::field("fit.encoder", format!("`{shown}`, {found}"), valid)
    };
    let valid = "a run folder of `train fit` on images or an exported network for images";
    if !folder.is_dir() {
        return Err(refused("which is no folder".into(), valid));
    }
    if let Ok(task) = exported_task(folder)
        && task != "image"
    {
        return Err(refused(format!("a network of the task `{task}`"), valid));
    }
    let (export, classifier) = network_in::<B, ImageRecipe>(folder, None, device)?;
    if export.inherited.is_some() {
        let valid = "a network that was trained: `train fit` with the cells of the search";
        return Err(refused(
            "the child of a search, with a supernet's weights".into(),
            valid,
        ));
    }
    let state = ImageRecipe::state_dict(&classifier);
    let taken = config.take_encoder(network, &export.network, &state);
    let (network, transfer) = taken.map_err(|error| match error {
        SupernetError::Config { found, valid, .. } => refused(found, &valid),
        other => other.into(),
    })?;
    let numbers = |values: &[f32]| {
        let values: Vec<String> = values.iter().map(|value| format!("{value:.3}")).collect();
        values.join(", ")
    };
    let mut notes = vec![format!("encoder of `{shown}`: {transfer}")];
    let (mean, std) = (&export.image.mean, &export.image.std);
    notes.push(format!(
        "its images were normalised with the mean {} and the deviation {}; those of this training are with \
         ImageNet's, 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225",
        numbers(mean),
        numbers(std)
    ));
    Ok((network, notes))
}
