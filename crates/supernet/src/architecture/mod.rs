//! What is searched, whatever a cell is made of.
//!
//! An [`OperationSet`] names the candidate operations and the kinds of cells, a [`SearchSpace`] takes
//! some of them and a number of nodes. [`Architecture`] holds the logits; [`Codes`] drawn from it say
//! which operations of a supernet run, whose cells add them up with [`CodeTable::mix`].
//! [`derive_genotype`] decides which of them a [`Genotype`] keeps.

mod budget;
mod choices;
mod codes;
mod config;
mod constant;
mod deriving;
mod genotype;
mod logits;
mod mixing;
mod mode;
mod operation_set;
mod space;

pub use budget::{CostTable, keep_budget};
pub use choices::Choice;
pub use codes::{ArchitectureSample, CodeTable, Codes};
pub use config::{ArchitectureConfig, Relaxation, Sampling};
pub use deriving::{DeriveRule, DerivedCodes, Deriving, derive_genotype};
pub use genotype::{CellGenotype, Genotype, GenotypeOp};
pub use logits::Architecture;
pub(crate) use mixing::Role;
pub use mode::{Execution, ForwardMode, Trained};
pub use operation_set::OperationSet;
pub(crate) use operation_set::{by_name, find};
pub use space::SearchSpace;
