use burn::tensor::{DType, Tensor, backend::Backend};

use crate::kernels::{self, KernelBackend};

/// Global average pooling `[batch, channels, height, width]` to `[batch, channels]`, in f32 whatever
/// the features are computed in.
pub(crate) fn global_average<B: KernelBackend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    kernels::plane_means(in_f32(x))
}

/// The same values in f32.
pub(crate) fn in_f32<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    match x.dtype() {
        DType::F32 => x,
        _ => x.cast(DType::F32),
    }
}
