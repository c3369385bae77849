//! A derived architecture, and its forms as text and as JSON.

mod derived;
mod json;
mod text;

pub use derived::{CellGenotype, Genotype, GenotypeOp};
