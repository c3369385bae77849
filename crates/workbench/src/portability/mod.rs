//! One seeded workload on every backend: how far they agree, and what each costs.
//!
//! Each backend, and each adapter of one, runs in a process of its own, so that one that crashes is a row of the
//! table like every other. The process leaves a [`Trace`]; [`Agreement`] says how far a trace is from the first
//! one, up to the first choice that differs, after which two runs are different searches.

mod adapters;
mod args;
mod comparison;
mod page;
mod processes;
mod result;
mod trace;
mod tracing;

pub use adapters::adapters;
pub use args::{Errand, PortabilityArgs, Workload};
pub use comparison::{Agreement, Divergence, GradientDifference};
pub use result::{Contestant, Portability};
pub use trace::{Trace, TraceMemory, TraceTiming, TracedChoice, TracedGradient, TracedStep};
pub use tracing::{Tracer, sampled_gradients};

#[cfg(test)]
pub(crate) mod tests;
