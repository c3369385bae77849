//! What the estimator chose, with what decided it.

use std::ops::Range;

use egs_core::{Activation, EgsBackend, LOG_EPSILON, NoiseKey, RELU_EPSILON};

use super::{Architecture, ArchitectureConfig};
use crate::SupernetError;

/// The code of one of the estimator's rows, and how close its draws were.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Which kind of cell, an index of [`OperationSet::CELLS`](super::OperationSet::CELLS).
    pub table: usize,
    /// The edges that the row covers.
    pub edges: Range<usize>,
    /// The row's logits, `[edges * ops]`.
    pub logits: Vec<f32>,
    /// Which entries of the row are on, `[edges * ops]`.
    pub code: Vec<bool>,
    /// Smallest distance, over the draws, of the best score `ln p + noise` from the second best: scores that
    /// are each off by less than half of it make the same code.
    pub margin: f32,
}

impl<B: EgsBackend> Architecture<B> {
    /// The codes that [`sample`](Self::sample) draws with this key, row by row.
    ///
    /// # Errors
    ///
    /// As [`sample`](Self::sample).
    pub fn choices(
        &self,
        config: &ArchitectureConfig,
        temperature: f64,
        key: NoiseKey,
    ) -> Result<Vec<Choice>, SupernetError> {
        let estimator = config.estimator(temperature)?;
        let [tables, edges, ops] = self.logits.dims();
        let mut choices = Vec::new();
        let mut first_edge = 0;
        self.by_rows(config.sampling, |rows, first_row| {
            let [count, entries] = rows.dims();
            let sample = estimator.sample(rows.clone(), key.with_first_row(first_row))?;
            let code: Vec<f32> = sample.code.into_data().iter().collect();
            let logits: Vec<f32> = rows.clone().into_data().iter().collect();
            let noise = key
                .with_first_row(first_row)
                .gumbel(count, config.draws, entries);
            let covered = entries / ops;
            let in_table = count / tables;
            for row in 0..count {
                let at = row * entries..(row + 1) * entries;
                let noise = &noise[row * config.draws * entries..][..config.draws * entries];
                let first = first_edge + row % in_table * covered;
                let row_logits = logits[at.clone()].to_vec();
                choices.push(Choice {
                    table: row / in_table,
                    edges: first..first + covered,
                    margin: margin(&row_logits, noise, config.activation),
                    logits: row_logits,
                    code: code[at].iter().map(|&on| on > 0.0).collect(),
                });
            }
            first_edge = (first_edge + in_table * covered).min(edges);
            Ok::<_, SupernetError>(rows)
        })?;
        Ok(choices)
    }
}

/// Smallest distance of the two best scores over the draws; `noise` is `[draws, entries]`. Infinite where there
/// is one entry.
fn margin(logits: &[f32], noise: &[f32], activation: Activation) -> f32 {
    let log_probabilities = log_probabilities(logits, activation);
    let draws = noise.chunks(logits.len()).map(|noise| {
        let scores = log_probabilities.iter().zip(noise);
        let (mut best, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        for score in scores.map(|(log, noise)| log + noise) {
            if score > best {
                (best, second) = (score, best);
            } else {
                second = second.max(score);
            }
        }
        best - second
    });
    draws.fold(f32::INFINITY, f32::min)
}

fn log_probabilities(logits: &[f32], activation: Activation) -> Vec<f32> {
    let raw: Vec<f32> = match activation {
        Activation::Softmax => {
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            logits.iter().map(|logit| (logit - most).exp()).collect()
        }
        Activation::Relu => logits.iter().map(|logit| logit.max(0.0)).collect(),
    };
    let sum = raw.iter().sum::<f32>();
    let sum = match activation {
        Activation::Softmax => sum,
        Activation::Relu => sum + RELU_EPSILON,
    };
    raw.iter()
        .map(|value| (value / sum + LOG_EPSILON).ln())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::{Sampling, SearchSpace};
    use crate::{Operation, WeightInit};
    use burn_flex::Flex;

    fn architecture() -> (Architecture<Flex>, SearchSpace<Operation>) {
        let space = SearchSpace {
            nodes: 3,
            ..SearchSpace::default()
        };
        let device = Default::default();
        let mut init = WeightInit::new(3);
        let logits = Architecture::new(&space, Activation::Softmax, &mut init, &device);
        (logits, space)
    }

    #[test]
    fn choices_are_what_is_sampled() {
        let (logits, space) = architecture();
        for sampling in [Sampling::PerEdge, Sampling::PerNode] {
            let config = ArchitectureConfig {
                sampling,
                ..ArchitectureConfig::default()
            };
            let key = NoiseKey::new(7, 4);
            let sample = logits.sample(&config, 1.0, key).unwrap();
            let choices = logits.choices(&config, 1.0, key).unwrap();
            let mut seen = 0;
            for choice in &choices {
                let active = &sample.codes.tables[choice.table].active[choice.edges.clone()];
                assert_eq!(choice.code, active.concat(), "{sampling:?}");
                assert!(choice.margin > 0.0 && choice.margin.is_finite());
                seen += choice.edges.len();
            }
            let tables = sample.codes.tables.len();
            assert_eq!(seen, tables * space.edges(), "{sampling:?}");
            assert_eq!(choices.len(), tables * config.rows(&space).len());
        }
    }

    #[test]
    fn a_margin_is_the_distance_of_the_two_best_scores() {
        let close = margin(&[0.0, 0.0, -9.0], &[1.0, 0.75, 0.0], Activation::Softmax);
        assert!((close - 0.25).abs() < 1e-6, "{close}");
        let two = [1.0, 0.75, 0.0, 0.0, 0.0, 9.0625];
        let far = margin(&[0.0, 0.0, 0.0], &two, Activation::Relu);
        assert!((far - 0.25).abs() < 1e-6, "{far}");
        assert_eq!(margin(&[1.0], &[0.5], Activation::Softmax), f32::INFINITY);
    }
}
