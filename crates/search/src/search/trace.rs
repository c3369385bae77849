//! A search as a workload that backends are compared by.

use std::ops::ControlFlow;

use burn::optim::GradientsParams;
use egs_core::NoiseKey;
use supernet::{Choice, OperationSet, Relaxation, Sampling, TrainBackend, Trained};
use workbench::portability::{Trace, TracedChoice, Tracer, sampled_gradients};
use workbench::problem::Problem;
use workbench::session::Silent;

use super::{Search, scalar};
use crate::step::WatchStep;
use crate::{Objective, SearchError, SearchState, StepLosses, TrainTask};

/// Rows of the noise whose bits are compared.
const NOISE_ROWS: u32 = 16;

impl<B: TrainBackend, T: TrainTask<B>> Search<B, T> {
    /// Takes so many alternating steps and tells what came of each.
    ///
    /// # Errors
    ///
    /// When the search has fewer steps, and those of a step.
    pub(crate) fn trace(
        mut self,
        mut tracer: Tracer,
        label: &str,
        hardware: Vec<(String, String)>,
        steps: usize,
    ) -> Result<Trace, SearchError> {
        let [_, all] = self.steps();
        if steps > all {
            let valid = format!("1 to {all}, those of `search.epochs`");
            return Err(SearchError::field("steps", steps, &valid));
        }
        if self.relaxation() != Relaxation::Mixture {
            let key = NoiseKey::new(self.config.seed, 0);
            let ops = self.config.space.ops() as u32;
            let shape = [NOISE_ROWS, self.config.architecture.draws as u32, ops];
            let bits = B::egs_noise_bits(&self.device, key, shape);
            tracer.noise(bits.map_err(supernet::SupernetError::from)?);
        }
        while !tracer.is_done() {
            let mut watch = Watch {
                tracer: &mut tracer,
                relaxation: self.relaxation(),
            };
            (self, _) = self.train_epoch(&mut Silent, &mut watch)?;
            self.state.epoch += 1;
        }
        let genotype = self.genotype()?.to_string();
        let memory = B::device_memory(&self.device);
        let metric = self.problem.metric();
        Ok(tracer.finish(label, hardware, metric, Some(genotype), memory))
    }

    fn relaxation(&self) -> Relaxation {
        self.config.search.method.rules().relaxation
    }
}

struct Watch<'a> {
    tracer: &'a mut Tracer,
    relaxation: Relaxation,
}

impl<B: TrainBackend, T: TrainTask<B>> WatchStep<B, T> for Watch<'_> {
    fn half(
        &mut self,
        objective: &Objective<'_, T>,
        state: &SearchState<B, T>,
        gradients: &GradientsParams,
        trained: Trained,
    ) -> Result<(), SearchError> {
        let half = match trained {
            Trained::Logits => "logits",
            Trained::Weights => "weights",
        };
        if self.relaxation == Relaxation::Code {
            let config = &objective.config.architecture;
            let (temperature, key) = (objective.temperature, objective.key(trained));
            let choices = state.architecture.choices(config, temperature, key)?;
            let traced = choices
                .into_iter()
                .map(|choice| traced::<T::Op>(half, config.sampling, choice));
            traced.for_each(|choice| self.tracer.choice(choice));
        }
        self.tracer.gradient(half, || match trained {
            Trained::Logits => sampled_gradients(gradients, &state.architecture),
            Trained::Weights => sampled_gradients(gradients, &state.supernet),
        });
        Ok(())
    }

    fn step(&mut self, losses: &StepLosses<B::InnerBackend>) -> ControlFlow<()> {
        let weights = scalar(losses.weights.clone());
        let architecture = losses.architecture.clone().map(scalar);
        match self.tracer.step(weights, architecture) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

fn traced<O: OperationSet>(half: &str, sampling: Sampling, choice: Choice) -> TracedChoice {
    let cell = O::CELLS[choice.table];
    let edges = match (sampling, choice.edges.start, choice.edges.end) {
        (Sampling::PerEdge, first, _) => format!("edge {first}"),
        (Sampling::PerNode, first, end) => format!("edges {first} to {}", end - 1),
    };
    let digit = |on: &bool| if *on { '1' } else { '0' };
    TracedChoice {
        what: format!("{half}, {cell}, {edges}"),
        code: choice.code.iter().map(digit).collect(),
        margin: choice.margin.is_finite().then_some(choice.margin),
        logits: choice.logits,
    }
}
