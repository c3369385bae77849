//! Log-likelihoods of chosen classes.

use burn::tensor::{Int, Tensor};

use super::{primitive, tensor};
use crate::kernels::KernelBackend;

/// The logarithm of the probability that logits give to the class chosen for them.
///
/// On Flex the gradient takes the memory of the logits unless something else still has them.
///
/// # Shapes
///
/// - logits: `[time, batch, classes]`
/// - chosen: numbers of classes, `[time, batch]`
/// - output: `[time, batch]`
///
/// # Panics
///
/// If the shapes do not fit each other. A class that is not there is a panic of Flex, and no defined
/// value elsewhere.
pub fn log_likelihood<B: KernelBackend>(
    logits: Tensor<B, 3>,
    chosen: Tensor<B, 2, Int>,
) -> Tensor<B, 2> {
    let [time, batch, classes] = logits.dims();
    assert!(
        chosen.dims() == [time, batch] && classes > 0,
        "logits {:?} need classes [{time}, {batch}], got {:?}",
        logits.dims(),
        chosen.dims()
    );
    let rows = time * batch;
    let logits: Tensor<B, 2> = logits.reshape([rows, classes]);
    let chosen: Tensor<B, 1, Int> = chosen.reshape([rows]);
    let (likelihoods, _) = B::log_likelihood(primitive(logits), chosen.into_primitive());
    tensor::<B, 1>(likelihoods).reshape([time, batch])
}
