use burn::tensor::backend::AutodiffBackend;
use egs_core::EgsBackend;

use crate::kernels::KernelBackend;

/// What a backend must offer to run these networks: the estimator and the kernels, both of which
/// have a default form that any Burn backend can use.
pub trait ModelBackend: EgsBackend + KernelBackend {}

impl<B: EgsBackend + KernelBackend> ModelBackend for B {}

/// A [`ModelBackend`] that differentiates, over one that does not.
pub trait TrainBackend: AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend {}

impl<B> TrainBackend for B where B: AutodiffBackend<InnerBackend: ModelBackend> + ModelBackend {}
