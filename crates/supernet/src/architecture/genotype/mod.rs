//! A derived architecture, and its forms as text and as JSON.

mod derived;

pub use derived::{CellGenotype, Genotype, GenotypeOp};
