use workbench::problem::{Problem, RngKey, Split, Visit};

use crate::{FitConfig, Recipe, TrainError};

/// Where each epoch of a training begins, in steps of the run: epochs need not be of one length.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// The first step of each epoch, and the number of all steps.
    first_steps: Vec<usize>,
}

impl Timeline {
    /// # Errors
    ///
    /// When an epoch has no step.
    pub(crate) fn new<R: Recipe>(
        config: &FitConfig<R>,
        problem: &R::Problem,
    ) -> Result<Self, TrainError> {
        let mut first_steps = vec![0];
        let mut all = 0;
        for epoch in 0..config.fit.epochs {
            let steps = problem.steps(&visit(config, epoch));
            if steps == 0 {
                let valid = format!("a number of which {} has as many", problem.name());
                let found = config.fit.batch_size;
                return Err(TrainError::field("fit.batch_size", found, &valid));
            }
            all += steps;
            first_steps.push(all);
        }
        Ok(Self { first_steps })
    }

    /// Steps of all epochs before this one, counted from 0; for the number of epochs, of all.
    pub(crate) fn first_step(&self, epoch: usize) -> usize {
        self.first_steps[epoch]
    }

    /// The first step of each epoch, and the number of all steps.
    pub(crate) fn first_steps(&self) -> &[usize] {
        &self.first_steps
    }

    /// Steps of an epoch, counted from 0.
    pub(crate) fn steps(&self, epoch: usize) -> usize {
        self.first_steps[epoch + 1] - self.first_steps[epoch]
    }

    /// Steps of all epochs.
    pub(crate) fn all(&self) -> usize {
        self.first_steps.last().copied().unwrap_or_default()
    }
}

/// An epoch's way through the training examples.
pub(crate) fn visit<R: Recipe>(config: &FitConfig<R>, epoch: usize) -> Visit {
    Visit {
        split: Split::Weights,
        key: RngKey {
            seed: config.seed,
            epoch: epoch as u64,
        },
        order: epoch as u64,
        batch_size: config.fit.batch_size,
        passes: config.fit.parts,
        steps: None,
    }
}
