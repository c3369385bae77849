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
use workbench::precision::{Precision, cast_convolutions, take_statistics};

use crate::penalty::penalty;
use crate::second_order::look_ahead;
use crate::{SearchConfig, SearchError, SearchState};

/// What a supernet says about images, with the architecture it was sampled as.
pub struct Prediction<B: Backend> {
    /// Class logits `[batch, classes]`.
    pub logits: Tensor<B, 2>,
    /// The architecture that gave them.
    pub sample: ArchitectureSample<B>,
}

/// Draws an architecture as the method does and runs the supernet as it.
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
    let relaxation = config.search.method.rules().relaxation;
    let sample = architecture.relax(relaxation, &config.architecture, temperature, key)?;
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

/// Class logits `[batch, classes]`, loss `[1]` and gradients.
type WeightGradients<B> = (Tensor<B, 2>, Tensor<B, 1>, GradientsParams);

/// One alternating step: the architecture logits on a batch of their own images, then the weights on
/// a batch of theirs. Each half draws its own architecture. The gradient of the logits is of first
/// order, which takes the weights for constants, unless the configuration asks for the second.
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
    pub(crate) fn run(&self, step: Step) -> Run {
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

    /// Each half of a step draws its own architecture.
    fn key(&self, step: Step) -> NoiseKey {
        let half = match step {
            Step::Architecture => 0,
            Step::Weights => 1,
        };
        NoiseKey::new(self.config.seed, 2 * self.index + half)
    }

    fn draw<B: ModelBackend>(
        &self,
        architecture: &Architecture<B>,
        run: Run,
    ) -> Result<ArchitectureSample<B>, SearchError> {
        Ok(architecture.relax(
            self.config.search.method.rules().relaxation,
            &self.config.architecture,
            self.temperature,
            self.key(run.step),
        )?)
    }

    /// A copy of the supernet whose convolutions compute in the precision of the configuration; none
    /// where that is what they do.
    fn reduced<B: TrainBackend>(&self, supernet: &Supernet<B>) -> Option<Supernet<B>> {
        let precision = self.config.search.precision;
        (precision != Precision::F32).then(|| cast_convolutions(supernet, precision.dtype()))
    }

    /// The class logits `[batch, classes]` and the mean loss `[1]` of a batch, in an architecture
    /// step with the penalties of the configuration.
    pub(crate) fn loss<B: ModelBackend>(
        &self,
        supernet: &Supernet<B>,
        architecture: &Architecture<B>,
        batch: Batch<B>,
        run: Run,
    ) -> Result<(Prediction<B>, Tensor<B, 1>), SearchError> {
        let [_, _, height, width] = batch.images.dims();
        let prediction = predict(
            supernet,
            architecture,
            batch.images.cast(self.config.search.precision.dtype()),
            self.config,
            self.temperature,
            self.key(run.step),
            run,
        )?;
        let mut loss = cross_entropy(prediction.logits.clone(), batch.labels);
        if run.step == Step::Architecture {
            let sides = [height, width];
            if let Some(penalty) = penalty(self.config, architecture, &prediction.sample, sides) {
                loss = loss + penalty;
            }
        }
        Ok((prediction, loss))
    }

    /// Gradients of the logits and the loss `[1]` they are of.
    fn architecture_gradients<B: TrainBackend>(
        &self,
        state: &SearchState<B>,
        weight_batch: &Batch<B>,
        alpha_batch: Batch<B>,
    ) -> Result<(GradientsParams, Tensor<B::InnerBackend, 1>), SearchError> {
        if self.config.alpha.second_order {
            return look_ahead(self, state, weight_batch, alpha_batch);
        }
        if self.config.search.checkpoint_cells {
            return self.cellwise_architecture_gradients(state, alpha_batch);
        }
        // The weights are constants here: no gradient of theirs is computed.
        let frozen = match self.reduced(&state.supernet) {
            Some(reduced) => reduced.no_grad(),
            None => state.supernet.clone().no_grad(),
        };
        let run = self.run(Step::Architecture);
        let (_, loss) = self.loss(&frozen, &state.architecture, alpha_batch, run)?;
        let value = loss.clone().inner();
        let gradients = GradientsParams::from_grads(loss.backward(), &state.architecture);
        Ok((gradients, value))
    }

    /// The same with the graph of one cell at a time.
    fn cellwise_architecture_gradients<B: TrainBackend>(
        &self,
        state: &SearchState<B>,
        batch: Batch<B>,
    ) -> Result<(GradientsParams, Tensor<B::InnerBackend, 1>), SearchError> {
        let run = self.run(Step::Architecture);
        let [_, _, height, width] = batch.images.dims();
        let sample = self.draw(&state.architecture, run)?;
        let penalty = penalty(self.config, &state.architecture, &sample, [height, width]);
        let codes = sample.codes;
        let labels = batch.labels;
        let cellwise = state
            .supernet
            .differentiate_cellwise(batch.images, &codes, run, |logits| {
                cross_entropy(logits, labels)
            });
        // The gradient of the codes goes on into the logits as that of a product with constants.
        let tables = [codes.normal.weights, codes.reduce.weights];
        let products = tables.into_iter().zip(cellwise.codes);
        let loss = match &penalty {
            Some(penalty) => cellwise.loss + penalty.clone().inner(),
            None => cellwise.loss,
        };
        let product = products
            .filter_map(|(table, gradient)| Some((table? * Tensor::from_inner(gradient?)).sum()))
            .chain(penalty)
            .reduce(|sum, term| sum + term);
        let gradients = match product {
            Some(product) => GradientsParams::from_grads(product.backward(), &state.architecture),
            None => GradientsParams::new(),
        };
        Ok((gradients, loss))
    }

    /// Class logits `[batch, classes]` and loss `[1]` of the weight step, and gradients of all weights
    /// that have one.
    fn weight_gradients<B: TrainBackend>(
        &self,
        state: &mut SearchState<B>,
        batch: Batch<B>,
    ) -> Result<WeightGradients<B::InnerBackend>, SearchError> {
        let constant = state.architecture.clone().no_grad();
        let run = self.run(Step::Weights);
        if self.config.search.checkpoint_cells {
            let sample = self.draw(&constant, run)?;
            let codes = sample.constant(self.config.architecture.normalization);
            let labels = batch.labels;
            let cellwise =
                state
                    .supernet
                    .differentiate_cellwise(batch.images, &codes, run, |logits| {
                        cross_entropy(logits, labels)
                    });
            return Ok((cellwise.logits, cellwise.loss, cellwise.weights));
        }
        let reduced = self.reduced(&state.supernet);
        let network = reduced.as_ref().unwrap_or(&state.supernet);
        let (prediction, loss) = self.loss(network, &constant, batch, run)?;
        let value = loss.clone().inner();
        let gradients = GradientsParams::from_grads(loss.backward(), &state.supernet);
        if let Some(reduced) = reduced {
            state.supernet = take_statistics(state.supernet.clone(), &reduced);
        }
        Ok((prediction.logits.inner(), value, gradients))
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
        let architecture = match alpha_batch {
            Some(batch) => {
                let (gradients, value) =
                    self.architecture_gradients(&state, &weight_batch, batch)?;
                state.architecture = state.alpha_optimizer.step(
                    self.config.alpha.learning_rate,
                    state.architecture,
                    gradients,
                );
                Some(value)
            }
            None => None,
        };

        let labels = weight_batch.labels.clone().inner();
        let (logits, weights, gradients) = self.weight_gradients(&mut state, weight_batch)?;
        let mistakes = mistakes(logits, labels);
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
