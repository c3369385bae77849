//! A derived architecture, and its forms: text and JSON, which are written, and those of published codes.

mod derived;
mod json;
mod literal;
mod pasted;
mod scan;
mod source;
mod text;

pub use derived::{CellGenotype, Genotype, GenotypeOp};
