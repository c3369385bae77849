//! The exact law of the code.

mod cover;
mod distribution;
mod entropy;

pub use distribution::CodeDistribution;
