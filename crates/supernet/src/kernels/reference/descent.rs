//! What moves by a share: steps of gradient descent and running statistics.

use burn::tensor::{backend::Backend, ops::FloatTensor};

use crate::kernels::Descent;

/// Burn's operations, one after the other.
pub fn descend<B: Backend>(
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
    velocity: Option<FloatTensor<B>>,
    descent: Descent,
) -> [FloatTensor<B>; 2] {
    let times = |tensor, factor: f64| B::float_mul_scalar(tensor, factor.into());
    let gradient = match descent.decay {
        0.0 => gradient,
        decay => B::float_add(gradient, times(weight.clone(), decay)),
    };
    let velocity = match velocity {
        Some(velocity) => B::float_add(gradient, times(velocity, descent.momentum)),
        None => gradient,
    };
    let step = times(velocity.clone(), descent.rate);
    [B::float_sub(weight, step), velocity]
}

/// Burn's operations, one after the other.
pub fn move_statistics<B: Backend>(
    [old_mean, old_variance]: [FloatTensor<B>; 2],
    [mean, variance]: [FloatTensor<B>; 2],
    share: f64,
    unbiased: f64,
) -> [FloatTensor<B>; 2] {
    let times = |tensor, factor: f64| B::float_mul_scalar(tensor, factor.into());
    let blend = |old, new| B::float_add(times(old, 1.0 - share), times(new, share));
    [
        blend(old_mean, mean),
        blend(old_variance, times(variance, unbiased)),
    ]
}
