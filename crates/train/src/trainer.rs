use std::ops::ControlFlow;

use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use supernet::{ModelBackend, Statistics, TrainBackend};
use workbench::machine::halved_until;
use workbench::problem::{Confusion, Problem, Score, Split};
use workbench::scoring::{self, Totals, count_classes};
use workbench::training::{PassOutput, TrainingStep};

use crate::recipe::{AnswerOf, BatchOf, PassContext};
use crate::timeline::{Timeline, visit};
use crate::{FitConfig, FitState, LoopConfig, Recipe, TrainError, TrainRecipe, differentiate};

/// A configuration opened: its recipe and its data. What a training changes is apart, in a [`FitState`].
pub struct Trainer<R: Recipe> {
    /// Everything that determines the training.
    pub config: FitConfig<R>,
    /// The networks.
    pub recipe: R,
    /// What they learn.
    pub problem: R::Problem,
    pub(crate) timeline: Timeline,
}

/// What an epoch leaves.
pub(crate) struct Learned<B: TrainBackend, R: TrainRecipe<B>> {
    pub(crate) state: FitState<B, R>,
    /// How the network did on the training examples while it learned.
    pub(crate) score: Score,
    /// Of the last step.
    pub(crate) learning_rate: f64,
    /// Steps that did not move the weights, as gradients overflowed.
    pub(crate) left_out: usize,
}

impl<R: Recipe> Trainer<R> {
    /// Opens the data and finds the network that fits them.
    ///
    /// # Errors
    ///
    /// When the data cannot be loaded or do not fit the configuration.
    pub fn open(config: FitConfig<R>) -> Result<Self, TrainError> {
        let (recipe, problem) = R::open(&config)?;
        let patience = config.fit.patience;
        if patience > 0 && !problem.has(Split::Validation) {
            let valid = "0, for nothing is held out to judge by";
            return Err(TrainError::field("fit.patience", patience, valid));
        }
        Ok(Self {
            timeline: Timeline::new(&config, &problem)?,
            config,
            recipe,
            problem,
        })
    }

    /// Bytes that a step is expected to need, where the recipe can tell.
    pub fn step_bytes(&self) -> Option<u64> {
        self.recipe.step_bytes(&self.config)
    }

    /// What would make a step fit into memory, in words.
    pub(crate) fn memory_advice(&self, fits: &dyn Fn(u64) -> bool) -> String {
        let holds = |change: &dyn Fn(&mut LoopConfig)| {
            let mut config = self.config.clone();
            change(&mut config.fit);
            config.validate().is_ok() && self.recipe.step_bytes(&config).is_some_and(fits)
        };
        let LoopConfig {
            batch_size, parts, ..
        } = *self.config.fit;
        let mut ways = Vec::new();
        let doubled = std::iter::successors(Some(2 * parts), |parts| Some(2 * parts));
        let mut cuts = doubled.take_while(|&parts| parts <= batch_size);
        if let Some(parts) = cuts.find(|&parts| holds(&|fit| fit.parts = parts)) {
            ways.push(format!("`fit.parts` of {parts} or more"));
        }
        let smaller = |batch| holds(&|fit| fit.batch_size = batch);
        if let Some(batch) = halved_until(batch_size, 2, smaller) {
            ways.push(format!("`fit.batch_size` of {batch} or less"));
        }
        let examples = R::Problem::EXAMPLES;
        ways.push(format!("a smaller `network`, or smaller {examples}"));
        ways.join(", ")
    }

    /// The state at the start of the training.
    ///
    /// # Errors
    ///
    /// When the network is impossible.
    pub fn init<B: TrainBackend>(&self, device: &B::Device) -> Result<FitState<B, R>, TrainError>
    where
        R: TrainRecipe<B>,
    {
        FitState::new(&self.config, &self.recipe, &self.problem.metric(), device)
    }

    /// Scores a network as [`score_network`] does, in batches of the training's passes.
    ///
    /// # Errors
    ///
    /// When the problem lacks the split or its examples cannot be read.
    pub fn score<B: ModelBackend>(
        &self,
        network: &R::Model<B>,
        split: Split,
        device: &B::Device,
    ) -> Result<Score, TrainError> {
        let how = Judging::running(self.config.fit.pass_size());
        let (recipe, problem) = (&self.recipe, &self.problem);
        Ok(score_network(recipe, problem, network, split, how, device)?.0)
    }

    /// Learns for one epoch, while `watch` hears of every step.
    pub(crate) fn learn<B: TrainBackend>(
        &self,
        mut state: FitState<B, R>,
        device: &B::Device,
        watch: &mut impl WatchTraining<B, R>,
    ) -> Result<Learned<B, R>, TrainError>
    where
        R: TrainRecipe<B>,
    {
        let (fit, weights) = (&self.config.fit, &self.config.weights);
        let (timeline, epoch) = (&self.timeline, state.epoch);
        let averaging = R::averaging(&self.config, &state.validation);
        let extension = self.config.extension.as_ref();
        let begun = timeline.first_step(extension.map_or(0, |extension| extension.after));
        let warm_up = timeline
            .first_step(weights.warmup_epochs)
            .saturating_sub(begun);
        let steps = timeline.all() - begun;
        let mut totals = Totals::new();
        let mut carries = vec![R::Carry::<B>::default(); fit.parts];
        let (mut learning_rate, mut left_out) = (0.0, 0);
        let visit = visit(&self.config, epoch);
        let mut batches = self.problem.batches::<B>(&visit, device).peekable();
        for step in 0..timeline.steps(epoch) {
            let index = timeline.first_step(epoch) + step;
            let schedule = &weights.learning_rate;
            let step_of_schedule = index.saturating_sub(begun);
            learning_rate = schedule.value_after_warm_up(step_of_schedule, warm_up, steps);
            let factor = match batches.peek() {
                Some(Ok(first)) => self.recipe.learning_rate_factor(first),
                _ => 1.0,
            };
            let first_step = |epoch| timeline.first_step(epoch);
            let scheduled = learning_rate * factor;
            let before = state.scheduled_rate.replace(scheduled);
            let training = TrainingStep {
                learning_rate: averaging.learning_rate(scheduled, before, index, first_step),
                clip_norm: weights.clip_norm,
                loss_scale: fit.precision.loss_scale(),
            };
            let mut passes = Passes {
                trainer: self,
                epoch,
                step,
                first: 0,
                carries: carries.iter_mut(),
            };
            let taken = training.take(
                state.model,
                &mut state.optimizer,
                batches.by_ref().take(fit.parts),
                |model, batch| {
                    let output = passes.next(model, &batch);
                    watch.pass(&output);
                    Ok::<_, TrainError>(output)
                },
            )?;
            state.model = taken.model;
            let goes_on = watch.step(&self.problem, &taken.sums);
            taken.sums.into_iter().for_each(|sums| totals.push(sums));
            left_out += usize::from(!taken.moved);
            let model = || state.model.valid();
            state.average = averaging.after(state.average, model, index, first_step);
            if goes_on.is_break() {
                break;
            }
        }
        Ok(Learned {
            score: self.problem.score(&totals.finish()),
            state,
            learning_rate,
            left_out,
        })
    }
}

/// Hears of a training while it goes on.
pub(crate) trait WatchTraining<B: TrainBackend, R: TrainRecipe<B>> {
    /// A pass of a step was differentiated.
    fn pass(&mut self, _output: &PassOutput<B, R::Model<B>>) {}

    /// A step ended, with the sums of its passes; whether the epoch goes on.
    fn step(
        &mut self,
        problem: &R::Problem,
        sums: &[Tensor<B::InnerBackend, 1>],
    ) -> ControlFlow<()>;
}

/// The passes of a step, one after the other.
struct Passes<'a, R: Recipe, C> {
    trainer: &'a Trainer<R>,
    epoch: usize,
    step: usize,
    /// Place of the next pass's first example, or stream, in the step.
    first: usize,
    /// What each pass of the step before left for the one in its place.
    carries: std::slice::IterMut<'a, C>,
}

impl<R: Recipe, C> Passes<'_, R, C> {
    fn next<B: TrainBackend>(
        &mut self,
        model: R::Model<B>,
        batch: &BatchOf<R, B>,
    ) -> PassOutput<B, R::Model<B>>
    where
        R: TrainRecipe<B, Carry<B> = C>,
        C: Default,
    {
        let Trainer {
            config,
            recipe,
            problem,
            ..
        } = self.trainer;
        let context = PassContext {
            problem,
            seed: config.seed,
            epoch: self.epoch,
            epochs: config.fit.epochs,
            step: self.step,
            first: self.first,
            precision: config.fit.precision,
            statistics: Statistics::TRAIN,
        };
        let size = problem.batch_size(batch);
        self.first += size;
        let share = size as f64 / config.fit.batch_size as f64;
        let mut carry = self.carries.next();
        let before = carry.as_deref_mut().map(std::mem::take);
        let before = before.unwrap_or_default();
        let (output, after) = differentiate(recipe, model, batch, before, &context, share);
        if let Some(carry) = carry {
            *carry = after;
        }
        output
    }
}

/// How a network is scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judging {
    /// What batch normalisation uses.
    pub statistics: Statistics,
    /// Most examples of a pass.
    pub batch_size: usize,
    /// Seed of the order of the examples.
    pub seed: u64,
}

impl Judging {
    /// With running statistics, to which neither the order nor the size of a batch matters.
    pub fn running(batch_size: usize) -> Self {
        Self {
            statistics: Statistics::Running,
            batch_size,
            seed: 0,
        }
    }
}

/// Scores a network on all examples of a split, and counts them.
///
/// # Errors
///
/// When the problem lacks the split or its examples cannot be read.
pub fn score_network<B: ModelBackend, R: Recipe>(
    recipe: &R,
    problem: &R::Problem,
    network: &R::Model<B>,
    split: Split,
    how: Judging,
    device: &B::Device,
) -> Result<(Score, usize), TrainError> {
    let heard = |_: &AnswerOf<R, B>, _: &BatchOf<R, B>| {};
    score_each(recipe, problem, network, split, how, device, heard)
}

/// As [`score_network`], and what it takes the classes for, where its answers are classes.
///
/// # Errors
///
/// As [`score_network`].
pub fn score_by_class<B: ModelBackend, R: Recipe>(
    recipe: &R,
    problem: &R::Problem,
    network: &R::Model<B>,
    split: Split,
    how: Judging,
    device: &B::Device,
) -> Result<(Score, usize, Option<Confusion>), TrainError> {
    let mut confusion = problem.classes().map(Confusion::new);
    let heard = |answer: &AnswerOf<R, B>, batch: &BatchOf<R, B>| {
        if let Some(confusion) = &mut confusion {
            count_classes(problem, answer, batch, confusion);
        }
    };
    let scored = score_each(recipe, problem, network, split, how, device, heard);
    let (score, examples) = scored?;
    Ok((score, examples, confusion))
}

/// Scores a network and tells `heard` of every answer.
pub(crate) fn score_each<B: ModelBackend, R: Recipe>(
    recipe: &R,
    problem: &R::Problem,
    network: &R::Model<B>,
    split: Split,
    how: Judging,
    device: &B::Device,
    mut heard: impl FnMut(&AnswerOf<R, B>, &BatchOf<R, B>),
) -> Result<(Score, usize), TrainError> {
    let (mut carry, mut examples) = (R::Carry::<B>::default(), 0);
    let answer = |batch: &BatchOf<R, B>, _| {
        let answer;
        let before = std::mem::take(&mut carry);
        (answer, carry) = recipe.evaluate(network, batch, before, how.statistics);
        examples += problem.examples(batch);
        heard(&answer, batch);
        Ok::<_, TrainError>(answer)
    };
    let (batch_size, seed) = (how.batch_size, how.seed);
    let score = scoring::score(problem, split, batch_size, seed, device, answer)?;
    Ok((score, examples))
}
