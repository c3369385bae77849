//! The choice among several searches: a short retraining of each, judged on validation images.

use std::fmt::Write as _;
use std::path::Path;

use burn::module::AutodiffModule;
use burn::optim::{GradientsParams, Optimizer};
use serde::Serialize;
use supernet::{
    DerivedConfig, DerivedNetwork, Genotype, NetworkConfig, Statistics, TrainBackend, WeightInit,
    count_weights,
};
use workbench::data::{AHEAD, RngKey, epoch_order, index_batches};
use workbench::evaluate::{cross_entropy, score};
use workbench::optim::{clip_global_norm, sgd_config};
use workbench::run::RunFolder;

use crate::job::{read_config, refused};
use crate::report::write_json;
use crate::{Outcome, SearchConfig, SearchError};

/// How candidates are retrained. Everything else, such as the learning rate, is as the search
/// trained its weights.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Retraining {
    /// Passes over the images that trained weights.
    pub epochs: usize,
    /// Channels of the first cells; those of the search where it is not given.
    pub channels: Option<usize>,
    /// Number of cells; that of the search where it is not given.
    pub cells: Option<usize>,
    /// Seed of the division of the images, of weights and of order: the same for all candidates.
    pub seed: u64,
}

/// What one search found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Candidate {
    /// Name of its folder.
    pub run: String,
    /// Its seed.
    pub seed: u64,
    /// Validation error of the child with inherited weights, in percent.
    pub child_error: f64,
    /// The derived architecture.
    pub genotype: Genotype,
    /// How the retraining ended.
    pub retrained: Option<Retrained>,
}

/// The end of a short retraining.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Retrained {
    /// Weights of the network.
    pub weights: usize,
    /// Validation loss with running statistics, in nats.
    pub validation_loss: f64,
    /// Validation error with running statistics, in percent.
    pub validation_error: f64,
}

/// The finished searches of a folder, by their seeds, and the configuration they share but for the
/// seed. `note` is told of those that are not finished.
///
/// # Errors
///
/// When there is none, a file cannot be read, or their settings differ.
pub(crate) fn candidates(
    folder: &Path,
    mut note: impl FnMut(&str),
) -> Result<(SearchConfig, Vec<Candidate>), SearchError> {
    let none = "holds no finished search; valid is a folder that `search run --seeds` filled";
    let entries = std::fs::read_dir(folder).map_err(|_| refused(folder, none))?;
    let mut shared: Option<SearchConfig> = None;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let run = entry.file_name().to_string_lossy().into_owned();
        let result = entry.path().join("result.json");
        if !run.starts_with("seed-") {
            continue;
        }
        if !result.exists() {
            note(&format!("`{run}` is not finished and not looked at"));
            continue;
        }
        let config = read_config(&RunFolder::open(entry.path())?)?;
        let seed = config.seed;
        let config = SearchConfig { seed: 0, ..config };
        if *shared.get_or_insert_with(|| config.clone()) != config {
            let problem = "was searched with other settings than the runs beside it; valid are \
                           runs that differ in their seed alone";
            return Err(refused(&entry.path(), problem));
        }
        let outcome = Outcome::read(&result)?;
        let place = result.display().to_string();
        found.push(Candidate {
            run,
            seed,
            child_error: outcome.child_error,
            genotype: Genotype::parse(&place, &outcome.genotype)?,
            retrained: None,
        });
    }
    found.sort_by_key(|candidate| candidate.seed);
    let shared = shared.ok_or_else(|| refused(folder, none))?;
    Ok((shared, found))
}

/// Trains an architecture from fresh weights on one part of the training images and judges it on the
/// other. `on_step` is called after each step with the number of all.
///
/// # Errors
///
/// When the network is impossible or the data cannot be loaded.
pub(crate) fn retrain<B: TrainBackend>(
    config: &SearchConfig,
    genotype: &Genotype,
    how: &Retraining,
    device: &B::Device,
    mut on_step: impl FnMut(usize),
) -> Result<Retrained, SearchError> {
    let splits = config.load()?;
    let network = NetworkConfig {
        channels: how.channels.unwrap_or(config.network.channels),
        cells: how.cells.unwrap_or(config.network.cells),
        ..config.supernet(&splits)?.network
    };
    // A search of this very division would have trained its logits on the images that judge.
    let division = splits.train.halves(config.data.weights_fraction, !how.seed);
    let (training, validation) = division.ok_or_else(|| config.no_division(&splits.train))?;
    let derived = DerivedConfig::new(network, genotype.clone());
    let mut model: DerivedNetwork<B> = derived.init(&mut WeightInit::new(how.seed), device)?;
    let mut optimizer = sgd_config(config.weights.momentum, config.weights.weight_decay).init();
    let batch_size = config.search.batch_size;
    let steps = training.len() / batch_size;
    let total = how.epochs * steps;
    for epoch in 0..how.epochs {
        let key = RngKey {
            seed: how.seed,
            epoch: epoch as u64,
        };
        let order = epoch_order(training.len(), key.seed, key.epoch);
        let lists = index_batches(&order, batch_size, true);
        let augment = Some(&config.data.augment);
        let batches = training.batches::<B>(lists, augment, key, AHEAD, device);
        for (step, batch) in batches.enumerate() {
            let batch = batch?;
            let done = epoch * steps + step;
            let progress = done as f64 / (total - 1).max(1) as f64;
            let logits = model.forward(batch.images, Statistics::TRAIN);
            let loss = cross_entropy(logits, batch.labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            let (gradients, _) = clip_global_norm(gradients, &model, config.weights.clip_norm);
            let rate = config.weights.learning_rate.value(progress);
            model = optimizer.step(rate, model, gradients);
            on_step(total);
        }
    }
    let inner = model.valid();
    let forward = |images, _| Ok::<_, SearchError>(inner.forward(images, Statistics::Running));
    let judged = score(&validation, batch_size, how.seed, device, forward)?;
    Ok(Retrained {
        weights: count_weights(&model),
        validation_loss: judged.loss,
        validation_error: judged.error,
    })
}

/// Retrained candidates and the best of them: `best.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Best {
    retraining: Retraining,
    candidates: Vec<Candidate>,
    best: String,
}

/// Picks the candidate of the least validation error, of several the one of the least loss, and
/// writes `best.json` and its `genotype.json` into the folder.
///
/// # Errors
///
/// When nothing was retrained or a file cannot be written.
pub(crate) fn choose(
    folder: &Path,
    how: &Retraining,
    candidates: Vec<Candidate>,
) -> Result<Best, SearchError> {
    let retrained = candidates
        .iter()
        .filter_map(|candidate| candidate.retrained.map(|end| (candidate, end)));
    let least = retrained.min_by(|(_, a), (_, b)| {
        let error = a.validation_error.total_cmp(&b.validation_error);
        error.then(a.validation_loss.total_cmp(&b.validation_loss))
    });
    let Some((candidate, _)) = least else {
        return Err(refused(folder, "holds nothing that was retrained"));
    };
    let genotype = candidate.genotype.clone();
    let best = Best {
        retraining: how.clone(),
        best: candidate.run.clone(),
        candidates,
    };
    write_json(&folder.join("genotype.json"), &genotype)?;
    write_json(&folder.join("best.json"), &best)?;
    Ok(best)
}

impl Best {
    /// The candidates as a table, and the name of the best.
    pub fn table(&self) -> String {
        let mut text = String::from(
            "run          child error %   retrained: validation error %   loss     weights\n",
        );
        for candidate in &self.candidates {
            let Some(end) = candidate.retrained else {
                continue;
            };
            let _ = writeln!(
                text,
                "{:<12} {:>13.2} {:>31.2} {:>6.3} {:>11}",
                candidate.run,
                candidate.child_error,
                end.validation_error,
                end.validation_loss,
                end.weights
            );
        }
        let _ = writeln!(text, "best         {}", self.best);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_validation_error_wins_and_then_the_least_loss() {
        let genotype: Genotype = "normal: skip_connect@0\nreduce: skip_connect@1"
            .parse()
            .unwrap();
        // The child's error with inherited weights has no say.
        let candidate = |seed, child_error, validation_error, validation_loss| Candidate {
            run: format!("seed-{seed}"),
            seed,
            child_error,
            genotype: genotype.clone(),
            retrained: Some(Retrained {
                weights: 10,
                validation_loss,
                validation_error,
            }),
        };
        let how = Retraining {
            epochs: 1,
            channels: None,
            cells: None,
            seed: 0,
        };
        let folder = tempfile::tempdir().unwrap();
        let all = vec![
            candidate(0, 1.0, 5.0, 0.1),
            candidate(1, 9.0, 4.0, 0.3),
            candidate(2, 8.0, 4.0, 0.2),
            candidate(3, 0.0, 4.0, f64::NAN),
        ];
        let best = choose(folder.path(), &how, all).unwrap();
        assert_eq!(best.best, "seed-2");
        assert!(best.table().ends_with("best         seed-2\n"));
        let text = std::fs::read_to_string(folder.path().join("genotype.json")).unwrap();
        assert_eq!(Genotype::parse("genotype.json", &text).unwrap(), genotype);
        assert!(choose(folder.path(), &how, Vec::new()).is_err());
    }
}
