use burn::tensor::{Tensor, backend::Backend};
use egs_core::NoiseKey;
use supernet::{Architecture, DerivedNetwork, ModelBackend, Run, Statistics, Supernet};
use workbench::data::{Dataset, RngKey, epoch_order};

use crate::step::{cross_entropy, mistakes, predict};
use crate::{SearchConfig, SearchError};

/// How a network does on a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Share of images classified wrongly, in percent.
    pub error: f64,
}

// The epoch that orders evaluation: fixed, and never reached by training.
const EVALUATION: u64 = u64::MAX;

/// Cuts a data set into batches of nearly equal size, at most `batch_size`, in a fixed mixed order.
/// A network scored with the statistics of its batch needs batches that are neither small nor of one
/// class.
fn batches(data: &Dataset, batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    let order = epoch_order(data.len(), seed, EVALUATION);
    let count = order.len().div_ceil(batch_size).max(1);
    (0..count)
        .map(|i| order[i * order.len() / count..(i + 1) * order.len() / count].to_vec())
        .collect()
}

fn score<B: Backend>(
    data: &Dataset,
    config: &SearchConfig,
    device: &B::Device,
    mut forward: impl FnMut(Tensor<B, 4>, u64) -> Result<Tensor<B, 2>, SearchError>,
) -> Result<Score, SearchError> {
    let mut totals = Tensor::<B, 1>::zeros([2], device);
    let key = RngKey { seed: config.seed, epoch: EVALUATION };
    for (index, indices) in batches(data, config.search.batch_size, config.seed).iter().enumerate() {
        let batch = data.batch::<B>(indices, None, key, device);
        let logits = forward(batch.images, index as u64)?;
        let wrong = mistakes(logits.clone(), batch.labels.clone());
        let loss = cross_entropy(logits, batch.labels) * indices.len() as f64;
        totals = totals + Tensor::cat(vec![loss, wrong], 0);
    }
    let totals: Vec<f64> = totals.into_data().iter::<f64>().collect();
    let count = data.len() as f64;
    Ok(Score { loss: totals[0] / count, error: 100.0 * totals[1] / count })
}

/// Scores the supernet under sampled codes, a new sample for each batch, with batch statistics.
/// `pass` tells one evaluation's noise from another's.
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
    score(data, config, device, |images, index| {
        // Evaluation has a key of its own, so that it never repeats a training step's noise.
        let key = NoiseKey::new(!config.seed, (pass << 32) | index);
        let run = Run::SCORE;
        Ok(predict(supernet, architecture, images, config, temperature, key, run)?.logits)
    })
}

/// Scores a derived network with the given statistics; `Statistics::Batch` is the counterpart of
/// [`score_supernet`].
///
/// # Errors
///
/// None of its own.
pub fn score_child<B: ModelBackend>(
    child: &DerivedNetwork<B>,
    data: &Dataset,
    config: &SearchConfig,
    statistics: Statistics,
    device: &B::Device,
) -> Result<Score, SearchError> {
    score(data, config, device, |images, _| Ok(child.forward(images, statistics)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::data::{DatasetId, load};

    #[test]
    fn evaluation_batches_cover_everything_once_and_are_of_nearly_equal_size() {
        let data = load(DatasetId::Digits, None).unwrap().test;
        let batches = batches(&data, 64, 1);
        let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
        assert_eq!(sizes, [60; 6]);
        let mut all: Vec<_> = batches.concat();
        all.sort();
        assert_eq!(all, (0..360).collect::<Vec<_>>());
    }
}
