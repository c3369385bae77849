//! Search spaces, supernets, genotypes and derived networks for differentiable architecture search
//! with the Ensemble Gumbel-Softmax estimator (Chang et al., "DATA: Differentiable ArchiTecture
//! Approximation", NeurIPS 2019).
//!
//! - [`mod@architecture`]: what is searched, whatever a cell is made of: the operations of a space,
//!   the logits, the codes drawn from them and the genotype derived from them. A space of one's own
//!   begins with an [`OperationSet`].
//! - [`graph`]: what a network computes, as data that other formats are written from.
//! - [`kernels`]: the operations that take the time, with gradients written by hand.
//! - [`recurrent`]: the operations, supernet and derived networks of language modelling.
//! - [`segmentation`]: the supernet and derived networks of semantic segmentation, of the same cells as
//!   image classification.
//! - The rest are layers, and the operations, supernet and derived network of image classification.
//!   Where a space or a genotype names no operations, those of this network are meant.
//!
//! Shapes name their axes with the same words everywhere: images are
//! `[batch, channels, height, width]`, states of recurrent cells `[time, batch, hidden]`, architecture logits `[tables, edges, ops]` with a table for
//! each kind of cell, class logits `[batch, classes]`.
#![deny(missing_docs)]

pub mod architecture;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub mod gpu;
pub mod graph;
pub mod kernels;
pub mod recurrent;
pub mod segmentation;

mod backend;
mod convolution;
mod descent;
mod error;
mod layers;

#[doc(inline)]
pub use architecture::{
    Architecture, ArchitectureConfig, ArchitectureSample, Choice, CodeTable, Codes, CostTable,
    DeriveRule, DerivedCodes, Deriving, Execution, ForwardMode, OperationSet, Relaxation, Sampling,
    Trained, derive_genotype, keep_budget,
};
pub use backend::{ModelBackend, TrainBackend};
pub use convolution::{
    AuxiliaryHead, CellGenotype, CellKind, CellPlan, CellwiseGradients, ConvNorm, Cost,
    DerivedCell, DerivedConfig, DerivedNetwork, FactorizedReduce, FitStep, Form, Genotype,
    GenotypeOp, LayerCount, LayerKind, NetworkConfig, Operation, OperationConfig, OperationForm,
    OperationModule, Published, SearchCell, SearchSpace, SearchStep, Spacing, Stride, Supernet,
    SupernetConfig, TrainingOutput,
};
pub use descent::{Sgd, SgdState};
pub use error::SupernetError;
pub use layers::{
    BatchNorm, Conv2d, DropPath, Linear, NamedTensor, RunningTensor, StateDict, Statistics,
    WeightInit, count_weights,
};
