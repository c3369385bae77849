use burn::tensor::{DType, Tensor, backend::Backend};

/// Global average pooling `[batch, channels, height, width]` to `[batch, channels]`, in f32 whatever
/// the features are computed in.
pub(crate) fn global_average<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, height, width] = x.dims();
    // The last axis is added up in another order where a processor's vectors are wider.
    in_f32(x)
        .reshape([batch, channels, height * width, 1])
        .mean_dim(2)
        .reshape([batch, channels])
}

/// The same values in f32.
pub(crate) fn in_f32<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    match x.dtype() {
        DType::F32 => x,
        _ => x.cast(DType::F32),
    }
}
