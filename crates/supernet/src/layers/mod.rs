//! What networks are built of, and their tensors on the host.

pub(crate) mod conv;
mod drop_path;
mod init;
pub(crate) mod norm;
mod tensors;

pub use conv::{Conv2d, Linear};
pub use drop_path::DropPath;
pub use init::WeightInit;
pub use norm::{BatchNorm, RunningTensor, Statistics};
pub use tensors::{NamedTensor, StateDict};
