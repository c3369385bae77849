use egs_core::NoiseKey;
use supernet::{Architecture, ModelBackend, Statistics};
use workbench::problem::Split;
use workbench::record::Score;
use workbench::scoring::score;

use crate::objective::run_sampled;
use crate::{AnswerOf, BatchOf, Pass, SearchConfig, SearchError, Task};

/// What is scored, on which data, as which configuration says.
pub struct Scoring<'a, B: ModelBackend, T: Task> {
    /// The configuration.
    pub config: &'a SearchConfig<T>,
    /// Which networks.
    pub task: &'a T,
    /// What is learned.
    pub problem: &'a T::Problem,
    /// Where.
    pub device: &'a B::Device,
}

impl<B: ModelBackend, T: Task> Scoring<'_, B, T> {
    /// Scores the supernet on the validation data as the method runs it, with a new sample for each
    /// batch and the batch's own statistics. `number` tells one evaluation's noise from another's.
    ///
    /// # Errors
    ///
    /// The estimator's own, and those of reading the data.
    pub fn supernet(
        &self,
        supernet: &T::Supernet<B>,
        architecture: &Architecture<B>,
        temperature: f64,
        number: u64,
    ) -> Result<Score, SearchError> {
        let config = self.config;
        let mut carry = T::Carry::<B>::default();
        score(
            self.problem,
            Split::Validation,
            config.search.batch_size,
            config.seed,
            self.device,
            |batch, index| {
                // Evaluation has a key of its own, so that it never repeats a training step's noise.
                let key = NoiseKey::new(!config.seed, (number << 32) | index);
                let from = std::mem::take(&mut carry);
                let sampled = (temperature, key);
                let (answered, _) = run_sampled(
                    config,
                    self.task,
                    supernet,
                    architecture,
                    batch,
                    from,
                    sampled,
                    Pass::EVALUATION,
                )?;
                carry = answered.carry;
                Ok(answered.answer)
            },
        )
    }

    /// Scores a child with the given statistics; [`Statistics::Batch`] is the counterpart of
    /// [`supernet`](Self::supernet).
    ///
    /// # Errors
    ///
    /// Those of reading the data.
    pub fn child(
        &self,
        child: &T::Child<B>,
        split: Split,
        statistics: Statistics,
    ) -> Result<Score, SearchError> {
        self.child_heard(child, split, statistics, |_, _| {})
    }

    /// As [`child`](Self::child), and tells `heard` of every answer and its batch.
    ///
    /// # Errors
    ///
    /// As [`child`](Self::child).
    pub fn child_heard(
        &self,
        child: &T::Child<B>,
        split: Split,
        statistics: Statistics,
        mut heard: impl FnMut(&AnswerOf<T, B>, &BatchOf<T, B>),
    ) -> Result<Score, SearchError> {
        let config = self.config;
        let mut carry = T::Carry::<B>::default();
        score(
            self.problem,
            split,
            config.search.batch_size,
            config.seed,
            self.device,
            |batch, _| {
                let from = std::mem::take(&mut carry);
                let answered = self.task.run_child(child, batch, from, statistics);
                carry = answered.carry;
                heard(&answered.answer, batch);
                Ok(answered.answer)
            },
        )
    }
}
