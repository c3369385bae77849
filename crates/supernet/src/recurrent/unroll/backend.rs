use super::forward::forward;
use super::{UnrollInputs, UnrollSettings, Unrolled};
use crate::kernels::KernelBackend;

/// A backend that runs recurrent cells through time.
///
/// The default body is made of tensor operations, so `impl UnrollBackend for SomeBackend {}` is a
/// complete implementation, which any backend differentiates. The `Autodiff` decorator records one
/// node in its place.
pub trait UnrollBackend: KernelBackend {
    /// Runs a cell over all moments of its inputs.
    fn unroll(inputs: UnrollInputs<Self>, settings: UnrollSettings<Self>) -> Unrolled<Self> {
        forward(&inputs, &settings, |_| {})
    }
}

#[cfg(feature = "flex")]
impl UnrollBackend for burn_flex::Flex {}

#[cfg(feature = "cubecl")]
impl<R, F, I, BT> UnrollBackend for burn_cubecl::CubeBackend<R, F, I, BT>
where
    R: burn_cubecl::CubeRuntime,
    F: burn_cubecl::FloatElement,
    I: burn_cubecl::IntElement,
    BT: burn_cubecl::BoolElement,
{
}

#[cfg(feature = "cubecl")]
impl<B: burn_fusion::FusionBackend + KernelBackend> UnrollBackend for burn_fusion::Fusion<B> {}
