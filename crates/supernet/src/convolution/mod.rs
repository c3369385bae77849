//! The supernet and derived network of image classification (DARTS).

mod auxiliary;
mod blocks;
mod cell;
mod checkpointing;
mod cost;
mod count;
mod derived;
mod derived_cell;
mod operation;
mod plan;
mod published;
pub(crate) mod stem;
mod supernet;
pub(crate) mod tensors;

pub use auxiliary::AuxiliaryHead;
pub use blocks::{FactorizedReduce, ReluConvNorm};
pub use cell::SearchCell;
pub use checkpointing::CellwiseGradients;
pub use cost::Cost;
pub use count::{LayerCount, LayerKind};
pub use derived::{DerivedConfig, DerivedNetwork, Form, TrainingOutput};
pub use derived_cell::DerivedCell;
pub use operation::OperationModule;
pub use plan::{CellPlan, NetworkConfig, count_weights};
pub use published::Published;
pub use supernet::{Execution, Run, Step, Supernet, SupernetConfig};
