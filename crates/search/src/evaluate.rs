use egs_core::NoiseKey;
use supernet::{Architecture, DerivedNetwork, ModelBackend, Run, Statistics, Supernet};
use workbench::data::Dataset;
use workbench::evaluate::{Score, score};

use crate::step::predict;
use crate::{SearchConfig, SearchError};

/// Scores the supernet as the method runs it, with a new draw for each batch and the batch's own
/// statistics. `pass` tells one evaluation's noise from another's.
///
/// # Errors
///
/// The estimator's own.
pub fn score_supernet<B: ModelBackend>(
    supernet: &Supernet<B>,
    architecture: &Architecture<B>,
    data: &Dataset,
    config: &SearchConfig,
    temperature: f64,
    pass: u64,
    device: &B::Device,
) -> Result<Score, SearchError> {
    score(
        data,
        config.search.batch_size,
        config.seed,
        device,
        |images, index| {
            // Evaluation has a key of its own, so that it never repeats a training step's noise.
            let key = NoiseKey::new(!config.seed, (pass << 32) | index);
            let run = Run::SCORE;
            Ok(predict(
                supernet,
                architecture,
                images,
                config,
                temperature,
                key,
                run,
            )?
            .logits)
        },
    )
}

/// Scores a derived network with the given statistics; [`Statistics::Batch`] is the counterpart of
/// [`score_supernet`].
///
/// # Errors
///
/// When an image file cannot be read.
pub fn score_child<B: ModelBackend>(
    child: &DerivedNetwork<B>,
    data: &Dataset,
    config: &SearchConfig,
    statistics: Statistics,
    device: &B::Device,
) -> Result<Score, SearchError> {
    score(
        data,
        config.search.batch_size,
        config.seed,
        device,
        |images, _| Ok(child.forward(images, statistics)),
    )
}
