use burn::module::Module;
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{Tensor, backend::Backend};
use egs_core::NoiseKey;
use supernet::{
    Architecture, ArchitectureSample, ModelBackend, Run, Statistics, Step, Supernet, TrainBackend,
};
use workbench::data::Batch;
use workbench::evaluate::{cross_entropy, mistakes};
use workbench::optim::clip_global_norm;

use crate::{SearchConfig, SearchError, SearchState};

/// What a supernet says about images, with the architecture it was sampled as.
pub struct Prediction<B: Backend> {
    /// Class logits `[batch, classes]`.
    pub logits: Tensor<B, 2>,
    /// The architecture that gave them.
    pub sample: ArchitectureSample<B>,
}

/// Samples an architecture and runs the supernet as it.
///
/// # Errors
///
/// The estimator's own.
pub fn predict<B: ModelBackend>(
    supernet: &Supernet<B>,
    architecture: &Architecture<B>,
    images: Tensor<B, 4>,
    config: &SearchConfig,
    temperature: f64,
    key: NoiseKey,
    run: Run,
) -> Result<Prediction<B>, SearchError> {
    let sample = architecture.sample(&config.architecture, temperature, key)?;
    let logits = match run.step {
        Step::Architecture => supernet.forward(images, &sample.codes, run),
        Step::Weights => {
            let codes = sample.clone().constant(config.architecture.normalization);
            supernet.forward(images, &codes, run)
        }
    };
    Ok(Prediction { logits, sample })
}

/// Losses of one alternating step, on the device.
pub struct StepLosses<B: Backend> {
    /// Mean loss `[1]` of the weight step.
    pub weights: Tensor<B, 1>,
    /// Mistakes `[1]` of the weight step.
    pub mistakes: Tensor<B, 1>,
    /// Mean loss `[1]` of the architecture step; none while warming up.
    pub architecture: Option<Tensor<B, 1>>,
}

/// One first-order alternating step (DARTS, first order): the architecture logits on a batch of
/// their own images, then the weights on a batch of theirs. Each half draws its own architecture.
pub struct AlternatingStep<'a> {
    /// The configuration.
    pub config: &'a SearchConfig,
    /// Number of this step since the start of the search.
    pub index: u64,
    /// Temperature of the relaxation.
    pub temperature: f64,
    /// Learning rate of the weights.
    pub learning_rate: f64,
}

impl AlternatingStep<'_> {
    fn run(&self, step: Step) -> Run {
        Run {
            execution: self.config.search.execution,
            step,
            statistics: match step {
                // Only training images move running statistics.
                Step::Weights => Statistics::TRAIN,
                Step::Architecture => Statistics::Batch,
            },
        }
    }

    /// Takes the step. `alpha_batch` is left out while the weights warm up.
    ///
    /// # Errors
    ///
    /// The estimator's own.
    pub fn take<B: TrainBackend>(
        &self,
        mut state: SearchState<B>,
        weight_batch: Batch<B>,
        alpha_batch: Option<Batch<B>>,
    ) -> Result<(SearchState<B>, StepLosses<B::InnerBackend>), SearchError> {
        let seed = self.config.seed;

        let architecture = match alpha_batch {
            Some(batch) => {
                // The weights are constants here: no gradient of theirs is computed.
                let frozen = state.supernet.clone().no_grad();
                let prediction = predict(
                    &frozen,
                    &state.architecture,
                    batch.images,
                    self.config,
                    self.temperature,
                    NoiseKey::new(seed, 2 * self.index),
                    self.run(Step::Architecture),
                )?;
                let loss = cross_entropy(prediction.logits, batch.labels);
                let value = loss.clone().inner();
                let gradients = GradientsParams::from_grads(loss.backward(), &state.architecture);
                state.architecture = state.alpha_optimizer.step(
                    self.config.alpha.learning_rate,
                    state.architecture,
                    gradients,
                );
                Some(value)
            }
            None => None,
        };

        let constant = state.architecture.clone().no_grad();
        let prediction = predict(
            &state.supernet,
            &constant,
            weight_batch.images,
            self.config,
            self.temperature,
            NoiseKey::new(seed, 2 * self.index + 1),
            self.run(Step::Weights),
        )?;
        let mistakes = mistakes(
            prediction.logits.clone().inner(),
            weight_batch.labels.clone().inner(),
        );
        let loss = cross_entropy(prediction.logits, weight_batch.labels);
        let weights = loss.clone().inner();
        let gradients = GradientsParams::from_grads(loss.backward(), &state.supernet);
        let (gradients, _) =
            clip_global_norm(gradients, &state.supernet, self.config.weights.clip_norm);
        state.supernet = state
            .weight_optimizer
            .step(self.learning_rate, state.supernet, gradients);

        let losses = StepLosses {
            weights,
            mistakes,
            architecture,
        };
        Ok((state, losses))
    }
}
