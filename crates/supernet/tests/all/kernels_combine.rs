//! Sums of node terms, the ReLU, concatenation and every second pixel against Burn's own.

use crate::kernels_common::{Tracked, assert_close, assert_same, grid, run, tensor, values};
use burn::tensor::{Tensor, TensorData, activation::relu};
use burn_flex::FlexDevice;
use supernet::kernels::{
    DeferredTerm, add_deferred, add_scaled, add_term, add_weighted, concat_channels, every_second,
    plane_means, rectify,
};

/// Unequal axes, odd sizes, one value, and more values than one task takes.
const SIZES: [[usize; 4]; 6] = [
    [1, 1, 1, 1],
    [2, 3, 5, 7],
    [3, 1, 2, 9],
    [2, 16, 8, 6],
    [2, 65, 3, 4],
    [5, 16, 33, 31],
];

fn table(values: &[[f32; 3]; 2]) -> Tensor<Tracked, 2> {
    let values = values.iter().flatten().copied().collect();
    Tensor::from_data(TensorData::new(values, [2, 3]), &FlexDevice)
}

#[test]
fn the_relu_equals_burns_and_is_flat_at_zero() {
    for size in SIZES {
        // The grid holds exact zeros.
        let inputs = [(grid(size, 3), size)];
        assert_same(
            &inputs,
            |[x]| rectify(x),
            |[x]| relu(x),
            &format!("{size:?}"),
        );
    }
}

#[test]
fn a_sum_equals_burns_and_leaves_shared_values_alone() {
    for size in SIZES {
        let inputs = [(grid(size, 3), size), (grid(size, 4), size)];
        let what = format!("{size:?}");
        assert_same(&inputs, |[a, b]| add_term(a, b), |[a, b]| a + b, &what);
    }
    let a = tensor(grid([2, 3, 4, 5], 1), [2, 3, 4, 5]);
    let before = values(a.clone().inner());
    let _ = add_term(a.clone(), a.clone());
    assert_eq!(values(a.inner()), before);
}

/// `sum + weight * term` by Burn, whatever the weight.
fn composed(
    sum: Option<Tensor<Tracked, 4>>,
    term: Tensor<Tracked, 4>,
    weights: Tensor<Tracked, 2>,
) -> Tensor<Tracked, 4> {
    let term = term * weights.slice([1..2, 2..3]).reshape([1, 1, 1, 1]);
    match sum {
        Some(sum) => sum + term,
        None => term,
    }
}

#[test]
fn a_weighted_sum_equals_its_composition_for_every_kind_of_weight() {
    for size in SIZES {
        for weight in [0.0, 1.0, 0.25, -3.0] {
            for with_sum in [false, true] {
                let entries = [[0.5, 2.0, 0.125], [7.0, -1.0, weight]];
                let gradients = |fused: bool| {
                    let sum = tensor(grid(size, 5), size).require_grad();
                    let term = tensor(grid(size, 6), size).require_grad();
                    let weights = table(&entries).require_grad();
                    let (s, t, w) = (sum.clone(), term.clone(), weights.clone());
                    let s = with_sum.then_some(s);
                    let output = if fused {
                        add_weighted(s, t, w, [1, 2])
                    } else {
                        composed(s, t, w)
                    };
                    let dy = tensor(grid(size, 7), size);
                    let gradients = (output.clone() * dy).sum().backward();
                    let sum = sum.grad(&gradients).map(values);
                    let term = term.grad(&gradients).map(values);
                    let weights = weights.grad(&gradients).map(values);
                    (values(output.inner()), sum, term.unwrap(), weights.unwrap())
                };
                let (actual, expected) = (gradients(true), gradients(false));
                let what = format!("{size:?}, weight {weight}, sum {with_sum}");
                assert_close(&actual.0, &expected.0, 1e-6, &what);
                assert_eq!(actual.1.is_some(), with_sum, "{what}");
                assert_eq!(actual.1, expected.1, "{what}: gradient of the sum");
                assert_close(&actual.2, &expected.2, 1e-6, &what);
                assert_close(&actual.3, &expected.3, 1e-5, &what);
            }
        }
    }
}

#[test]
fn a_constant_term_still_gives_its_weight_a_gradient() {
    let size = [2, 3, 4, 5];
    let term = tensor(grid(size, 6), size);
    let weights = table(&[[0.0; 3]; 2]).require_grad();
    let output = add_weighted(None, term.clone(), weights.clone(), [0, 1]);
    assert!(values(output.clone().inner()).iter().all(|v| *v == 0.0));
    let gradients = output.sum().backward();
    let gradient = values(weights.grad(&gradients).unwrap());
    let sum: f32 = values(term.inner()).iter().sum();
    assert_close(&gradient, &[0.0, sum, 0.0, 0.0, 0.0, 0.0], 1e-6, "weights");
}

#[test]
fn a_term_that_is_off_is_computed_for_the_gradient_of_its_weight_alone() {
    let shape = [2, 3, 4, 5];
    let weights = || table(&[[0.0, 1.0, 0.0], [0.5, 0.0, 0.0]]).require_grad();
    let [x, sum] = [1, 2].map(|seed| tensor(grid(shape, seed), shape));
    let dy = tensor(grid(shape, 3), shape);
    let ran = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let deferred = |weights: Tensor<Tracked, 2>, sum: Tensor<Tracked, 4>| {
        let terms = [[0, 2], [1, 1]].map(|entry| {
            let (x, ran) = (x.clone(), ran.clone());
            let compute = move || {
                ran.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                x * (1 + entry[0]) as f32
            };
            DeferredTerm {
                entry,
                compute: Box::new(compute) as Box<dyn FnOnce() -> _ + Send>,
            }
        });
        add_deferred(sum, weights, terms.into())
    };
    let (recorded, leaf) = (weights(), sum.clone().require_grad());
    let output = deferred(recorded.clone(), leaf.clone());
    assert_eq!(values(output.clone().inner()), values(sum.clone().inner()));
    assert_eq!(ran.load(std::sync::atomic::Ordering::Relaxed), 0);
    let gradients = (output * dy.clone()).sum().backward();
    assert_eq!(ran.load(std::sync::atomic::Ordering::Relaxed), 2);
    let of_sum = values(leaf.grad(&gradients).unwrap());
    assert_eq!(of_sum, values(dy.clone().inner()));

    let expected = weights();
    let first = add_weighted(Some(sum.clone()), x.clone(), expected.clone(), [0, 2]);
    let output = add_weighted(Some(first), x.clone() * 2.0, expected.clone(), [1, 1]);
    let expected_gradients = (output * dy).sum().backward();
    assert_close(
        &values(recorded.grad(&gradients).unwrap()),
        &values(expected.grad(&expected_gradients).unwrap()),
        1e-6,
        "gradient of the weights",
    );
    // Nothing asks for the gradient of weights that are constants.
    let output = deferred(table(&[[0.0; 3]; 2]), sum.require_grad());
    let _ = output.sum().backward();
    assert_eq!(ran.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn a_scaled_sum_equals_its_composition_with_and_without_its_parts() {
    for size in SIZES {
        let [batch, channels, ..] = size;
        let columns = [1, channels, 1, 1];
        let factors: Vec<f32> = (0..batch).map(|image| image as f32 * 0.75).collect();
        for parts in 0..8 {
            let [summed, affine, by_image] = [1, 2, 4].map(|part| parts & part != 0);
            let by_image = by_image.then_some(factors.as_slice());
            let run = |kernel: bool| {
                let leaf = |shape, seed| tensor(grid(shape, seed), shape).require_grad();
                let term = leaf(size, 1);
                let sum = summed.then(|| leaf(size, 2));
                let pair = affine.then(|| [3, 4].map(|seed| leaf(columns, seed)));
                let output = if kernel {
                    let pair = pair.clone();
                    let pair = pair.map(|pair| pair.map(|part| part.reshape([channels])));
                    add_scaled(sum.clone(), term.clone(), pair, by_image)
                } else {
                    let mut term = term.clone();
                    if let Some([scale, shift]) = pair.clone() {
                        term = term * scale + shift;
                    }
                    if let Some(factors) = by_image {
                        let factors = TensorData::new(factors.to_vec(), [batch, 1, 1, 1]);
                        term = term * Tensor::from_data(factors, &FlexDevice);
                    }
                    match sum.clone() {
                        Some(sum) => sum + term,
                        None => term,
                    }
                };
                let gradients = (output.clone() * tensor(grid(size, 77), size))
                    .sum()
                    .backward();
                let leaves = [Some(term), sum].into_iter().flatten();
                let leaves = leaves.chain(pair.into_iter().flatten());
                let gradients = leaves.map(|leaf| values(leaf.grad(&gradients).unwrap()));
                let mut results = vec![values(output.inner())];
                results.extend(gradients);
                results
            };
            let (actual, expected) = (run(true), run(false));
            assert_eq!(actual.len(), expected.len());
            for (part, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                let what = format!("{size:?}, parts {parts}, result {part}");
                assert_close(actual, expected, 1e-5, &what);
            }
        }
    }
}

#[test]
fn the_means_of_planes_equal_burns() {
    for size in SIZES {
        let [batch, channels, ..] = size;
        assert_same(
            &[(grid(size, 5), size)],
            |[x]| plane_means(x).reshape([batch, channels, 1, 1]),
            |[x]| x.mean_dim(3).mean_dim(2),
            &format!("{size:?}"),
        );
    }
}

fn check_concatenation<const N: usize>(channels: [usize; N]) {
    let inputs = channels.map(|channels| {
        let size = [3, channels, 5, 2];
        (grid(size, 8 + channels as u32), size)
    });
    assert_same(
        &inputs,
        |parts| concat_channels(parts.to_vec()),
        |parts| Tensor::cat(parts.to_vec(), 1),
        &format!("channels {channels:?}"),
    );
}

#[test]
fn concatenation_equals_burns_for_any_number_of_tensors() {
    check_concatenation([3]);
    check_concatenation([1, 4]);
    check_concatenation([2, 1, 16]);
    check_concatenation([1, 4, 2, 3]);
    check_concatenation([1, 4, 2, 3, 16]);
}

#[test]
fn every_second_pixel_of_a_small_image() {
    let x: Vec<f32> = (1..=15).map(|value| value as f32).collect();
    let inputs = [(x, [1, 1, 3, 5])];
    let (even, shape, _) = run(&inputs, |[x]| every_second(x, 0));
    assert_eq!(
        (even, shape),
        (vec![1.0, 3.0, 5.0, 11.0, 13.0, 15.0], [1, 1, 2, 3])
    );
    let (odd, shape, _) = run(&inputs, |[x]| every_second(x, 1));
    assert_eq!(
        (odd, shape),
        (vec![7.0, 9.0, 0.0, 0.0, 0.0, 0.0], [1, 1, 2, 3])
    );
}

#[test]
fn every_second_pixel_equals_a_padded_slice() {
    for size in SIZES {
        for shift in [0, 1] {
            let inputs = [(grid(size, 9), size)];
            let [_, _, height, width] = size;
            let slice = |[x]: [Tensor<Tracked, 4>; 1]| {
                let x = x.pad([(0, height % 2), (0, width % 2)], 0.0);
                let from = shift as isize;
                let every = burn::tensor::Slice::new(from, None, 2);
                let full = burn::tensor::Slice::full();
                x.slice([full, full, every, every])
            };
            let what = format!("{size:?}, shift {shift}");
            assert_same(&inputs, |[x]| every_second(x, shift), slice, &what);
        }
    }
}
