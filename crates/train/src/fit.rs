mod trace;

use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::Tensor;
use supernet::TrainBackend;
use workbench::checkpoint::{Checkpoint, Loaded};
use workbench::machine::processor;
use workbench::problem::{Fact, Problem, Split, facts_of, steps_fact};
use workbench::record::{ByClass, FitEpoch, FitOutcome};
use workbench::run_folder::RunFolder;
use workbench::session::{Ended, Experiment, Extension, Reporter};
use workbench::showing::Listener;

use crate::page::run_page;
use crate::trainer::{WatchTraining, score_each};
use crate::{FitConfig, FitState, Judging, TrainError, TrainRecipe, Trainer, write_curves};

/// The training of a recipe's network: the experiment of a [`Session`](workbench::session::Session).
pub struct Fit<B: TrainBackend, R: TrainRecipe<B>> {
    trainer: Trainer<R>,
    state: FitState<B, R>,
    device: B::Device,
    /// Whether weights were taken over, where the training begins with some.
    has_begun: bool,
}

impl<B: TrainBackend, R: TrainRecipe<B>> Fit<B, R> {
    /// The training of a configuration, at its start.
    ///
    /// # Errors
    ///
    /// When the data cannot be loaded or do not fit the configuration.
    pub fn open(config: FitConfig<R>, device: &B::Device) -> Result<Self, TrainError> {
        Self::of_trainer(Trainer::open(config)?, device)
    }

    /// The training of a configuration that is open, at its start.
    ///
    /// # Errors
    ///
    /// When the network is impossible.
    pub fn of_trainer(trainer: Trainer<R>, device: &B::Device) -> Result<Self, TrainError> {
        Ok(Self {
            state: trainer.init(device)?,
            trainer,
            device: device.clone(),
            has_begun: false,
        })
    }

    /// Takes over the weights that the training [begins](crate::Recipe::begin) with, and says which. The first
    /// epoch does it where it was not done before.
    ///
    /// # Errors
    ///
    /// As [`Recipe::begin`](crate::Recipe::begin).
    pub fn begin(mut self) -> Result<(Self, Vec<String>), TrainError> {
        if self.has_begun || self.state.epoch > 0 {
            return Ok((self, Vec::new()));
        }
        let Trainer {
            config,
            recipe,
            problem,
            ..
        } = &self.trainer;
        let (model, notes) = recipe.begin(self.state.model, &self.device)?;
        self.state = FitState::of_model(config, model, &problem.metric());
        self.has_begun = true;
        Ok((self, notes))
    }

    /// The configuration.
    pub fn config(&self) -> &FitConfig<R> {
        &self.trainer.config
    }

    /// What the training has changed so far.
    pub fn state(&self) -> &FitState<B, R> {
        &self.state
    }

    /// Steps of the epochs that are finished.
    pub fn steps_done(&self) -> usize {
        self.trainer.timeline.first_step(self.state.epoch)
    }

    /// Steps of all epochs.
    pub fn steps(&self) -> usize {
        self.trainer.timeline.all()
    }
}

/// Tells a reporter of every step.
struct Told<'a, P> {
    reporter: &'a mut P,
    epoch: usize,
}

impl<B, R, P> WatchTraining<B, R> for Told<'_, P>
where
    B: TrainBackend,
    R: TrainRecipe<B>,
    P: Reporter<FitEpoch>,
{
    fn step(&mut self, _: &R::Problem, _: &[Tensor<B::InnerBackend, 1>]) -> ControlFlow<()> {
        self.reporter.step(self.epoch, None);
        ControlFlow::Continue(())
    }
}

impl<B: TrainBackend, R: TrainRecipe<B>> Experiment for Fit<B, R> {
    type Record = FitEpoch;
    type Outcome = FitOutcome;
    type Error = TrainError;

    type Data = R::Problem;

    const WHAT: &'static str = "training";

    fn data(&self) -> &R::Problem {
        &self.trainer.problem
    }

    /// Wherever it is resumed from, its data are where they were.
    fn config_toml(&self) -> Result<String, TrainError> {
        self.config().clone().with_absolute_root()?.to_toml()
    }

    fn fingerprint(&self) -> Result<String, TrainError> {
        self.config().fingerprint()
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = facts_of(&self.trainer.problem);
        facts.push(steps_fact(self.trainer.timeline.first_steps()));
        facts
    }

    fn extension(&self) -> Option<&Extension> {
        self.config().extension.as_ref()
    }

    fn epoch(&self) -> usize {
        self.state.epoch
    }

    fn is_finished(&self) -> bool {
        let fit = &self.config().fit;
        self.state.epoch >= fit.epochs || self.state.is_patience_over(fit.patience)
    }

    fn run_epoch(
        self,
        reporter: &mut impl Reporter<FitEpoch>,
    ) -> Result<(Self, FitEpoch), TrainError> {
        let begun = Instant::now();
        let (mut this, notes) = self.begin()?;
        notes.iter().for_each(|note| reporter.note(note));
        let (trainer, device) = (&this.trainer, &this.device);
        let epoch = this.state.epoch;
        let mut told = Told {
            reporter,
            epoch: epoch + 1,
        };
        let learned = trainer.learn(this.state, device, &mut told)?;
        this.state = learned.state;
        let (left_out, steps) = (learned.left_out, trainer.timeline.steps(epoch));
        let loss = learned.score.loss;
        if !loss.is_finite() {
            let epoch = epoch + 1;
            return Err(TrainError::Diverged { loss, epoch });
        }
        if left_out == steps {
            return Err(TrainError::Overflow { epoch: epoch + 1 });
        }
        if left_out > 0 {
            reporter.note(&format!(
                "{left_out} of {steps} steps were left out, as gradients overflowed"
            ));
        }
        let held_out = trainer.problem.has(Split::Validation);
        let validation = held_out
            .then(|| trainer.score(&this.state.scored(), Split::Validation, device))
            .transpose()?;
        let metric = trainer.problem.metric();
        this.state.finish_epoch(validation, &metric);
        let record = FitEpoch {
            epoch: epoch + 1,
            learning_rate: learned.learning_rate,
            metric,
            train: learned.score,
            validation,
            seconds: begun.elapsed().as_secs_f64(),
            extra: R::figures(&trainer.config, epoch),
        };
        Ok((this, record))
    }

    fn save(&self, checkpoint: Checkpoint) -> Result<Checkpoint, TrainError> {
        self.state.save(checkpoint)
    }

    fn restore(mut self, loaded: &Loaded) -> Result<Self, TrainError> {
        self.state = self.state.restore(loaded, &self.device)?;
        Ok(self)
    }

    fn write_reports(&self, folder: &RunFolder, records: &[FitEpoch]) -> Result<(), TrainError> {
        let metric = self.trainer.problem.metric();
        let warmup_epochs = self.config().weights.warmup_epochs;
        write_curves(folder, &metric, warmup_epochs, records)
    }

    fn write_page(&self, folder: &RunFolder) -> Result<(), TrainError> {
        let page = run_page(folder, self.config())?;
        Ok(workbench::report::write_page(folder, &page)?)
    }

    fn outcome(
        &self,
        backend: &str,
        records: &[FitEpoch],
    ) -> Result<Ended<FitOutcome>, TrainError> {
        let Trainer {
            config,
            recipe,
            problem,
            ..
        } = &self.trainer;
        let (network, result_epoch) = self.state.result();
        let size = recipe.size()?;
        let (how, device) = (Judging::running(config.fit.pass_size()), &self.device);
        let mut listener = Listener::new(problem);
        let heard = |answer: &_, batch: &_| listener.hear(problem, answer, batch);
        let (test, _) = score_each(recipe, problem, &network, Split::Test, how, device, heard)?;
        let by_class = listener.confusion().map(|confusion| {
            let score = |class| problem.class_score(confusion, class);
            ByClass::of(confusion, score)
        });
        let mut answers = listener.chapters();
        answers.extend(recipe.answers(problem, &network, device)?);
        let outcome = FitOutcome {
            name: config.name.clone(),
            task: config.task.clone(),
            data: problem.name(),
            seed: config.seed,
            backend: backend.into(),
            processor: Some(processor()),
            epochs: self.state.epoch,
            result_epoch,
            metric: problem.metric(),
            weights: size.weights,
            multiply_adds: size.multiply_adds,
            published: problem.published_value(Split::Test, how.batch_size, &test),
            test,
            by_class,
            genotype: config.genotype.to_string(),
            seconds: records.iter().map(|record| record.seconds).sum(),
        };
        Ok(Ended { outcome, answers })
    }
}
