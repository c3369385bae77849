use burn::tensor::backend::AutodiffBackend;
use egs_core::EgsBackend;

use crate::kernels::KernelBackend;
use crate::recurrent::UnrollBackend;

/// What a backend must offer to run these networks: the estimator, the kernels and the recurrent cells
/// made of them, all of which have a default form that any Burn backend can use.
pub trait ModelBackend: EgsBackend + KernelBackend + UnrollBackend {}

impl<B: EgsBackend + KernelBackend + UnrollBackend> ModelBackend for B {}

/// A [`ModelBackend`] that differentiates, over one that does not.
pub trait TrainBackend: AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend {}

impl<B> TrainBackend for B where B: AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend {}
