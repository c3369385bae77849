//! The exact law of the code.

mod cover;
mod distribution;
mod entropy;
mod log_probability;

pub use distribution::CodeDistribution;
pub use log_probability::code_log_probability;
