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
mod blocks;
mod cell;
mod conv;
mod derive;
mod derived;
mod error;
mod genotype;
mod init;
mod network;
mod norm;
mod operation;
mod plan;
mod space;
mod stem;

pub use architecture::{
    Architecture, ArchitectureConfig, ArchitectureSample, CellCodes, CodeTable, Sampling,
};
pub use blocks::{FactorizedReduce, ReluConvNorm};
pub use cell::SearchCell;
pub use conv::{Conv2d, Linear};
pub use derive::{DerivedRow, derive_genotype};
pub use derived::{DerivedCell, DerivedConfig, DerivedNetwork, Form};
pub use error::SupernetError;
pub use genotype::{CellGenotype, Genotype, GenotypeOp};
pub use init::WeightInit;
pub use network::{Execution, Run, Step, Supernet, SupernetConfig};
pub use norm::{BatchNorm, RunningTensor, Statistics};
pub use operation::OperationModule;
pub use plan::{CellPlan, NetworkConfig, count_weights};
pub use space::{Operation, SearchSpace};
