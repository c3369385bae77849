//! The search space, supernet and derived network of image classification (DARTS).

mod auxiliary;
mod blocks;
mod candidate;
mod cell;
mod checkpointing;
mod cost;
mod count;
mod derived;
mod derived_cell;
mod form;
mod layer;
mod node;
mod operation;
mod operations;
mod plan;
mod preprocess;
mod published;
mod space;
mod stem;
mod supernet;
mod tensors;

pub use auxiliary::AuxiliaryHead;
pub use blocks::{ConvNorm, FactorizedReduce};
pub use cell::SearchCell;
pub use checkpointing::CellwiseGradients;
pub use cost::Cost;
pub use count::LayerCount;
pub use derived::{DerivedConfig, DerivedNetwork, TrainingOutput};
pub use derived_cell::DerivedCell;
pub use form::Form;
pub use layer::LayerKind;
pub use operation::{Operation, OperationModule};
pub use plan::{CellPlan, NetworkConfig};
pub use published::Published;
pub use space::{CellGenotype, CellKind, Genotype, GenotypeOp, SearchSpace};
pub use supernet::{Supernet, SupernetConfig};
