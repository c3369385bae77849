//! What networks are built of, and their tensors on the host.

mod conv;
mod count_weights;
mod drop_path;
mod features;
mod init;
mod norm;
mod running;
mod tensors;

pub use conv::{Conv2d, Linear};
pub(crate) use conv::{DepthwiseConv2d, PointwiseConv2d, StripConv2d, conv_name, linear_name};
pub use count_weights::count_weights;
pub use drop_path::DropPath;
pub(crate) use features::{global_average, in_f32};
pub use init::WeightInit;
pub use norm::{BatchNorm, Statistics};
pub(crate) use norm::{Scaled, norm_name};
pub use running::RunningTensor;
pub(crate) use tensors::{
    COUNTERS, TensorName, load_tensors, read_tensors, tensor_names, write_tensors,
};
pub use tensors::{NamedTensor, StateDict};
