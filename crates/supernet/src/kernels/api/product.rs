//! Products of matrices.

use burn::tensor::Tensor;

use super::{primitive, tensor};
use crate::kernels::KernelBackend;

/// `left * right + bias`.
///
/// # Shapes
///
/// - left: `[rows, inputs]`
/// - right: `[inputs, columns]`
/// - bias: `[columns]`
/// - output: `[rows, columns]`
///
/// # Panics
///
/// If the shapes do not fit each other.
pub fn matrix_product<B: KernelBackend>(
    left: Tensor<B, 2>,
    right: Tensor<B, 2>,
    bias: Option<Tensor<B, 1>>,
) -> Tensor<B, 2> {
    let ([_, inputs], [rows, columns]) = (left.dims(), right.dims());
    let biases = bias.as_ref().map_or(columns, |bias| bias.dims()[0]);
    assert!(
        inputs == rows && biases == columns,
        "a product of {:?} needs a matrix [{inputs}, columns] and a bias [columns], got {:?} and [{biases}]",
        left.dims(),
        right.dims()
    );
    tensor(B::matrix_product(
        primitive(left),
        primitive(right),
        bias.map(primitive),
    ))
}

/// Gradient `[rows, inputs]` of the left matrix of [`matrix_product`], from the right one and the gradient
/// `[rows, columns]` of the output.
///
/// # Panics
///
/// If they have different numbers of columns.
pub fn matrix_product_backward_left<B: KernelBackend>(
    right: Tensor<B, 2>,
    dy: Tensor<B, 2>,
) -> Tensor<B, 2> {
    let ([_, columns], [_, gradients]) = (right.dims(), dy.dims());
    assert!(
        columns == gradients,
        "a matrix {:?} needs gradients [rows, {columns}], got {:?}",
        right.dims(),
        dy.dims()
    );
    tensor(B::matrix_product_backward_left(
        primitive(right),
        primitive(dy),
    ))
}

/// Gradient `[inputs, columns]` of the right matrix of [`matrix_product`], from the left one and the gradient
/// `[rows, columns]` of the output.
///
/// # Panics
///
/// If they have different numbers of rows.
pub fn matrix_product_backward_right<B: KernelBackend>(
    left: Tensor<B, 2>,
    dy: Tensor<B, 2>,
) -> Tensor<B, 2> {
    let ([rows, _], [gradients, _]) = (left.dims(), dy.dims());
    assert!(
        rows == gradients,
        "a matrix {:?} needs gradients [{rows}, columns], got {:?}",
        left.dims(),
        dy.dims()
    );
    tensor(B::matrix_product_backward_right(
        primitive(left),
        primitive(dy),
    ))
}
