//! Arguments at and beyond the edge: each has a typed error or a stated, finite result.

mod common;

use burn::tensor::{DType, Tensor};
use common::{Cpu, CpuAutodiff, scattered, tensor, values};
use egs_core::{
    Activation, EgsConfig, EgsError, EgsForm, Gradient, NoiseKey, Normalization, probabilities,
};

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let device = Default::default();
    let egs = EgsConfig::new(4).init().unwrap();
    let key = NoiseKey::new(0, 0);
    let empty = Tensor::<Cpu, 2>::zeros([3, 0], &device);
    assert_eq!(
        egs.sample(empty, key).unwrap_err(),
        EgsError::NoOps { shape: vec![3, 0] }
    );
    let logits = Tensor::<Cpu, 2>::zeros([3, 5], &device);
    let noise = Tensor::<Cpu, 3>::zeros([3, 5, 4], &device);
    assert_eq!(
        egs.sample(logits, noise).unwrap_err(),
        EgsError::Shape {
            what: "the given noise [rows, draws, ops]",
            expected: vec![3, 4, 5],
            actual: vec![3, 5, 4],
        }
    );
}

#[test]
fn the_form_in_use_can_be_asked_for() {
    let device = Default::default();
    let form = |gradient| {
        let config = EgsConfig::new(2).with_gradient(gradient);
        config.init().unwrap().form::<CpuAutodiff>(&device)
    };
    assert_eq!(form(Gradient::FirstDraw), EgsForm::Rows);
    assert_eq!(form(Gradient::TiedDraws), EgsForm::Plain);
}

#[test]
fn no_rows_give_no_codes() {
    let device = Default::default();
    let egs = EgsConfig::new(4).init().unwrap();
    let logits = Tensor::<Cpu, 3>::zeros([2, 0, 5], &device);
    let sample = egs.sample(logits, NoiseKey::new(0, 0)).unwrap();
    assert_eq!(sample.code.dims(), [2, 0, 5]);
}

#[test]
fn one_operation_is_always_on() {
    let device = Default::default();
    let logits: Tensor<CpuAutodiff, 2> = tensor(&[-3.0, 80.0], [2, 1], &device).require_grad();
    for normalization in [Normalization::None, Normalization::Sum] {
        let egs = EgsConfig::new(3)
            .with_normalization(normalization)
            .init()
            .unwrap();
        let sample = egs.sample(logits.clone(), NoiseKey::new(0, 0)).unwrap();
        assert_eq!(values(sample.code.clone()), [1.0, 1.0]);
        let gradients = sample.weights.sum().backward();
        assert_eq!(values(logits.grad(&gradients).unwrap()), [0.0, 0.0]);
    }
}

#[test]
fn odd_logits_have_finite_probabilities_codes_and_gradients() {
    let device = Default::default();
    let rows = [
        [NAN, 0.0, 1.0, -1.0],
        [NAN, NAN, NAN, NAN],
        [INF, 0.0, 1.0, -INF],
        [INF, INF, 0.0, 0.0],
        [-INF, -INF, -INF, -INF],
        [80.0, -80.0, 80.0, 0.0],
        [-1.0, -2.0, 0.0, -0.5],
        [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-40],
    ];
    let upstream: Tensor<CpuAutodiff, 2> = tensor(&scattered(32, 1), [8, 4], &device);
    for activation in [Activation::Softmax, Activation::Relu] {
        for temperature in [1e-3, 1.0] {
            let egs = EgsConfig::new(3)
                .with_temperature(temperature)
                .with_activation(activation)
                .with_normalization(Normalization::Sum)
                .init()
                .unwrap();
            let logits: Tensor<CpuAutodiff, 2> =
                tensor(&rows.concat(), [8, 4], &device).require_grad();
            let p = values(probabilities(logits.clone(), activation));
            assert!(
                p.iter().all(|p| (0.0..=1.0).contains(p)),
                "{activation:?} {p:?}"
            );
            let sample = egs.sample(logits.clone(), NoiseKey::new(1, 0)).unwrap();
            let code = values(sample.code);
            assert!(code.iter().all(|&c| c == 0.0 || c == 1.0));
            assert!(code.chunks(4).all(|row| row.iter().sum::<f32>() >= 1.0));
            let gradients = (sample.weights * upstream.clone()).sum().backward();
            let gradient = values(logits.grad(&gradients).unwrap());
            assert!(
                gradient.iter().all(|g| g.is_finite()),
                "{activation:?} {gradient:?}"
            );
            for (value, gradient) in rows.concat().iter().zip(&gradient) {
                assert!(
                    value.is_finite() || *gradient == 0.0,
                    "{value} got {gradient}"
                );
            }
        }
    }
}

#[test]
fn a_dead_relu_row_samples_uniformly_and_passes_no_gradient() {
    let device = Default::default();
    let (rows, ops, draws) = (6000, 3, 2);
    let logits: Tensor<CpuAutodiff, 2> = Tensor::full([rows, ops], -1.0, &device).require_grad();
    let egs = EgsConfig::new(draws)
        .with_activation(Activation::Relu)
        .init()
        .unwrap();
    let sample = egs.sample(logits.clone(), NoiseKey::new(3, 0)).unwrap();
    let code = values(sample.code.clone());
    let expected = 1.0 - (2.0f32 / 3.0).powi(2);
    for op in 0..ops {
        let frequency = code.iter().skip(op).step_by(ops).sum::<f32>() / rows as f32;
        assert!((frequency - expected).abs() < 0.03, "{op}: {frequency}");
    }
    let gradients = sample.code.sum().backward();
    assert!(
        values(logits.grad(&gradients).unwrap())
            .iter()
            .all(|&g| g == 0.0)
    );
}

#[test]
fn noise_that_is_not_finite_still_gives_a_code() {
    let device = Default::default();
    let logits: Tensor<Cpu, 2> = tensor(&[0.5, 0.0, -0.5], [1, 3], &device);
    let noise: Tensor<Cpu, 3> = tensor(&[NAN, -INF, 0.0, NAN, INF, 0.0], [1, 2, 3], &device);
    let egs = EgsConfig::new(2).init().unwrap();
    let sample = egs.sample(logits, noise).unwrap();
    assert_eq!(values(sample.code), [0.0, 1.0, 1.0]);
}

#[test]
fn other_float_types_come_back_as_they_went_in() {
    let device = Default::default();
    let egs = EgsConfig::new(3).init().unwrap();
    let key = NoiseKey::new(5, 0);
    // Multiples of 1/8 are exact in every type.
    let logits: Vec<f32> = scattered(12, 2)
        .iter()
        .map(|x| (8.0 * x).round() / 8.0)
        .collect();
    let logits: Tensor<Cpu, 2> = tensor(&logits, [3, 4], &device);
    let expected = values(egs.sample(logits.clone(), key).unwrap().code);
    for dtype in [DType::F16, DType::BF16, DType::F64] {
        let sample = egs.sample(logits.clone().cast(dtype), key).unwrap();
        assert_eq!(sample.code.dtype(), dtype);
        assert_eq!(values(sample.code), expected, "{dtype:?}");
    }
}
