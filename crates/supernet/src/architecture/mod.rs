//! What is searched: operations, logits, codes and genotypes.

mod deriving;
mod genotype;
mod logits;
mod space;

pub use deriving::{DeriveRule, DerivedCodes, derive_genotype};
pub use genotype::{CellGenotype, Genotype, GenotypeOp};
pub use logits::{
    Architecture, ArchitectureConfig, ArchitectureSample, CellCodes, CodeTable, Relaxation,
    Sampling,
};
pub use space::{Operation, SearchSpace};
