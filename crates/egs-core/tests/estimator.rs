//! The operation against the loop oracle and against the reference, at unequal sizes.

mod common;

use burn::tensor::Tensor;
use burn_autodiff::{Autodiff, checkpoint::strategy::BalancedCheckpointing};
use common::{Cpu, CpuAutodiff, assert_close, oracle, scattered, tensor, values};
use egs_core::{Activation, EgsBackend, EgsConfig, Noise, NoiseKey, Normalization, reference};

fn configs(draws: usize) -> Vec<EgsConfig> {
    let mut configs = Vec::new();
    for temperature in [0.1, 1.0, 5.0] {
        for activation in [Activation::Softmax, Activation::Relu] {
            for normalization in [Normalization::None, Normalization::Sum] {
                configs.push(
                    EgsConfig::new(draws)
                        .with_temperature(temperature)
                        .with_activation(activation)
                        .with_normalization(normalization),
                );
            }
        }
    }
    configs
}

#[test]
fn seeded_noise_gives_the_codes_weights_and_gradients_of_the_oracle() {
    let device = Default::default();
    let key = NoiseKey::new(5, 9).with_first_row(2);
    for (rows, ops, draws) in [(1, 1, 1), (7, 2, 4), (14, 8, 7), (3, 40, 9), (2, 130, 64)] {
        let logits: Vec<f32> = scattered(rows * ops, 1).iter().map(|x| 3.0 * x).collect();
        let upstream = scattered(rows * ops, 2);
        for config in configs(draws) {
            let what = format!("{rows} rows, {ops} ops, {config:?}");
            let expected = oracle::solve(&oracle::Problem {
                config,
                ops,
                logits: &logits,
                noise: &key.gumbel(rows, draws, ops),
                upstream: &upstream,
            });
            assert!(
                expected.margin.iter().all(|margin| *margin > 1e-5),
                "{what}: a tie would make the comparison meaningless"
            );
            let input: Tensor<CpuAutodiff, 2> =
                tensor(&logits, [rows, ops], &device).require_grad();
            let sample = config.init().unwrap().sample(input.clone(), key).unwrap();
            assert_eq!(values(sample.code), expected.code, "{what}");
            assert_close(
                &values(sample.weights.clone()),
                &expected.weights,
                1e-6,
                &what,
            );
            let upstream = tensor(&upstream, [rows, ops], &device);
            let gradients = (sample.weights * upstream).sum().backward();
            let gradient = values(input.grad(&gradients).unwrap());
            // Small temperatures magnify the rounding of the scores.
            let tolerance = 2e-5 / config.temperature.min(1.0) as f32;
            assert_close(&gradient, &expected.gradient, tolerance, &what);
        }
    }
}

#[test]
fn using_code_and_weights_adds_their_gradients() {
    let device = Default::default();
    let (rows, ops) = (5, 8);
    let logits = scattered(rows * ops, 3);
    let egs = EgsConfig::new(4)
        .with_normalization(Normalization::Sum)
        .init()
        .unwrap();
    let key = NoiseKey::new(1, 1);
    let gradient = |by_reference: bool| {
        let input: Tensor<CpuAutodiff, 2> = tensor(&logits, [rows, ops], &device).require_grad();
        let sample = match by_reference {
            true => reference::sample(&egs, input.clone(), key),
            false => egs.sample(input.clone(), key),
        }
        .unwrap();
        let first = tensor(&scattered(rows * ops, 4), [rows, ops], &device);
        let second = tensor(&scattered(rows * ops, 5), [rows, ops], &device);
        let gradients = (sample.code * first + sample.weights * second)
            .sum()
            .backward();
        values(input.grad(&gradients).unwrap())
    };
    assert_close(
        &gradient(false),
        &gradient(true),
        1e-5,
        "sum of two gradients",
    );
}

#[test]
fn leading_dimensions_are_rows() {
    let device = Default::default();
    let egs = EgsConfig::new(3).init().unwrap();
    let key = NoiseKey::new(2, 0);
    let logits = scattered(2 * 3 * 5, 6);
    let flat: Tensor<Cpu, 2> = tensor(&logits, [6, 5], &device);
    let batched: Tensor<Cpu, 3> = tensor(&logits, [2, 3, 5], &device);
    let expected = values(egs.sample(flat.clone(), key).unwrap().code);
    let sample = egs.sample(batched, key).unwrap();
    assert_eq!(sample.code.dims(), [2, 3, 5]);
    assert_eq!(values(sample.code), expected);

    let row: Tensor<Cpu, 1> = flat.narrow(0, 4, 1).reshape([5]);
    let code = egs.sample(row, key.with_first_row(4)).unwrap().code;
    assert_eq!(values(code), expected[20..25]);
}

#[test]
fn transposed_logits_are_read_by_their_shape() {
    let device = Default::default();
    let egs = EgsConfig::new(2).init().unwrap();
    let key = NoiseKey::new(8, 0);
    let logits: Tensor<Cpu, 2> = tensor(&scattered(7 * 3, 7), [3, 7], &device).transpose();
    let copy: Tensor<Cpu, 2> = tensor(&values(logits.clone()), [7, 3], &device);
    assert_eq!(
        values(egs.sample(logits, key).unwrap().code),
        values(egs.sample(copy, key).unwrap().code)
    );
}

#[test]
fn gradient_checkpointing_changes_nothing() {
    fn gradient<B: burn::tensor::backend::AutodiffBackend + EgsBackend>() -> Vec<f32> {
        let device = Default::default();
        let parameter: Tensor<B, 2> = tensor(&scattered(24, 8), [3, 8], &device).require_grad();
        // Logits that are computed, so that checkpointing has something to recompute.
        let logits = (parameter.clone() * 2.0).tanh();
        let egs = EgsConfig::new(4).init().unwrap();
        let sample = egs.sample(logits, NoiseKey::new(4, 4)).unwrap();
        let upstream = tensor(&scattered(24, 9), [3, 8], &device);
        let gradients = (sample.weights * upstream).sum().backward();
        values(parameter.grad(&gradients).unwrap())
    }
    assert_eq!(
        gradient::<Autodiff<Cpu>>(),
        gradient::<Autodiff<Cpu, BalancedCheckpointing>>()
    );
}

#[test]
fn untracked_logits_give_untracked_codes() {
    let device = Default::default();
    let logits: Tensor<CpuAutodiff, 2> = tensor(&scattered(8, 1), [1, 8], &device);
    let egs = EgsConfig::new(4).init().unwrap();
    let sample = egs.sample(logits, NoiseKey::new(1, 0)).unwrap();
    assert!(!sample.code.is_require_grad());
}

#[test]
fn second_derivatives_are_those_of_the_reference() {
    type Twice = Autodiff<Autodiff<Cpu>>;
    let device = Default::default();
    let egs = EgsConfig::new(3).with_temperature(2.0).init().unwrap();
    let second = |by_reference: bool| {
        let inner: Tensor<Autodiff<Cpu>, 2> =
            tensor(&scattered(10, 2), [2, 5], &device).require_grad();
        let logits = Tensor::<Twice, 2>::from_inner(inner.clone()).require_grad();
        let noise = Noise::from(NoiseKey::new(6, 0));
        let sample = match by_reference {
            true => reference::sample(&egs, logits.clone(), noise),
            false => egs.sample(logits.clone(), noise),
        }
        .unwrap();
        let upstream = tensor(&scattered(10, 3), [2, 5], &device);
        let gradients = (sample.code * upstream).sum().backward();
        let first: Tensor<Autodiff<Cpu>, 2> = logits.grad(&gradients).unwrap();
        let direction = tensor(&scattered(10, 4), [2, 5], &device);
        let gradients = (first * direction).sum().backward();
        values(inner.grad(&gradients).unwrap())
    };
    let expected = second(true);
    assert!(expected.iter().any(|g| g.abs() > 1e-3), "{expected:?}");
    assert_close(&second(false), &expected, 1e-4, "second derivative");
}
