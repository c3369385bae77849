//! A training as a workload that backends are compared by.

use std::ops::ControlFlow;

use burn::tensor::Tensor;
use supernet::TrainBackend;
use workbench::portability::{Trace, Tracer, sampled_gradients};
use workbench::problem::Problem;
use workbench::scoring::Totals;
use workbench::training::PassOutput;

use super::Fit;
use crate::trainer::WatchTraining;
use crate::{TrainError, TrainRecipe};

impl<B: TrainBackend, R: TrainRecipe<B>> Fit<B, R> {
    /// Takes so many steps and tells what came of each.
    ///
    /// # Errors
    ///
    /// When the training has fewer steps, and those of a step.
    pub(crate) fn trace(
        self,
        mut tracer: Tracer,
        label: &str,
        hardware: Vec<(String, String)>,
        steps: usize,
    ) -> Result<Trace, TrainError> {
        let all = self.steps();
        if steps > all {
            let valid = format!("1 to {all}, those of `fit.epochs`");
            return Err(TrainError::field("steps", steps, &valid));
        }
        let (mut this, _) = self.begin()?;
        let metric = this.trainer.problem.metric();
        while !tracer.is_done() {
            let mut watch = Watch(&mut tracer);
            let learned = this.trainer.learn(this.state, &this.device, &mut watch)?;
            this.state = learned.state;
            this.state.finish_epoch(None, &metric);
        }
        let memory = B::device_memory(&this.device);
        Ok(tracer.finish(label, hardware, metric, None, memory))
    }
}

struct Watch<'a>(&'a mut Tracer);

impl<B: TrainBackend, R: TrainRecipe<B>> WatchTraining<B, R> for Watch<'_> {
    fn pass(&mut self, output: &PassOutput<B, R::Model<B>>) {
        self.0.gradient("weights", || {
            sampled_gradients(&output.gradients, &output.model)
        });
    }

    fn step(
        &mut self,
        problem: &R::Problem,
        sums: &[Tensor<B::InnerBackend, 1>],
    ) -> ControlFlow<()> {
        let mut totals = Totals::<B::InnerBackend>::new();
        sums.iter().for_each(|sums| totals.push(sums.clone()));
        let loss = problem.score(&totals.finish()).loss;
        match self.0.step(loss, None) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
