//! Search spaces, supernets, genotypes and derived networks for differentiable architecture search
//! with the Ensemble Gumbel-Softmax estimator (Chang et al., "DATA: Differentiable ArchiTecture
//! Approximation", NeurIPS 2019).
//!
//! Shapes name their axes with the same words everywhere: images are
//! `[batch, channels, height, width]`, architecture logits `[edges, ops]`, class logits
//! `[batch, classes]`.
#![deny(missing_docs)]

pub mod kernels;

mod architecture;
mod auxiliary;
mod blocks;
mod cell;
mod checkpointing;
mod conv;
mod cost;
mod count;
mod derive;
mod derived;
mod derived_cell;
mod drop_path;
mod error;
mod genotype;
mod init;
mod names;
mod network;
mod norm;
mod operation;
mod plan;
mod published;
mod space;
mod state;
mod stem;

pub use architecture::{
    Architecture, ArchitectureConfig, ArchitectureSample, CellCodes, CodeTable, Relaxation,
    Sampling,
};
pub use auxiliary::AuxiliaryHead;
pub use blocks::{FactorizedReduce, ReluConvNorm};
pub use cell::SearchCell;
pub use checkpointing::CellwiseGradients;
pub use conv::{Conv2d, Linear};
pub use cost::Cost;
pub use count::{LayerCount, LayerKind};
pub use derive::{DeriveRule, DerivedCodes, derive_genotype};
pub use derived::{DerivedConfig, DerivedNetwork, Form, TrainingOutput};
pub use derived_cell::DerivedCell;
pub use drop_path::DropPath;
pub use error::SupernetError;
pub use genotype::{CellGenotype, Genotype, GenotypeOp};
pub use init::WeightInit;
pub use network::{Execution, Run, Step, Supernet, SupernetConfig};
pub use norm::{BatchNorm, RunningTensor, Statistics};
pub use operation::OperationModule;
pub use plan::{CellPlan, NetworkConfig, count_weights};
pub use published::Published;
pub use space::{Operation, SearchSpace};
pub use state::{NamedTensor, StateDict};

/// What a backend must offer to run these networks: the estimator and the kernels, both of which
/// have a default form that any Burn backend can use.
pub trait ModelBackend: egs_core::EgsBackend + kernels::KernelBackend {}

impl<B: egs_core::EgsBackend + kernels::KernelBackend> ModelBackend for B {}

/// A [`ModelBackend`] that differentiates, over one that does not.
pub trait TrainBackend:
    burn::tensor::backend::AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend
{
}

impl<B> TrainBackend for B where
    B: burn::tensor::backend::AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend
{
}
