use std::convert::Infallible;

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor, backend::Backend};
use egs_core::{Activation, EgsBackend, EgsConfig, Mode, NoiseKey, Normalization, probabilities};
use serde::{Deserialize, Serialize};

use crate::kernels::{self, KernelBackend};
use crate::{SearchSpace, SupernetError, WeightInit};

/// What one row of the estimator covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// A row per edge: every edge keeps at least one operation.
    #[default]
    PerEdge,
    /// A row per node over all its incoming edges and their operations (the authors' "multi nodes"):
    /// edges compete, and some end up empty.
    PerNode,
}

/// What a supernet runs as: how the weights of the operations come from the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relaxation {
    /// A sampled binary code with straight-through gradients (Chang et al. 2019, section 3.2; with
    /// one draw the code of GDAS).
    Code,
    /// The relaxed draws themselves, their maximum where there are several: with one draw the
    /// concrete distribution of SNAS (Xie et al. 2019, section 2.2). Every operation is on.
    Relaxed,
    /// The probabilities p: the mixed operation of DARTS (Liu et al. 2019, equation 2). Every
    /// operation is on and nothing is drawn.
    Mixture,
}

/// How architectures are sampled; the temperature is an argument of each draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchitectureConfig {
    /// Size M of the ensemble: at most this many operations are switched on in a row.
    pub draws: usize,
    /// How probabilities come from logits.
    pub activation: Activation,
    /// Whether a row's code is divided by its sum.
    pub normalization: Normalization,
    /// What a row covers.
    pub sampling: Sampling,
}

impl Default for ArchitectureConfig {
    fn default() -> Self {
        Self {
            draws: 4,
            activation: Activation::Softmax,
            normalization: Normalization::None,
            sampling: Sampling::PerEdge,
        }
    }
}

impl ArchitectureConfig {
    /// The estimator at `temperature`.
    ///
    /// # Errors
    ///
    /// The estimator's own, for zero draws or a temperature that is not positive.
    pub fn estimator(&self, temperature: f64) -> Result<egs_core::Egs, SupernetError> {
        Ok(self.estimator_config(temperature).init()?)
    }

    fn estimator_config(&self, temperature: f64) -> EgsConfig {
        EgsConfig::new(self.draws)
            .with_temperature(temperature)
            .with_activation(self.activation)
            .with_normalization(self.normalization)
    }

    /// The rows of one cell as lists of edges: one edge each, or all edges into a node.
    pub fn rows(&self, space: &SearchSpace) -> Vec<std::ops::Range<usize>> {
        match self.sampling {
            Sampling::PerEdge => (0..space.edges()).map(|edge| edge..edge + 1).collect(),
            Sampling::PerNode => (0..space.nodes)
                .map(|node| space.first_edge(node)..space.first_edge(node + 1))
                .collect(),
        }
    }
}

/// Which operations of one kind of cell are on, and with which weights.
#[derive(Debug, Clone)]
pub struct CodeTable<B: Backend> {
    /// Weights `[edges, ops]`; `None` when every operation that is on has the constant weight 1.
    pub weights: Option<Tensor<B, 2>>,
    /// The code on the host, `[edges][ops]`.
    pub active: Vec<Vec<bool>>,
}

impl<B: Backend> CodeTable<B> {
    /// The constant code `active` `[edges][ops]`.
    pub fn constant(active: Vec<Vec<bool>>) -> Self {
        Self {
            weights: None,
            active,
        }
    }
}

impl<B: KernelBackend> CodeTable<B> {
    /// `sum + weight * output` for the output of an operation `[batch, channels, height, width]`.
    pub(crate) fn add(
        &self,
        sum: Option<Tensor<B, 4>>,
        edge: usize,
        op: usize,
        output: Tensor<B, 4>,
    ) -> Tensor<B, 4> {
        let term = match &self.weights {
            Some(weights) => {
                return kernels::add_weighted(sum, output, weights.clone(), [edge, op]);
            }
            None if self.active[edge][op] => output,
            // Dense execution gives the weights of what is off a gradient of zero.
            None => output * 0.0,
        };
        match sum {
            Some(sum) => kernels::add_term(sum, term),
            None => term,
        }
    }
}

/// The codes of both kinds of cell.
#[derive(Debug, Clone)]
pub struct CellCodes<B: Backend> {
    /// Shared by all normal cells.
    pub normal: CodeTable<B>,
    /// Shared by all reduction cells.
    pub reduce: CodeTable<B>,
}

impl<B: Backend> CellCodes<B> {
    /// The codes as weights of operations that compute in `dtype`.
    pub(crate) fn in_dtype(&self, dtype: DType) -> Self {
        let table = |table: &CodeTable<B>| CodeTable {
            weights: table.weights.clone().map(|weights| {
                if weights.dtype() == dtype {
                    weights
                } else {
                    weights.cast(dtype)
                }
            }),
            active: table.active.clone(),
        };
        Self {
            normal: table(&self.normal),
            reduce: table(&self.reduce),
        }
    }

    /// The table of reduction cells or of normal ones.
    pub(crate) fn of(&self, reduction: bool) -> &CodeTable<B> {
        if reduction {
            &self.reduce
        } else {
            &self.normal
        }
    }
}

/// One draw of an architecture.
#[derive(Debug, Clone)]
pub struct ArchitectureSample<B: Backend> {
    /// The codes to run a supernet with; gradients flow through their weights into the logits.
    pub codes: CellCodes<B>,
    /// How they came from the logits.
    pub relaxation: Relaxation,
}

impl<B: Backend> ArchitectureSample<B> {
    /// The sampled codes as constants, for a weight step: nothing flows into the logits, and an
    /// unnormalised binary code needs no multiplication.
    pub fn constant(self, normalization: Normalization) -> CellCodes<B> {
        let relaxation = self.relaxation;
        let constant = |table: CodeTable<B>| CodeTable {
            weights: match (relaxation, normalization) {
                (Relaxation::Code, Normalization::None) => None,
                _ => table.weights.map(Tensor::detach),
            },
            active: table.active,
        };
        CellCodes {
            normal: constant(self.codes.normal),
            reduce: constant(self.codes.reduce),
        }
    }
}

/// The architecture logits (alpha): one table for all normal cells, one for all reduction cells. A
/// module of its own, so that weights and logits are separate sets of parameters by construction.
#[derive(Module, Debug)]
pub struct Architecture<B: Backend> {
    /// `[edges, ops]`
    pub normal: Param<Tensor<B, 2>>,
    /// `[edges, ops]`
    pub reduce: Param<Tensor<B, 2>>,
}

impl<B: Backend> Architecture<B> {
    /// Logits `1e-3 * normal` around 0 for softmax and around 1 for relu, as the authors start.
    pub fn new(
        space: &SearchSpace,
        activation: Activation,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Self {
        let mean = match activation {
            Activation::Softmax => 0.0,
            Activation::Relu => 1.0,
        };
        let mut table = || init.normal([space.edges(), space.ops()], mean, 1e-3, device);
        Self {
            normal: table(),
            reduce: table(),
        }
    }

    /// Equal logits, the start of [`Architecture::new`] without its noise: every operation of a row
    /// has the same probability.
    pub fn uniform(space: &SearchSpace, activation: Activation, device: &B::Device) -> Self {
        let value = match activation {
            Activation::Softmax => 0.0,
            Activation::Relu => 1.0,
        };
        let table = || {
            let shape = [space.edges(), space.ops()];
            Param::from_tensor(Tensor::full(shape, value, device))
        };
        Self {
            normal: table(),
            reduce: table(),
        }
    }

    /// Both tables, normal first: `[2 * edges, ops]`.
    fn stacked(&self) -> Tensor<B, 2> {
        Tensor::cat(vec![self.normal.val(), self.reduce.val()], 0)
    }

    /// Rearranges a stacked table `[2 * edges, ops]` into the estimator's rows, one group for each
    /// length of row, and puts `apply`'s results `[rows, entries]` back in place. `apply` is also
    /// given the number of rows in earlier groups.
    fn by_rows<E>(
        stacked: Tensor<B, 2>,
        sampling: Sampling,
        mut apply: impl FnMut(Tensor<B, 2>, u32) -> Result<Tensor<B, 2>, E>,
    ) -> Result<Tensor<B, 2>, E> {
        let [rows, ops] = stacked.dims();
        if sampling == Sampling::PerEdge {
            return apply(stacked, 0);
        }
        let edges = rows / 2;
        let cells = stacked.reshape([2, edges, ops]);
        let (mut groups, mut first) = (Vec::new(), 0);
        while first < edges {
            let node = groups.len();
            let incoming = node + SearchSpace::INPUTS;
            let row = cells.clone().narrow(1, first, incoming);
            let applied = apply(row.reshape([2, incoming * ops]), 2 * node as u32)?;
            groups.push(applied.reshape([2, incoming, ops]));
            first += incoming;
        }
        Ok(Tensor::cat(groups, 1).reshape([rows, ops]))
    }

    /// Probabilities p of both tables, normal first, `[2 * edges, ops]`, with gradients to the
    /// logits. Each of the estimator's rows sums to 1.
    pub fn probability_table(&self, config: &ArchitectureConfig) -> Tensor<B, 2> {
        let apply = |rows, _| Ok::<_, Infallible>(probabilities(rows, config.activation));
        let Ok(table) = Self::by_rows(self.stacked(), config.sampling, apply);
        table
    }

    /// The [probability table](Self::probability_table) read to the host: normal and reduction,
    /// `[edges][ops]`.
    pub fn probabilities(&self, config: &ArchitectureConfig) -> [Vec<Vec<f64>>; 2] {
        split_host(self.probability_table(config).detach(), f64::from)
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
            Self::by_rows(self.stacked(), config.sampling, |rows, first_row| {
                let sample = estimator.sample(rows, key.with_first_row(first_row))?;
                Ok::<_, SupernetError>(sample.weights)
            })
        };
        let everything = |weights: &Tensor<B, 2>| {
            let [rows, ops] = weights.dims();
            [
                vec![vec![true; ops]; rows / 2],
                vec![vec![true; ops]; rows / 2],
            ]
        };
        let (weights, [normal_active, reduce_active]) = match relaxation {
            Relaxation::Code => {
                let weights = draw(estimator)?;
                // The only read of the step: which operations are on.
                let active = split_host(weights.clone().detach(), |value| value > 0.0);
                (weights, active)
            }
            Relaxation::Relaxed => {
                let weights = draw(estimator.with_mode(Mode::Relaxed))?;
                let active = everything(&weights);
                (weights, active)
            }
            Relaxation::Mixture => {
                let weights = self.probability_table(config);
                let active = everything(&weights);
                (weights, active)
            }
        };
        let edges = weights.dims()[0] / 2;
        Ok(ArchitectureSample {
            codes: CellCodes {
                normal: CodeTable {
                    weights: Some(weights.clone().narrow(0, 0, edges)),
                    active: normal_active,
                },
                reduce: CodeTable {
                    weights: Some(weights.narrow(0, edges, edges)),
                    active: reduce_active,
                },
            },
            relaxation,
        })
    }
}

/// Reads a stacked table `[2 * edges, ops]` and splits it into the two cells' `[edges][ops]`.
fn split_host<B: Backend, T>(table: Tensor<B, 2>, map: impl Fn(f32) -> T) -> [Vec<Vec<T>>; 2] {
    let [rows, ops] = table.dims();
    let values: Vec<f32> = table.into_data().iter::<f32>().collect();
    let mut normal: Vec<Vec<T>> = values
        .chunks(ops)
        .map(|row| row.iter().map(|&value| map(value)).collect())
        .collect();
    let reduce = normal.split_off(rows / 2);
    [normal, reduce]
}
