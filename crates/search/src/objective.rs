use burn::tensor::Tensor;
use egs_core::NoiseKey;
use supernet::{Architecture, ArchitectureSample, ForwardMode, ModelBackend, Statistics, Trained};
use workbench::precision::Precision;
use workbench::problem::{Phase, Problem};

use crate::penalty::penalty;
use crate::{AnswerOf, Answered, BatchOf, Pass, SearchConfig, SearchError, Task};

/// What both halves of a step differentiate, and gradients of first and second order share: the loss
/// of a batch under an architecture that is sampled as the method does.
pub struct Objective<'a, T: Task> {
    /// The configuration.
    pub config: &'a SearchConfig<T>,
    /// Which networks.
    pub task: &'a T,
    /// What is learned.
    pub problem: &'a T::Problem,
    /// Number of this step since the start of the search.
    pub index: u64,
    /// Temperature of the relaxation.
    pub temperature: f64,
}

/// A batch under a sampled architecture.
pub struct Evaluated<B: ModelBackend, T: Task> {
    /// What the supernet says of it.
    pub answer: AnswerOf<T, B>,
    /// The loss `[1]` of the answer.
    pub loss: Tensor<B, 1>,
    /// What is differentiated, `[1]`: the loss, for logits with the penalties of the configuration, for
    /// weights with the network's regulariser.
    pub objective: Tensor<B, 1>,
    /// What the next batch of the stream starts from.
    pub carry: T::Carry<B>,
}

/// Samples an architecture as the method does and runs the supernet as it.
///
/// # Errors
///
/// The estimator's own.
#[allow(
    clippy::too_many_arguments,
    reason = "a network, what it runs as, on what, and how"
)]
pub fn run_sampled<B: ModelBackend, T: Task>(
    config: &SearchConfig<T>,
    task: &T,
    supernet: &T::Supernet<B>,
    architecture: &Architecture<B>,
    batch: &BatchOf<T, B>,
    carry: T::Carry<B>,
    (temperature, key): (f64, NoiseKey),
    pass: Pass,
) -> Result<(Answered<B, T>, ArchitectureSample<B>), SearchError> {
    let relaxation = config.search.method.rules().relaxation;
    let sample = architecture.relax(relaxation, &config.architecture, temperature, key)?;
    let answered = match pass.mode.trained {
        Trained::Logits => task.run(supernet, &sample.codes, batch, carry, pass),
        Trained::Weights => {
            let codes = sample.clone().constant(config.architecture.normalization);
            task.run(supernet, &codes, batch, carry, pass)
        }
    };
    Ok((answered, sample))
}

impl<T: Task> Objective<'_, T> {
    /// How the half of a step runs that trains these parameters.
    pub fn pass(&self, trained: Trained) -> Pass {
        Pass {
            mode: ForwardMode {
                execution: self.config.search.execution,
                trained,
                statistics: match trained {
                    // Only what trains weights moves running statistics.
                    Trained::Weights => Statistics::TRAIN,
                    Trained::Logits => Statistics::Batch,
                },
            },
            precision: self.config.search.precision,
            phase: Phase::Training,
            seed: self.config.seed,
            index: self.number(trained),
        }
    }

    /// Each half of a step samples an architecture of its own.
    fn number(&self, trained: Trained) -> u64 {
        2 * self.index
            + match trained {
                Trained::Logits => 0,
                Trained::Weights => 1,
            }
    }

    pub(crate) fn key(&self, trained: Trained) -> NoiseKey {
        NoiseKey::new(self.config.seed, self.number(trained))
    }

    /// Samples the architecture of a half of the step.
    ///
    /// # Errors
    ///
    /// The estimator's own.
    pub(crate) fn sample<B: ModelBackend>(
        &self,
        architecture: &Architecture<B>,
        trained: Trained,
    ) -> Result<ArchitectureSample<B>, SearchError> {
        Ok(architecture.relax(
            self.config.search.method.rules().relaxation,
            &self.config.architecture,
            self.temperature,
            self.key(trained),
        )?)
    }

    /// What the configuration adds to the loss of the logits, `[1]`; none where it adds nothing.
    pub(crate) fn penalty<B: ModelBackend>(
        &self,
        architecture: &Architecture<B>,
        sample: &ArchitectureSample<B>,
    ) -> Option<Tensor<B, 1>> {
        penalty(self.config, self.task, architecture, sample)
    }

    /// A copy of the supernet that computes in the precision of the configuration; none where that is
    /// what it does.
    pub(crate) fn reduced<B: ModelBackend>(
        &self,
        supernet: &T::Supernet<B>,
    ) -> Option<T::Supernet<B>> {
        let precision = self.config.search.precision;
        (precision != Precision::F32).then(|| self.task.cast(supernet, precision))
    }

    /// The loss of a batch.
    ///
    /// # Errors
    ///
    /// The estimator's own.
    pub fn evaluate<B: ModelBackend>(
        &self,
        supernet: &T::Supernet<B>,
        architecture: &Architecture<B>,
        batch: &BatchOf<T, B>,
        carry: T::Carry<B>,
        pass: Pass,
    ) -> Result<Evaluated<B, T>, SearchError> {
        let trained = pass.mode.trained;
        let sampled = (self.temperature, self.key(trained));
        let (answered, sample) = run_sampled(
            self.config,
            self.task,
            supernet,
            architecture,
            batch,
            carry,
            sampled,
            pass,
        )?;
        let loss = self.problem.loss(&answered.answer, batch, Phase::Training);
        let added = match trained {
            // Published searches train the logits without regularisers.
            Trained::Logits => self.penalty(architecture, &sample),
            Trained::Weights => answered.regulariser,
        };
        let objective = match added {
            Some(added) => loss.clone() + added,
            None => loss.clone(),
        };
        Ok(Evaluated {
            answer: answered.answer,
            loss,
            objective,
            carry: answered.carry,
        })
    }
}
