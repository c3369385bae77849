//! Log-likelihoods of chosen classes.

use burn::tensor::{
    IndexingUpdateOp, Int, Tensor,
    backend::Backend,
    ops::{FloatTensor, IntTensor},
};

use super::{unwrap, wrap};

/// Of the logits less the largest of each row, so that no exponential overflows.
pub fn log_likelihood<B: Backend>(
    logits: FloatTensor<B>,
    chosen: IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let logits = wrap::<B, 2>(logits);
    let [rows, _] = logits.dims();
    let chosen: Tensor<B, 2, Int> = Tensor::<B, 1, Int>::from_primitive(chosen).reshape([rows, 1]);
    let largest = logits.clone().detach().max_dim(1);
    let shifted = logits - largest.clone();
    let logarithms = shifted.clone().exp().sum_dim(1).log();
    let likelihoods = shifted.gather(1, chosen) - logarithms.clone();
    let sums = largest + logarithms;
    (
        unwrap(likelihoods.reshape([rows])),
        unwrap(sums.reshape([rows])),
    )
}

/// `dy * (1 where chosen - probability)`.
pub fn log_likelihood_backward<B: Backend>(
    logits: FloatTensor<B>,
    chosen: IntTensor<B>,
    sums: FloatTensor<B>,
    dy: FloatTensor<B>,
) -> FloatTensor<B> {
    let logits = wrap::<B, 2>(logits);
    let [rows, _] = logits.dims();
    let chosen: Tensor<B, 2, Int> = Tensor::<B, 1, Int>::from_primitive(chosen).reshape([rows, 1]);
    let column = |tensor| wrap::<B, 1>(tensor).reshape([rows, 1]);
    let (sums, dy) = (column(sums), column(dy));
    let gradient = (logits - sums).exp() * -dy.clone();
    unwrap(gradient.scatter(1, chosen, dy, IndexingUpdateOp::Add))
}
