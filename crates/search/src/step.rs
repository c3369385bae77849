use std::ops::ControlFlow;

use burn::module::Module;
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use supernet::{TrainBackend, Trained};
use workbench::optim::clip_global_norm;
use workbench::precision::take_statistics;
use workbench::problem::{Phase, Problem};

use crate::second_order::look_ahead;
use crate::{AnswerOf, BatchOf, Objective, SearchError, SearchState, Task, TrainTask};

/// Losses of one alternating step, on the device.
pub struct StepLosses<B: Backend> {
    /// Loss `[1]` of the weight step.
    pub weights: Tensor<B, 1>,
    /// What the problem adds up of the weight step ([`Problem::sums`]).
    pub sums: Tensor<B, 1>,
    /// Loss `[1]` of the architecture step, penalties included; none while warming up.
    pub architecture: Option<Tensor<B, 1>>,
}

/// The state after a step, and its losses.
pub type Stepped<B, T> = (
    SearchState<B, T>,
    StepLosses<<B as AutodiffBackend>::InnerBackend>,
);

/// Hears of a search while it goes on.
pub(crate) trait WatchStep<B: TrainBackend, T: TrainTask<B>> {
    /// Both halves of a step are told when they are differentiated and have not moved anything yet.
    fn half(
        &mut self,
        _objective: &Objective<'_, T>,
        _state: &SearchState<B, T>,
        _gradients: &GradientsParams,
        _trained: Trained,
    ) -> Result<(), SearchError> {
        Ok(())
    }

    /// A step ended; whether the epoch goes on.
    fn step(&mut self, _losses: &StepLosses<B::InnerBackend>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Nobody.
pub(crate) struct Unwatched;

impl<B: TrainBackend, T: TrainTask<B>> WatchStep<B, T> for Unwatched {}

/// A half of a step, differentiated.
struct Differentiated<B: TrainBackend, T: Task> {
    answer: AnswerOf<T, B>,
    /// `[1]`
    loss: Tensor<B::InnerBackend, 1>,
    gradients: GradientsParams,
}

/// One alternating step: the architecture logits on a batch of their own, then the weights on a batch
/// of theirs. Each half samples its own architecture. The gradient of the logits is of first order,
/// which takes the weights for constants, unless the configuration asks for the second.
pub struct AlternatingStep<'a, T: Task> {
    /// What is differentiated.
    pub objective: Objective<'a, T>,
    /// Learning rate of the weights, for a batch without a [factor](Task::learning_rate_factor) of its
    /// own.
    pub learning_rate: f64,
}

impl<T: Task> AlternatingStep<'_, T> {
    /// Learning rate of a weight step on this batch.
    pub(crate) fn learning_rate_for<B: Backend>(&self, batch: &BatchOf<T, B>) -> f64 {
        self.learning_rate * self.objective.task.learning_rate_factor(batch)
    }

    /// Gradients of the logits and the loss `[1]` they are of.
    fn architecture_gradients<B: TrainBackend>(
        &self,
        state: &mut SearchState<B, T>,
        weight_batch: &BatchOf<T, B>,
        logit_batch: &BatchOf<T, B>,
    ) -> Result<(GradientsParams, Tensor<B::InnerBackend, 1>), SearchError>
    where
        T: TrainTask<B>,
    {
        let config = self.objective.config;
        if config.alpha.second_order {
            return look_ahead(self, state, weight_batch, logit_batch);
        }
        if config.search.checkpoint_cells {
            return self.cellwise_architecture_gradients(state, logit_batch);
        }
        // The weights are constants here: no gradient of theirs is computed.
        let frozen = match self.objective.reduced(&state.supernet) {
            Some(reduced) => reduced.no_grad(),
            None => state.supernet.clone().no_grad(),
        };
        let pass = self.objective.pass(Trained::Logits);
        let carry = state.carries.logits.clone();
        let evaluated =
            self.objective
                .evaluate(&frozen, &state.architecture, logit_batch, carry, pass)?;
        state.carries.logits = evaluated.carry;
        let value = evaluated.objective.clone().inner();
        let gradients = evaluated.objective.backward();
        let gradients = GradientsParams::from_grads(gradients, &state.architecture);
        Ok((gradients, value))
    }

    /// The same with the graph of one cell at a time.
    fn cellwise_architecture_gradients<B: TrainBackend>(
        &self,
        state: &SearchState<B, T>,
        batch: &BatchOf<T, B>,
    ) -> Result<(GradientsParams, Tensor<B::InnerBackend, 1>), SearchError>
    where
        T: TrainTask<B>,
    {
        let Objective { task, problem, .. } = self.objective;
        let pass = self.objective.pass(Trained::Logits);
        let sample = self
            .objective
            .sample(&state.architecture, Trained::Logits)?;
        let penalty = self.objective.penalty(&state.architecture, &sample);
        let codes = sample.codes;
        let loss = |answer: &_| problem.loss(answer, batch, Phase::Training);
        let cellwise = task
            .differentiate_cellwise(&state.supernet, &codes, batch, pass, loss)
            .ok_or_else(not_cellwise)?;
        // The gradient of the codes goes on into the logits as that of a product with constants.
        let products = codes.tables.into_iter().zip(cellwise.codes);
        let loss = match &penalty {
            Some(penalty) => cellwise.loss + penalty.clone().inner(),
            None => cellwise.loss,
        };
        let product = products
            .filter_map(|(table, gradient)| {
                Some((table.weights? * Tensor::from_inner(gradient?)).sum())
            })
            .chain(penalty)
            .reduce(|sum, term| sum + term);
        let gradients = match product {
            Some(product) => GradientsParams::from_grads(product.backward(), &state.architecture),
            None => GradientsParams::new(),
        };
        Ok((gradients, loss))
    }

    /// The weight step up to the gradients of all weights that have one.
    fn weight_gradients<B: TrainBackend>(
        &self,
        state: &mut SearchState<B, T>,
        batch: &BatchOf<T, B>,
    ) -> Result<Differentiated<B, T>, SearchError>
    where
        T: TrainTask<B>,
    {
        let Objective {
            config,
            task,
            problem,
            ..
        } = self.objective;
        let constant = state.architecture.clone().no_grad();
        let pass = self.objective.pass(Trained::Weights);
        if config.search.checkpoint_cells {
            let sample = self.objective.sample(&constant, Trained::Weights)?;
            let codes = sample.constant(config.architecture.normalization);
            let loss = |answer: &_| problem.loss(answer, batch, Phase::Training);
            let cellwise = task
                .differentiate_cellwise(&state.supernet, &codes, batch, pass, loss)
                .ok_or_else(not_cellwise)?;
            return Ok(Differentiated {
                answer: cellwise.answer,
                loss: cellwise.loss,
                gradients: cellwise.weights,
            });
        }
        let reduced = self.objective.reduced(&state.supernet);
        let network = reduced.as_ref().unwrap_or(&state.supernet);
        let carry = state.carries.weights.clone();
        let evaluated = self
            .objective
            .evaluate(network, &constant, batch, carry, pass)?;
        state.carries.weights = evaluated.carry;
        let loss = evaluated.loss.inner();
        let gradients = evaluated.objective.backward();
        let gradients = GradientsParams::from_grads(gradients, &state.supernet);
        if let Some(reduced) = reduced {
            state.supernet = take_statistics(state.supernet.clone(), &reduced);
        }
        Ok(Differentiated {
            answer: evaluated.answer,
            loss,
            gradients,
        })
    }

    /// Takes the step. `logit_batch` is left out while the weights warm up.
    ///
    /// # Errors
    ///
    /// The estimator's own.
    pub fn take<B: TrainBackend>(
        &self,
        state: SearchState<B, T>,
        weight_batch: &BatchOf<T, B>,
        logit_batch: Option<&BatchOf<T, B>>,
    ) -> Result<Stepped<B, T>, SearchError>
    where
        T: TrainTask<B>,
    {
        self.take_watched(state, weight_batch, logit_batch, &mut Unwatched)
    }

    /// The same, while `watch` hears of both halves.
    pub(crate) fn take_watched<B: TrainBackend>(
        &self,
        mut state: SearchState<B, T>,
        weight_batch: &BatchOf<T, B>,
        logit_batch: Option<&BatchOf<T, B>>,
        watch: &mut impl WatchStep<B, T>,
    ) -> Result<Stepped<B, T>, SearchError>
    where
        T: TrainTask<B>,
    {
        let config = self.objective.config;
        let architecture = match logit_batch {
            Some(batch) => {
                let (gradients, value) =
                    self.architecture_gradients(&mut state, weight_batch, batch)?;
                watch.half(&self.objective, &state, &gradients, Trained::Logits)?;
                state.architecture = state.alpha_optimizer.step(
                    config.alpha.learning_rate,
                    state.architecture,
                    gradients,
                );
                Some(value)
            }
            None => None,
        };

        let weights = self.weight_gradients(&mut state, weight_batch)?;
        watch.half(
            &self.objective,
            &state,
            &weights.gradients,
            Trained::Weights,
        )?;
        let loss = Tensor::from_inner(weights.loss.clone());
        let problem = self.objective.problem;
        let sums = problem.sums(&weights.answer, weight_batch, loss).inner();
        let (gradients, _) =
            clip_global_norm(weights.gradients, &state.supernet, config.weights.clip_norm);
        let learning_rate = self.learning_rate_for(weight_batch);
        state.supernet = state
            .weight_optimizer
            .step(learning_rate, state.supernet, gradients);

        let losses = StepLosses {
            weights: weights.loss,
            sums,
            architecture,
        };
        Ok((state, losses))
    }
}

fn not_cellwise() -> SearchError {
    let valid = "false: this task keeps the graph of the whole network";
    SearchError::field("search.checkpoint_cells", true, valid)
}
