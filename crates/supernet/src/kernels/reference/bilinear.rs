//! Bilinear resampling as products with two constant matrices, `rows * x * columns^T` for each plane.

use burn::tensor::{Tensor, TensorMetadata, backend::Backend, ops::FloatTensor};

use super::{constant, unwrap, wrap};
use crate::kernels::{Corners, bilinear::Scale};

/// Both products.
pub fn upsample_bilinear<B: Backend>(
    x: FloatTensor<B>,
    size: [usize; 2],
    corners: Corners,
) -> FloatTensor<B> {
    let [_, _, height, width] = x.shape().dims::<4>();
    let matrices = matrices::<B>([height, width], size, corners, &x);
    unwrap(products(wrap(x), matrices))
}

/// The products with the matrices transposed.
pub fn upsample_bilinear_backward<B: Backend>(
    dy: FloatTensor<B>,
    input: [usize; 2],
    corners: Corners,
) -> FloatTensor<B> {
    let [_, _, out_h, out_w] = dy.shape().dims::<4>();
    let matrices = matrices::<B>(input, [out_h, out_w], corners, &dy);
    unwrap(products(wrap(dy), matrices.map(Tensor::transpose)))
}

/// The share of each input in each output, `[out_h, height]` and `[out_w, width]`.
fn matrices<B: Backend>(
    input: [usize; 2],
    output: [usize; 2],
    corners: Corners,
    like: &FloatTensor<B>,
) -> [Tensor<B, 2>; 2] {
    Scale::of_image(input, output, corners).map(|scale| {
        let mut shares = vec![0.0; scale.outputs * scale.inputs];
        let rows = shares.chunks_exact_mut(scale.inputs);
        for (row, blend) in rows.zip(scale.blends()) {
            for (input, share) in blend.inputs.into_iter().zip(blend.shares) {
                row[input] += share;
            }
        }
        constant::<B, 2>(shares, [scale.outputs, scale.inputs], like)
    })
}

fn products<B: Backend>(x: Tensor<B, 4>, [rows, columns]: [Tensor<B, 2>; 2]) -> Tensor<B, 4> {
    let [batch, channels, height, width] = x.dims();
    let ([out_h, _], [out_w, _]) = (rows.dims(), columns.dims());
    let lines = x.reshape([batch * channels * height, width]);
    let lines = lines.matmul(columns.transpose());
    let planes = lines.reshape([batch * channels, height, out_w]);
    let planes = rows.unsqueeze::<3>().matmul(planes);
    planes.reshape([batch, channels, out_h, out_w])
}
