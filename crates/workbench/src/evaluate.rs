//! Scoring classifiers.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::WorkbenchError;
use crate::data::{AHEAD, Dataset, RngKey, epoch_order};

/// How a classifier does on a data set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Share of images classified wrongly, in percent.
    pub error: f64,
}

/// Mean cross-entropy `[1]` of class logits `[batch, classes]` and labels `[batch]`.
pub fn cross_entropy<B: Backend>(logits: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let chosen = log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1));
    -chosen.mean()
}

/// Mean cross-entropy `[1]` against labels of which each gives the share `smoothing` to all classes
/// evenly (Szegedy et al. 2016): `(1 - s) ce(label) + s mean over classes of ce(class)`. Shapes are
/// those of [`cross_entropy`].
pub fn smoothed_cross_entropy<B: Backend>(
    logits: Tensor<B, 2>,
    labels: Tensor<B, 1, Int>,
    smoothing: f64,
) -> Tensor<B, 1> {
    if smoothing == 0.0 {
        return cross_entropy(logits, labels);
    }
    let log_probabilities = log_softmax(logits, 1);
    let chosen = log_probabilities.clone().gather(1, labels.unsqueeze_dim(1));
    -(chosen.mean() * (1.0 - smoothing) + log_probabilities.mean() * smoothing)
}

/// Number of images `[1]` whose largest logit `[batch, classes]` is not their label `[batch]`.
pub fn mistakes<B: Backend>(logits: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let predicted = logits.argmax(1).flatten::<1>(0, 1);
    predicted.not_equal(labels).float().sum()
}

// The epoch that orders evaluation: fixed, and never reached by training.
const EVALUATION: u64 = u64::MAX;

/// Cuts a data set into batches of nearly equal size, at most `batch_size`, in a fixed mixed order: a
/// network scored with the statistics of its batch needs batches that are neither small nor of one
/// class.
fn batches(count: usize, batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    let order = epoch_order(count, seed, EVALUATION);
    let parts = count.div_ceil(batch_size).max(1);
    (0..parts)
        .map(|part| order[part * count / parts..(part + 1) * count / parts].to_vec())
        .collect()
}

/// Scores `forward`, which gives class logits for images `[batch, channels, height, width]` and the
/// number of the batch.
///
/// # Errors
///
/// Those of `forward`, and those of reading image files.
pub fn score<B: Backend, E: From<WorkbenchError>>(
    data: &Dataset,
    batch_size: usize,
    seed: u64,
    device: &B::Device,
    mut forward: impl FnMut(Tensor<B, 4>, u64) -> Result<Tensor<B, 2>, E>,
) -> Result<Score, E> {
    let mut totals = Tensor::<B, 1>::zeros([2], device);
    let key = RngKey {
        seed,
        epoch: EVALUATION,
    };
    let lists = batches(data.len(), batch_size, seed);
    let batches = data.batches::<B>(&lists, None, key, AHEAD, device);
    for (index, (batch, indices)) in batches.zip(&lists).enumerate() {
        let batch = batch?;
        let logits = forward(batch.images, index as u64)?;
        let wrong = mistakes(logits.clone(), batch.labels.clone());
        let loss = cross_entropy(logits, batch.labels) * indices.len() as f64;
        totals = totals + Tensor::cat(vec![loss, wrong], 0);
    }
    let totals: Vec<f64> = totals.into_data().iter::<f64>().collect();
    let count = data.len() as f64;
    Ok(Score {
        loss: totals[0] / count,
        error: 100.0 * totals[1] / count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetId, load};
    use burn_flex::Flex;

    #[test]
    fn batches_cover_everything_once_and_are_of_nearly_equal_size() {
        let batches = batches(370, 64, 1);
        let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
        assert_eq!(
            (sizes.iter().min(), sizes.iter().max()),
            (Some(&61), Some(&62))
        );
        let mut all: Vec<_> = batches.concat();
        all.sort();
        assert_eq!(all, (0..370).collect::<Vec<_>>());
    }

    #[test]
    fn cross_entropy_and_mistakes_have_their_textbook_values() {
        let device = Default::default();
        let logits = Tensor::<Flex, 2>::from_data([[0.0, 0.0, 0.0], [1.0, 3.0, 2.0]], &device);
        let labels = Tensor::<Flex, 1, Int>::from_data([2, 1], &device);
        let second = -(3f32.exp() / (1f32.exp() + 2f32.exp() + 3f32.exp())).ln();
        let expected = (3f32.ln() + second) / 2.0;
        let loss: f32 = cross_entropy(logits.clone(), labels.clone()).into_scalar();
        assert!((loss - expected).abs() < 1e-6);
        assert_eq!(mistakes(logits, labels).into_scalar(), 1.0);
    }

    #[test]
    fn label_smoothing_follows_its_formula() {
        let device = Default::default();
        let rows = [[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, 2.0, -2.0]];
        let labels = [2, 0];
        let smoothing = 0.1;
        let mut expected = 0.0;
        for (row, label) in rows.iter().zip(labels) {
            let total: f64 = row.iter().map(|x: &f64| x.exp()).sum();
            for (class, logit) in row.iter().enumerate() {
                let target = smoothing / 4.0 + if class == label { 1.0 - smoothing } else { 0.0 };
                expected -= target * (logit - total.ln()) / 2.0;
            }
        }
        let logits = || Tensor::<Flex, 2>::from_data(rows, &device);
        let targets = || Tensor::<Flex, 1, Int>::from_data([2, 0], &device);
        let loss: f32 = smoothed_cross_entropy(logits(), targets(), smoothing).into_scalar();
        assert!(
            (f64::from(loss) - expected).abs() < 1e-6,
            "{loss} {expected}"
        );
        let plain: f32 = smoothed_cross_entropy(logits(), targets(), 0.0).into_scalar();
        assert_eq!(plain, cross_entropy(logits(), targets()).into_scalar());
    }

    #[test]
    fn a_constant_answer_is_wrong_for_all_other_classes() {
        let data = load(DatasetId::Digits, None).unwrap().test;
        let zeros = data.labels().iter().filter(|label| **label == 0).count();
        let device = Default::default();
        let score = score::<Flex, WorkbenchError>(&data, 64, 0, &device, |images, _| {
            let first = Tensor::<Flex, 2>::zeros([images.dims()[0], 10], &images.device());
            Ok(first.slice_fill([0..images.dims()[0], 0..1], 1.0))
        })
        .unwrap();
        let expected = 100.0 * (1.0 - zeros as f64 / data.len() as f64);
        assert!((score.error - expected).abs() < 1e-4);
    }
}
