use std::convert::Infallible;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, backend::Backend};
use egs_core::{Activation, EgsBackend, EgsConfig, Mode, NoiseKey, probabilities};

use super::{
    ArchitectureConfig, ArchitectureSample, CodeTable, Codes, OperationSet, Relaxation, Sampling,
    SearchSpace,
};
use crate::SupernetError;
use crate::layers::WeightInit;

/// The architecture logits (alpha): a table for each kind of cell, in the order of
/// [`OperationSet::CELLS`]. A module of its own, so that weights and logits are separate sets of
/// parameters by construction.
#[derive(Module, Debug)]
pub struct Architecture<B: Backend> {
    /// `[tables, edges, ops]`
    pub logits: Param<Tensor<B, 3>>,
    inputs: usize,
}

impl<B: Backend> Architecture<B> {
    /// Logits `1e-3 * normal` around 0 for softmax and around 1 for relu, as the authors start.
    pub fn new<O: OperationSet>(
        space: &SearchSpace<O>,
        activation: Activation,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        Self {
            logits: init.normal(shape(space), start(activation), 1e-3, device),
            inputs: O::INPUTS,
        }
    }

    /// Equal logits, the start of [`Architecture::new`] without its noise: every operation of a row
    /// has the same probability.
    pub fn uniform<O: OperationSet>(
        space: &SearchSpace<O>,
        activation: Activation,
        device: &B::Device,
    ) -> Self {
        let logits = Tensor::full(shape(space), start(activation), device);
        Self {
            logits: Param::from_tensor(logits),
            inputs: O::INPUTS,
        }
    }

    /// Rearranges the logits into the estimator's rows, one group for each length of row, and puts
    /// `apply`'s results `[rows, entries]` back in place, as `[tables * edges, ops]`. `apply` is
    /// also given the number of rows in earlier groups.
    pub(super) fn by_rows<E>(
        &self,
        sampling: Sampling,
        mut apply: impl FnMut(Tensor<B, 2>, u32) -> Result<Tensor<B, 2>, E>,
    ) -> Result<Tensor<B, 2>, E> {
        let logits = self.logits.val();
        let [tables, edges, ops] = logits.dims();
        if sampling == Sampling::PerEdge {
            return apply(logits.reshape([tables * edges, ops]), 0);
        }
        let (mut groups, mut first) = (Vec::new(), 0);
        while first < edges {
            let node = groups.len();
            let incoming = node + self.inputs;
            let rows = logits.clone().narrow(1, first, incoming);
            let rows = rows.reshape([tables, incoming * ops]);
            let applied = apply(rows, (tables * node) as u32)?;
            groups.push(applied.reshape([tables, incoming, ops]));
            first += incoming;
        }
        Ok(Tensor::cat(groups, 1).reshape([tables * edges, ops]))
    }

    /// Probabilities p of all tables, one after the other, `[tables * edges, ops]`, with gradients
    /// to the logits. Each of the estimator's rows sums to 1.
    pub fn probability_table(&self, config: &ArchitectureConfig) -> Tensor<B, 2> {
        let apply = |rows, _| Ok::<_, Infallible>(probabilities(rows, config.activation));
        let Ok(table) = self.by_rows(config.sampling, apply);
        table
    }

    /// The [probability table](Self::probability_table) read to the host: `[tables][edges][ops]`.
    pub fn probabilities(&self, config: &ArchitectureConfig) -> Vec<Vec<Vec<f64>>> {
        self.read(self.probability_table(config), f64::from)
    }

    /// Reads `[tables * edges, ops]` to the host, as `[tables][edges][ops]`.
    fn read<T: Clone>(&self, stacked: Tensor<B, 2>, map: impl Fn(f32) -> T) -> Vec<Vec<Vec<T>>> {
        let [_, edges, ops] = self.logits.dims();
        let values: Vec<T> = stacked.detach().into_data().iter().map(map).collect();
        let rows: Vec<Vec<T>> = values.chunks(ops).map(<[T]>::to_vec).collect();
        rows.chunks(edges).map(<[Vec<T>]>::to_vec).collect()
    }
}

impl<B: EgsBackend> Architecture<B> {
    /// Draws an architecture as a binary code.
    ///
    /// # Errors
    ///
    /// The estimator's own: zero draws, a temperature that is not positive, logits that are not
    /// finite where that can be known before the launch.
    pub fn sample(
        &self,
        config: &ArchitectureConfig,
        temperature: f64,
        key: NoiseKey,
    ) -> Result<ArchitectureSample<B>, SupernetError> {
        self.relax(Relaxation::Code, config, temperature, key)
    }

    /// What a supernet runs as under these logits; temperature and noise mean nothing to a
    /// [`Relaxation::Mixture`].
    ///
    /// # Errors
    ///
    /// As [`Architecture::sample`].
    pub fn relax(
        &self,
        relaxation: Relaxation,
        config: &ArchitectureConfig,
        temperature: f64,
        key: NoiseKey,
    ) -> Result<ArchitectureSample<B>, SupernetError> {
        let estimator = config.estimator_config(temperature);
        let draw = |estimator: EgsConfig| {
            let estimator = estimator.init()?;
            self.by_rows(config.sampling, |rows, first_row| {
                let sample = estimator.sample(rows, key.with_first_row(first_row))?;
                Ok::<_, SupernetError>(sample.weights)
            })
        };
        let [tables, edges, ops] = self.logits.dims();
        let everything = || vec![vec![vec![true; ops]; edges]; tables];
        let (weights, active) = match relaxation {
            Relaxation::Code => {
                let weights = draw(estimator)?;
                // The only read of the step: which operations are on.
                let active = self.read(weights.clone(), |value: f32| value > 0.0);
                (weights, active)
            }
            Relaxation::Relaxed => (draw(estimator.with_mode(Mode::Relaxed))?, everything()),
            Relaxation::Mixture => (self.probability_table(config), everything()),
        };
        let table = |(index, active)| CodeTable {
            weights: Some(weights.clone().narrow(0, index * edges, edges)),
            active,
        };
        Ok(ArchitectureSample {
            codes: Codes {
                tables: active.into_iter().enumerate().map(table).collect(),
            },
            relaxation,
        })
    }
}

fn shape<O: OperationSet>(space: &SearchSpace<O>) -> [usize; 3] {
    [O::CELLS.len(), space.edges(), space.ops()]
}

/// The logit from which all operations start.
fn start(activation: Activation) -> f64 {
    match activation {
        Activation::Softmax => 0.0,
        Activation::Relu => 1.0,
    }
}
