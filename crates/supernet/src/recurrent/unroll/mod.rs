//! A recurrent cell through time as one operation with a gradient of its own.
//!
//! Each moment runs the steps of the cell one after the other: states that a step reads are stacked and
//! multiplied by its matrix at once, and [`gated_mix`](crate::kernels::gated_mix) makes the next state
//! of the products. Backwards, moments are run in reverse, and what does not depend on time is done for
//! all of them together: gradients of the matrices are one product each, and so are the products that
//! only the weights of terms which are off need.

mod autodiff;
mod backend;
mod backward;
mod forward;
mod tensors;

pub use backend::UnrollBackend;
pub use tensors::{StateNorm, StepPlan, UnrollInputs, UnrollSettings, Unrolled};
