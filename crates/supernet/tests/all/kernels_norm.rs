//! Batch normalisation against Burn's primitives and against loops over slices.

use crate::kernels_common::{Tracked, assert_close, assert_same, grid, tensor, values};
use burn::tensor::Tensor;
use supernet::kernels::{batch_norm, scale_channels};

const SIZES: [[usize; 4]; 9] = [
    [2, 1, 1, 1],
    [2, 3, 1, 2],
    [3, 2, 2, 2],
    [2, 3, 4, 4],
    [2, 16, 5, 9],
    [3, 65, 7, 3],
    [2, 5, 8, 8],
    [2, 3, 6, 33],
    [17, 16, 32, 32],
];

fn burn_batch_norm(x: Tensor<Tracked, 4>, eps: f64) -> Tensor<Tracked, 4> {
    let mean = x.clone().mean_dim(3).mean_dim(2).mean_dim(0);
    let centred = x - mean;
    let squares = centred.clone() * centred.clone();
    let variance = squares.mean_dim(3).mean_dim(2).mean_dim(0);
    centred / (variance + eps).sqrt()
}

#[test]
fn batch_norm_equals_its_composition() {
    for size in SIZES {
        let inputs = [(grid(size, 3), size)];
        assert_same(
            &inputs,
            |[x]| batch_norm(x, 1e-3).output,
            |[x]| burn_batch_norm(x, 1e-3),
            &format!("{size:?}"),
        );
    }
}

#[test]
fn batch_norm_reads_views_and_leaves_shared_values_alone() {
    let size = [4, 6, 3, 5];
    let x = tensor(grid(size, 4), size).permute([3, 1, 0, 2]);
    let before = values(x.clone().inner());
    let output = batch_norm(x.clone(), 1e-5).output;
    assert_eq!(values(x.clone().inner()), before);
    let expected = burn_batch_norm(x, 1e-5);
    assert_close(
        &values(output.inner()),
        &values(expected.inner()),
        1e-5,
        "view",
    );
}

#[test]
fn scale_and_shift_equal_their_composition() {
    for size in SIZES {
        let channels = size[1];
        let gradients = |fused: bool| {
            let x = tensor(grid(size, 3), size).require_grad();
            let column = |seed| {
                let values = tensor(grid([1, channels, 1, 1], seed), [1, channels, 1, 1]);
                values.reshape([channels]).require_grad()
            };
            let (scale, shift) = (column(4), column(5));
            let output = if fused {
                scale_channels(x.clone(), scale.clone(), shift.clone())
            } else {
                let shape = [1, channels, 1, 1];
                x.clone() * scale.clone().reshape(shape) + shift.clone().reshape(shape)
            };
            let dy = tensor(grid(size, 77), size);
            let gradients = (output.clone() * dy).sum().backward();
            [
                values(output.inner()),
                values(x.grad(&gradients).unwrap()),
                values(scale.grad(&gradients).unwrap()),
                values(shift.grad(&gradients).unwrap()),
            ]
        };
        for (actual, expected) in gradients(true).iter().zip(gradients(false)) {
            assert_close(actual, &expected, 1e-5, &format!("{size:?}"));
        }
    }
}

#[test]
fn batch_norm_returns_the_statistics_of_each_channel_untracked() {
    let size = [3, 4, 5, 2];
    let x = grid(size, 5);
    let output = batch_norm(tensor(x.clone(), size).require_grad(), 1e-5);
    let per_channel = |channel: usize| {
        x.iter()
            .enumerate()
            .filter(move |(at, _)| at / 10 % 4 == channel)
            .map(|(_, value)| f64::from(*value))
    };
    let mean: Vec<f32> = (0..4)
        .map(|channel| (per_channel(channel).sum::<f64>() / 30.0) as f32)
        .collect();
    let variance: Vec<f32> = (0..4)
        .map(|channel| {
            let distance = |value: f64| value - f64::from(mean[channel]);
            let squares = per_channel(channel).map(|value| distance(value) * distance(value));
            (squares.sum::<f64>() / 30.0) as f32
        })
        .collect();
    assert_close(&values(output.mean.clone().inner()), &mean, 1e-6, "mean");
    assert_close(
        &values(output.variance.inner()),
        &variance,
        1e-6,
        "variance",
    );
    assert!(output.mean.grad(&output.output.sum().backward()).is_none());
}

#[test]
fn batch_norm_keeps_its_precision_far_from_zero() {
    let size = [8, 2, 16, 16];
    let x = grid(size, 6);
    let far: Vec<f32> = x.iter().map(|value| value + 1024.0).collect();
    let near = batch_norm(tensor(x, size), 1e-5);
    let far = batch_norm(tensor(far, size), 1e-5);
    let (near, far) = (values(near.variance.inner()), values(far.variance.inner()));
    assert_close(&far, &near, 1e-5, "variance");
}

#[test]
#[should_panic(expected = "need at least one value per channel")]
fn statistics_of_nothing_are_refused() {
    batch_norm(tensor(vec![], [0, 2, 3, 3]), 1e-5);
}
