mod experiment;
mod trace;

use std::time::Instant;

use burn::module::AutodiffModule;
use burn::tensor::{Tensor, backend::Backend};
use egs_core::NoiseKey;
use supernet::{Deriving, Genotype, Statistics, TrainBackend, derive_genotype, keep_budget};
use workbench::problem::{Problem, Split, Visit};
use workbench::record::{CellRecord, Score, SearchEpoch};
use workbench::scoring::Totals;
use workbench::session::Reporter;
use workbench::stream::RngKey;

use crate::evaluate::Scoring;
use crate::plan::Budget;
use crate::step::WatchStep;
use crate::{
    AlternatingStep, Objective, SearchConfig, SearchError, SearchPlan, SearchState, TrainTask,
};

/// A search: data, networks and state. [`Session`](crate::Session) keeps it in a run folder.
pub struct Search<B: TrainBackend, T: TrainTask<B>> {
    config: SearchConfig<T>,
    task: T,
    problem: T::Problem,
    budget: Option<Budget>,
    device: B::Device,
    state: SearchState<B, T>,
    /// Steps before each epoch, and at the end those of all epochs: epochs may differ in length.
    starts: Vec<usize>,
}

/// Of every kind of cell, `[edges][ops]`.
type Probabilities = Vec<Vec<Vec<f64>>>;

/// Losses are read from the device this often; a read makes the device wait.
const READ_EVERY: usize = 8;

impl<B: TrainBackend, T: TrainTask<B>> Search<B, T> {
    /// Loads the data and builds the supernet.
    ///
    /// # Errors
    ///
    /// When the data cannot be loaded or do not fit the configuration.
    pub fn open(config: SearchConfig<T>, device: &B::Device) -> Result<Self, SearchError> {
        Self::of_plan(SearchPlan::open(config)?, device)
    }

    /// The search of a plan, at its start.
    ///
    /// # Errors
    ///
    /// When the supernet is impossible.
    pub fn of_plan(plan: SearchPlan<T>, device: &B::Device) -> Result<Self, SearchError> {
        let SearchPlan {
            config,
            task,
            problem,
            budget,
        } = plan;
        let state = SearchState::new(&config, &task, device)?;
        let mut search = Self {
            config,
            task,
            problem,
            budget,
            device: device.clone(),
            state,
            starts: vec![0],
        };
        let mut steps = 0;
        for epoch in 0..search.config.search.epochs {
            steps += search.problem.steps(&search.weight_visit(epoch));
            search.starts.push(steps);
        }
        Ok(search)
    }

    /// The configuration.
    pub fn config(&self) -> &SearchConfig<T> {
        &self.config
    }

    /// The pairing, sized for the data.
    pub fn task(&self) -> &T {
        &self.task
    }

    /// Number of the first step of each epoch, and at the end that of all steps.
    pub fn first_steps(&self) -> &[usize] {
        &self.starts
    }

    /// The architecture that the logits of now lead to.
    ///
    /// # Errors
    ///
    /// The code law's own.
    pub fn genotype(&self) -> Result<Genotype<T::Op>, SearchError> {
        Ok(self.derive()?.0)
    }

    /// The validation score of cells with the weights of now, scored as the search scores its child.
    ///
    /// # Errors
    ///
    /// When the genotype does not fit the supernet, and those of reading the data.
    pub fn inherited(&self, genotype: &Genotype<T::Op>) -> Result<Score, SearchError> {
        let child = self.child(genotype)?;
        self.scoring()
            .child(&child, Split::Validation, Statistics::Batch)
    }

    fn child(&self, genotype: &Genotype<T::Op>) -> Result<T::Child<B::InnerBackend>, SearchError> {
        self.task.inherit(&self.state.supernet.valid(), genotype)
    }

    fn key(&self, epoch: usize) -> RngKey {
        RngKey {
            seed: self.config.seed,
            epoch: epoch as u64,
        }
    }

    fn weight_visit(&self, epoch: usize) -> Visit {
        Visit {
            split: Split::Weights,
            key: self.key(epoch),
            order: 2 * epoch as u64,
            batch_size: self.config.search.batch_size,
            passes: 1,
            steps: None,
        }
    }

    /// What trains the logits is gone through again where there is less of it.
    fn logit_visit(&self, epoch: usize, steps: usize) -> Visit {
        Visit {
            split: Split::Logits,
            order: 2 * epoch as u64 + 1,
            steps: Some(steps),
            ..self.weight_visit(epoch)
        }
    }

    fn derive(&self) -> Result<(Genotype<T::Op>, Probabilities), SearchError> {
        let config = &self.config.architecture;
        let probabilities = self.state.architecture.valid().probabilities(config);
        let space = &self.config.space;
        let deriving = Deriving {
            rule: self.config.search.derive,
            max_skips: self.config.search.max_skips,
        };
        // Only an architecture at random reads the key, which no step and no evaluation has.
        let key = NoiseKey::new(!self.config.seed, u64::MAX);
        let (mut genotype, _) = derive_genotype(deriving, &probabilities, space, config, key)?;
        if let Some(Budget { costs, most }) = &self.budget {
            genotype = keep_budget(&genotype, &probabilities, space, config, costs, *most);
        }
        Ok((genotype, probabilities))
    }

    /// Mean entropy of the estimator's rows, in nats.
    fn entropy(&self, probabilities: &[Vec<f64>]) -> f64 {
        let rows = self.config.architecture.rows(&self.config.space);
        let total: f64 = probabilities
            .iter()
            .flatten()
            .filter(|&&p| p > 0.0)
            .map(|&p| -p * p.ln())
            .sum();
        total / rows.len() as f64
    }

    fn cells(&self, probabilities: Probabilities) -> Vec<CellRecord> {
        let names = <T::Op as supernet::OperationSet>::CELLS;
        names
            .iter()
            .zip(probabilities)
            .map(|(name, probabilities)| CellRecord {
                name: (*name).into(),
                entropy: self.entropy(&probabilities),
                probabilities,
            })
            .collect()
    }

    fn scoring(&self) -> Scoring<'_, B::InnerBackend, T> {
        Scoring {
            config: &self.config,
            task: &self.task,
            problem: &self.problem,
            device: &self.device,
        }
    }

    /// All steps of an epoch.
    fn train_epoch(
        mut self,
        reporter: &mut impl Reporter<SearchEpoch>,
        watch: &mut impl WatchStep<B, T>,
    ) -> Result<(Self, Trained), SearchError> {
        let begun = Instant::now();
        let epoch = self.state.epoch;
        let (config, search) = (&self.config, &self.config.search);
        let (start, steps) = (
            self.starts[epoch],
            self.starts[epoch + 1] - self.starts[epoch],
        );
        let extension = config.extension.as_ref();
        let first = self.starts[extension.map_or(0, |extension| extension.after)];
        let last = self.starts[search.epochs] - 1;
        let learns = search.method.rules().learns && epoch >= search.warmup_epochs;
        let (weight_visit, logit_visit) =
            (self.weight_visit(epoch), self.logit_visit(epoch, steps));
        let weight_batches = self.problem.batches::<B>(&weight_visit, &self.device);
        let mut logit_batches =
            learns.then(|| self.problem.batches::<B>(&logit_visit, &self.device));

        let mut sums = Totals::<B::InnerBackend>::new();
        let mut architecture = Totals::<B::InnerBackend>::new();
        let (mut temperature, mut learning_rate) = (0.0, 0.0);
        let mut examples = 0;
        let mut state = self.state;
        state.carries = Default::default();
        for (step, weight_batch) in weight_batches.enumerate() {
            let weight_batch = weight_batch?;
            let index = start + step;
            let progress = index.saturating_sub(first) as f64 / (last - first).max(1) as f64;
            temperature = search.temperature.value(progress);
            learning_rate = config.weights.learning_rate.value(progress);
            let logit_batch = match &mut logit_batches {
                Some(batches) => batches.next().transpose()?,
                None => None,
            };
            let batches = [Some(&weight_batch), logit_batch.as_ref()];
            let counts = batches.into_iter().flatten();
            examples += counts
                .map(|batch| self.problem.examples(batch))
                .sum::<usize>();
            let taken = AlternatingStep {
                objective: Objective {
                    config,
                    task: &self.task,
                    problem: &self.problem,
                    index: index as u64,
                    temperature,
                },
                learning_rate,
            };
            let losses;
            (state, losses) =
                taken.take_watched(state, &weight_batch, logit_batch.as_ref(), watch)?;
            let goes_on = watch.step(&losses);
            sums.push(losses.sums);
            if let Some(loss) = losses.architecture {
                architecture.push(loss);
            }
            let read = step % READ_EVERY == 0;
            reporter.step(epoch + 1, read.then(|| scalar(losses.weights)));
            if goes_on.is_break() {
                break;
            }
        }
        drop(logit_batches);
        self.state = state;
        let train = self.problem.score(&sums.finish());
        let architecture_loss = learns.then(|| architecture.finish()[0] / steps as f64);
        let search_seconds = begun.elapsed().as_secs_f64();
        for (what, value) in [
            ("training loss", Some(train.loss)),
            ("loss of the architecture step", architecture_loss),
        ] {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                return Err(SearchError::Diverged {
                    what,
                    value,
                    epoch: epoch + 1,
                });
            }
        }
        let trained = Trained {
            train,
            architecture_loss,
            temperature,
            learning_rate,
            search_seconds,
            examples_per_second: examples as f64 / search_seconds,
        };
        Ok((self, trained))
    }
}

/// What the steps of an epoch leave to its record.
struct Trained {
    train: Score,
    architecture_loss: Option<f64>,
    temperature: f64,
    learning_rate: f64,
    search_seconds: f64,
    examples_per_second: f64,
}

fn scalar<B: Backend>(value: Tensor<B, 1>) -> f64 {
    value.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}
