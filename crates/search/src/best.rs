//! The choice among several searches: a short retraining of each, judged on validation data.

use std::path::Path;

use burn::module::AutodiffModule;
use burn::optim::GradientsParams;
use serde::Serialize;
use serde_json::{Value, json};
use supernet::{Genotype, Sgd, Statistics, TrainBackend, WeightInit, count_weights};
use workbench::columns::{aligned, field};
use workbench::files::write_json;
use workbench::problem::{Phase, Problem, Split, Visit};
use workbench::record::{Metric, SearchOutcome};
use workbench::run_folder::RunFolder;
use workbench::stream::RngKey;
use workbench::training::{PassOutput, TrainingStep};

use crate::evaluate::Scoring;
use crate::seeds::{nothing_finished, seed_folders};
use crate::{SearchConfig, SearchError, Task, TrainTask};

/// How candidates are retrained. Everything else, such as the learning rate, is as the search
/// trained its weights.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Retraining {
    /// Passes over the data that trained weights.
    pub epochs: usize,
    /// Fields of the configuration in place of the search's, `network.channels=16`.
    pub set: Vec<String>,
    /// Seed of the division of the data, of weights and of order: the same for all candidates.
    pub seed: u64,
}

/// What one search found.
#[derive(Debug, Clone)]
pub(crate) struct Candidate<T: Task> {
    /// Name of its folder.
    pub run: String,
    /// Its seed.
    pub seed: u64,
    /// Validation score of the child with inherited weights.
    pub child: f64,
    /// The derived architecture.
    pub genotype: Genotype<T::Op>,
    /// How the retraining ended.
    pub retrained: Option<Retrained>,
}

/// The end of a short retraining.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retrained {
    /// Weights of the network.
    pub weights: usize,
    /// Validation loss with running statistics, in nats.
    pub validation_loss: f64,
    /// Validation score with running statistics, in the metric's unit.
    pub validation: f64,
}

/// The finished searches of a folder, by their seeds, and the configuration they share but for the
/// seed. `note` is told of those that are not finished.
///
/// # Errors
///
/// When there is none, a file cannot be read, or their settings differ.
pub(crate) fn candidates<T: Task>(
    folder: &Path,
    mut note: impl FnMut(&str),
) -> Result<(SearchConfig<T>, Vec<Candidate<T>>), SearchError> {
    let mut shared: Option<SearchConfig<T>> = None;
    let mut found = Vec::new();
    for run in seed_folders(folder)? {
        let name = run.path().file_name().unwrap_or_default().to_string_lossy();
        let Some(outcome) = run.outcome::<SearchOutcome>()? else {
            note(&format!("`{name}` is not finished and not looked at"));
            continue;
        };
        let config = SearchConfig::of_run(&RunFolder::open(run.path())?)?;
        let seed = config.seed;
        let config = SearchConfig { seed: 0, ..config };
        if !shared
            .get_or_insert_with(|| config.clone())
            .is_run_of(&config)?
        {
            let problem = "was searched with other settings than the runs beside it; valid are \
                           runs that differ in their seed alone";
            return Err(SearchError::run_folder(run.path(), problem));
        }
        let place = run.result().display().to_string();
        found.push(Candidate {
            run: name.into_owned(),
            seed,
            child: outcome.child,
            genotype: Genotype::parse(&place, &outcome.genotype)?,
            retrained: None,
        });
    }
    found.sort_by_key(|candidate| candidate.seed);
    let shared = shared.ok_or_else(|| nothing_finished(folder))?;
    Ok((shared, found))
}

/// Trains an architecture from fresh weights on one part of the training data and judges it on the
/// other. `on_step` is called after each step with the number of all.
///
/// # Errors
///
/// When the network is impossible or the data cannot be loaded.
pub(crate) fn retrain<B: TrainBackend, T: TrainTask<B>>(
    config: &SearchConfig<T>,
    genotype: &Genotype<T::Op>,
    how: &Retraining,
    device: &B::Device,
    mut on_step: impl FnMut(usize),
) -> Result<(Retrained, Metric), SearchError> {
    // A search of this very division would have trained its logits on the data that judge.
    let divided = SearchConfig {
        seed: !how.seed,
        ..config.clone()
    };
    let (task, problem) = T::open(&divided)?;
    let mut model = task.child::<B>(genotype, &mut WeightInit::new(how.seed), device)?;
    let mut optimizer = Sgd::optimizer(config.weights.momentum, config.weights.weight_decay);
    let visit = |epoch: usize| Visit {
        split: Split::Weights,
        key: RngKey {
            seed: how.seed,
            epoch: epoch as u64,
        },
        order: epoch as u64,
        batch_size: config.search.batch_size,
        passes: 1,
        steps: None,
    };
    let total: usize = (0..how.epochs)
        .map(|epoch| problem.steps(&visit(epoch)))
        .sum();
    let mut done = 0;
    for epoch in 0..how.epochs {
        let visit = visit(epoch);
        let mut carry = T::Carry::<B>::default();
        for batch in problem.batches::<B>(&visit, device) {
            let batch = batch?;
            let progress = done as f64 / (total - 1).max(1) as f64;
            let learning_rate = config.weights.learning_rate.value(progress);
            let step = TrainingStep {
                learning_rate: learning_rate * task.learning_rate_factor(&batch),
                clip_norm: config.weights.clip_norm,
                loss_scale: 1.0,
            };
            let pass = |model: T::Child<B>, batch| {
                let from = std::mem::take(&mut carry);
                let answered = task.run_child(&model, &batch, from, Statistics::TRAIN);
                carry = answered.carry;
                let loss = problem.loss(&answered.answer, &batch, Phase::Training);
                let sums = problem.sums(&answered.answer, &batch, loss.clone().detach());
                let loss = match answered.regulariser {
                    Some(regulariser) => loss + regulariser,
                    None => loss,
                };
                let gradients = GradientsParams::from_grads(loss.backward(), &model);
                Ok::<_, SearchError>(PassOutput {
                    model,
                    gradients,
                    sums: sums.inner(),
                })
            };
            let output = step.take(model, &mut optimizer, std::iter::once(Ok(batch)), pass)?;
            model = output.model;
            done += 1;
            on_step(total);
        }
    }
    let divided = SearchConfig {
        seed: how.seed,
        ..divided
    };
    let scoring = Scoring::<B::InnerBackend, T> {
        config: &divided,
        task: &task,
        problem: &problem,
        device,
    };
    let score = scoring.child(&model.valid(), Split::Validation, Statistics::Running)?;
    let retrained = Retrained {
        weights: count_weights(&model),
        validation_loss: score.loss,
        validation: score.value,
    };
    Ok((retrained, problem.metric()))
}

/// Retrained candidates and the best of them.
#[derive(Debug)]
pub(crate) struct Best<T: Task> {
    retraining: Retraining,
    metric: Metric,
    candidates: Vec<Candidate<T>>,
    /// Name of its folder.
    pub best: String,
}

/// Picks the candidate of the best validation score, of several the one of the least loss, and writes
/// `best.json` and its `genotype.json` into the folder.
///
/// # Errors
///
/// When nothing was retrained or a file cannot be written.
pub(crate) fn choose<T: Task>(
    folder: &Path,
    how: &Retraining,
    metric: Metric,
    candidates: Vec<Candidate<T>>,
) -> Result<Best<T>, SearchError> {
    let retrained = candidates
        .iter()
        .filter_map(|candidate| candidate.retrained.map(|end| (candidate, end)));
    let least = retrained.min_by(|(_, a), (_, b)| {
        let score = metric.compare(a.validation, b.validation);
        score.then(a.validation_loss.total_cmp(&b.validation_loss))
    });
    let Some((candidate, _)) = least else {
        return Err(SearchError::run_folder(
            folder,
            "holds nothing that was retrained",
        ));
    };
    let genotype = candidate.genotype.clone();
    let best = Best {
        retraining: how.clone(),
        metric,
        best: candidate.run.clone(),
        candidates,
    };
    write_json(folder.join("genotype.json"), "the genotype", &genotype)?;
    write_json(folder.join("best.json"), "the choice", &best.json())?;
    Ok(best)
}

impl<T: Task> Best<T> {
    /// As `best.json` has it; scores have the metric's name.
    fn json(&self) -> Value {
        let scored = |what: &str, value: f64| (format!("{what}_{}", self.metric.name), value);
        let candidate = |candidate: &Candidate<T>| {
            let retrained = candidate.retrained.map(|end| {
                let (key, value) = scored("validation", end.validation);
                json!({"weights": end.weights, "validation_loss": end.validation_loss, key: value})
            });
            let (key, value) = scored("child", candidate.child);
            json!({
                "run": candidate.run,
                "seed": candidate.seed,
                key: value,
                "retrained": retrained,
            })
        };
        let candidates: Vec<Value> = self.candidates.iter().map(candidate).collect();
        json!({"retraining": self.retraining, "candidates": candidates, "best": self.best})
    }

    /// The candidates as a table, and the name of the best.
    pub fn table(&self) -> String {
        let row = |cells: [&str; 5]| cells.map(String::from).to_vec();
        let score = self.metric.heading();
        let mut rows = vec![
            row(["", "child", "retrained", "retrained", ""]),
            row(["run", &score, &score, "loss", "weights"]),
        ];
        for candidate in &self.candidates {
            rows.extend(candidate.retrained.map(|end| {
                let weights = end.weights.to_string();
                let [child, validation] = [candidate.child, end.validation];
                let scores = [child, validation].map(|value| format!("{value:.2}"));
                let loss = format!("{:.3}", end.validation_loss);
                row([&candidate.run, &scores[0], &scores[1], &loss, &weights])
            }));
        }
        aligned(&rows)
            + &field(
                "best",
                &format!("{}, by validation {}", self.best, self.metric.name),
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ImageTask;

    #[test]
    fn the_best_validation_score_wins_and_then_the_least_loss() {
        let genotype: Genotype = "normal: skip_connect@0\nreduce: skip_connect@1"
            .parse()
            .unwrap();
        // The child's score with inherited weights has no say.
        let candidate = |seed, child, validation, validation_loss| Candidate::<ImageTask> {
            run: format!("seed-{seed}"),
            seed,
            child,
            genotype: genotype.clone(),
            retrained: Some(Retrained {
                weights: 10,
                validation_loss,
                validation,
            }),
        };
        let how = Retraining {
            epochs: 1,
            set: Vec::new(),
            seed: 0,
        };
        let folder = tempfile::tempdir().unwrap();
        let all = vec![
            candidate(0, 1.0, 5.0, 0.1),
            candidate(1, 9.0, 4.0, 0.3),
            candidate(2, 8.0, 4.0, 0.2),
            candidate(3, 0.0, 4.0, f64::NAN),
        ];
        let best = choose(folder.path(), &how, Metric::ERROR, all).unwrap();
        assert_eq!(best.best, "seed-2");
        assert!(
            best.table()
                .ends_with("best      seed-2, by validation error\n")
        );
        // The architectures are in the folders of the searches.
        let written = std::fs::read_to_string(folder.path().join("best.json")).unwrap();
        assert!(!written.contains("skip_connect"), "{written}");
        let text = std::fs::read_to_string(folder.path().join("genotype.json")).unwrap();
        let read: Genotype = Genotype::parse("genotype.json", &text).unwrap();
        assert_eq!(read, genotype);
        let nothing = Vec::<Candidate<ImageTask>>::new();
        assert!(choose(folder.path(), &how, Metric::ERROR, nothing).is_err());
    }
}
