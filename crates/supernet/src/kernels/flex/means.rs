//! Means of planes.

use burn::tensor::TensorMetadata;
use burn_flex::FlexTensor;

use super::{
    batch_norm::{PlaneSums, plane_sums},
    memory::{dims, fill, items_per_task, tensor, values},
};

/// `[batch, channels]`
pub(super) fn forward(x: FlexTensor) -> FlexTensor {
    let x = x.to_contiguous();
    let [batch, channels, height, width] = dims(&x);
    let moments = PlaneSums::Moments(values(&x));
    let sums = plane_sums(moments, batch * channels, height * width);
    let means = sums.iter().map(|[mean, _]| *mean as f32).collect();
    tensor(means, [batch, channels])
}

/// An equal share of each plane's gradient for each of its values.
pub(super) fn backward(dy: FlexTensor, [height, width]: [usize; 2]) -> FlexTensor {
    let dy = dy.to_contiguous();
    let [batch, channels] = dy.shape().dims();
    let (planes, plane) = (batch * channels, height * width);
    let items = items_per_task(planes, plane);
    let count = planes.div_ceil(items);
    let [dx] = fill([planes * plane], [items * plane], count, |task, [dx]| {
        let shares = &values(&dy)[task * items..];
        for (dx, share) in dx.chunks_exact_mut(plane).zip(shares) {
            dx.fill(share / plane as f32);
        }
    });
    tensor(dx, [batch, channels, height, width])
}
