//! The gradient choices and the relaxed mode: against the reference where it has them, against
//! loops where it does not, and the relations between their expectations.

mod common;

use burn::tensor::Tensor;
use common::{CpuAutodiff, assert_close, oracle, scattered, tensor, values};
use egs_core::{
    Activation, CodeDistribution, Egs, EgsConfig, EgsError, Gradient, Mode, Noise, NoiseKey,
    Normalization, Sample, philox4x32, reference,
};

fn gradient_of(
    logits: &[f32],
    upstream: &[f32],
    shape: [usize; 2],
    run: impl Fn(Tensor<CpuAutodiff, 2>) -> Result<Sample<CpuAutodiff, 2>, EgsError>,
) -> (Vec<f32>, Vec<f32>) {
    let device = Default::default();
    let input: Tensor<CpuAutodiff, 2> = tensor(logits, shape, &device).require_grad();
    let weights = run(input.clone()).unwrap().weights;
    let upstream = tensor(upstream, shape, &device);
    let gradients = (weights.clone() * upstream).sum().backward();
    (values(weights), values(input.grad(&gradients).unwrap()))
}

fn egs(config: EgsConfig) -> Egs {
    config.init().unwrap()
}

#[test]
fn every_choice_of_the_reference_is_matched() {
    let key = NoiseKey::new(12, 3);
    for (rows, ops, draws) in [(1, 1, 1), (3, 8, 7), (4, 5, 1), (2, 40, 9)] {
        let logits: Vec<f32> = scattered(rows * ops, 1).iter().map(|x| 2.0 * x).collect();
        let upstream = scattered(rows * ops, 2);
        for activation in [Activation::Softmax, Activation::Relu] {
            for normalization in [Normalization::None, Normalization::Sum] {
                for (gradient, mode) in [
                    (Gradient::FirstDraw, Mode::Hard),
                    (Gradient::TiedDraws, Mode::Hard),
                    (Gradient::Marginal, Mode::Hard),
                    (Gradient::FirstDraw, Mode::Relaxed),
                ] {
                    let config = EgsConfig::new(draws)
                        .with_temperature(0.7)
                        .with_activation(activation)
                        .with_normalization(normalization)
                        .with_gradient(gradient)
                        .with_mode(mode);
                    let what = format!("{rows} rows, {ops} ops, {config:?}");
                    let egs = egs(config);
                    let shape = [rows, ops];
                    let (weights, gradient) =
                        gradient_of(&logits, &upstream, shape, |x| egs.sample(x, key));
                    let (expected_weights, expected) =
                        gradient_of(&logits, &upstream, shape, |x| {
                            reference::sample(&egs, x, key)
                        });
                    assert_close(&weights, &expected_weights, 1e-6, &what);
                    assert_close(&gradient, &expected, 2e-5, &what);
                }
            }
        }
    }
}

/// Exponential noise of the conditional resamples, from the counter that the docs state.
fn resample_noise(key: NoiseKey, row: usize, draw: usize, op: usize) -> f64 {
    let counter = [row as u32, draw as u32, op as u32 / 4, key.step as u32];
    let bits = philox4x32(counter, [key.seed as u32, (key.seed >> 32) as u32])[op % 4];
    -(((bits >> 9) as f64 + 0.5) / 8_388_608.0).ln()
}

#[test]
fn gumbel_rao_matches_loops() {
    let key = NoiseKey::new(31, 4);
    let (rows, ops, draws, resamples, temperature) = (3, 6, 4, 5, 0.8);
    let logits = scattered(rows * ops, 3);
    let upstream = scattered(rows * ops, 4);
    let config = EgsConfig::new(draws)
        .with_temperature(temperature)
        .with_gradient(Gradient::GumbelRao {
            resamples: resamples as u32,
        });
    let (code, actual) = gradient_of(&logits, &upstream, [rows, ops], |x| {
        egs(config).sample(x, key)
    });

    let noise = key.gumbel(rows, draws, ops);
    let mut expected = Vec::new();
    for row in 0..rows {
        let here: Vec<f64> = logits[row * ops..][..ops]
            .iter()
            .map(|&x| x as f64)
            .collect();
        let (p, _) = oracle::probabilities(&here, Activation::Softmax);
        let mut first = vec![None; ops];
        let mut winners = Vec::new();
        for draw in 0..draws {
            let score = |op: usize| p[op].ln() + noise[(row * draws + draw) * ops + op] as f64;
            let winner = (0..ops)
                .max_by(|&a, &b| score(a).total_cmp(&score(b)))
                .unwrap();
            first[winner].get_or_insert(draw);
            winners.push(winner);
        }
        let mut to_log_p = vec![0.0; ops];
        for (draw, &winner) in winners.iter().enumerate() {
            for round in 1..=resamples {
                let fresh = |op| resample_noise(key, row, draws * round + draw, op);
                let score = |op: usize| match op == winner {
                    true => -fresh(winner).ln(),
                    false => -(fresh(op) / p[op] + fresh(winner)).ln(),
                };
                let y: Vec<f64> = (0..ops).map(|op| (score(op) / temperature).exp()).collect();
                let sum: f64 = y.iter().sum();
                let routed = |op: usize| match first[op].unwrap_or(0) == draw {
                    true => upstream[row * ops + op] as f64,
                    false => 0.0,
                };
                let mean: f64 = (0..ops).map(|op| routed(op) * y[op] / sum).sum();
                for op in 0..ops {
                    let slope = y[op] / sum * (routed(op) - mean) / temperature;
                    to_log_p[op] += slope / resamples as f64;
                }
            }
        }
        let total: f64 = to_log_p.iter().sum();
        expected.extend((0..ops).map(|op| (to_log_p[op] - p[op] * total) as f32));
        let on: Vec<f32> = first.iter().map(|f| f.is_some() as u8 as f32).collect();
        assert_eq!(code[row * ops..][..ops], on);
    }
    assert_close(&actual, &expected, 2e-5, "Gumbel-Rao");
}

#[test]
fn given_noise_cannot_be_resampled() {
    let device = Default::default();
    let logits = Tensor::<CpuAutodiff, 2>::zeros([1, 3], &device);
    let noise = Noise::Given(Tensor::zeros([1, 2, 3], &device));
    let egs = egs(EgsConfig::new(2).with_gradient(Gradient::GumbelRao { resamples: 2 }));
    assert_eq!(
        egs.sample(logits.clone(), noise).unwrap_err(),
        EgsError::ResamplesNeedKey
    );
    assert_eq!(
        reference::sample(&egs, logits, NoiseKey::new(0, 0)).unwrap_err(),
        EgsError::NoReference("Gumbel-Rao")
    );
}

/// Mean and total variance of the gradient of `sum(code * upstream)` over independent rows.
fn moments(gradient: Gradient, logits: &[f32], upstream: &[f32]) -> (Vec<f64>, f64) {
    let (rows, ops) = (60_000, logits.len());
    let config = EgsConfig::new(3).with_gradient(gradient);
    let (_, samples) = gradient_of(
        &logits.repeat(rows),
        &upstream.repeat(rows),
        [rows, ops],
        |x| egs(config).sample(x, NoiseKey::new(77, 0)),
    );
    let mut variance = 0.0;
    let mean = (0..ops)
        .map(|op| {
            let entries = || samples.iter().skip(op).step_by(ops).map(|&g| g as f64);
            let mean = entries().sum::<f64>() / rows as f64;
            variance += entries().map(|g| (g - mean).powi(2)).sum::<f64>() / rows as f64;
            mean
        })
        .collect();
    (mean, variance)
}

#[test]
fn conditioning_keeps_the_expectation_and_lowers_the_variance() {
    let logits = [0.4, -0.3, 0.0, 0.9];
    let upstream = [1.0, -0.5, 0.3, -1.0];
    let (published, published_variance) = moments(Gradient::FirstDraw, &logits, &upstream);
    for gradient in [Gradient::TiedDraws, Gradient::GumbelRao { resamples: 8 }] {
        let (mean, variance) = moments(gradient, &logits, &upstream);
        let band = 5.0 * (2.0 * published_variance / 60_000.0).sqrt();
        for (a, b) in mean.iter().zip(&published) {
            assert!(
                (a - b).abs() < band,
                "{gradient:?}: {mean:?} and {published:?}"
            );
        }
        assert!(
            variance < published_variance,
            "{gradient:?}: {variance} and {published_variance}"
        );
    }
}

#[test]
fn the_marginal_gradient_is_exact_for_a_linear_loss() {
    let logits = [0.4f32, -0.3, 0.0, 0.9];
    let upstream = [1.0f32, -0.5, 0.3, -1.0];
    let (mean, variance) = moments(Gradient::Marginal, &logits, &upstream);
    assert!(variance < 1e-10);
    let expected = |logits: &[f64]| -> f64 {
        let (p, _) = oracle::probabilities(logits, Activation::Softmax);
        let law = CodeDistribution::new(&p, 3).unwrap();
        law.expectation(|code| {
            let on = code.iter().zip(upstream).filter(|(on, _)| **on);
            on.map(|(_, u)| u as f64).sum()
        })
        .unwrap()
    };
    for op in 0..4 {
        let moved = |by: f64| {
            let mut logits: Vec<f64> = logits.iter().map(|&x| x as f64).collect();
            logits[op] += by;
            expected(&logits)
        };
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!(
            (mean[op] - slope).abs() < 1e-5,
            "{op}: {} and {slope}",
            mean[op]
        );
    }
}

#[test]
fn log_probability_has_the_exact_value_and_gradient() {
    let device = Default::default();
    let (rows, ops) = (5, 6);
    for (draws, activation) in [
        (1, Activation::Softmax),
        (4, Activation::Softmax),
        (9, Activation::Relu),
    ] {
        let logits: Vec<f32> = scattered(rows * ops, 8)
            .iter()
            .map(|x| 1.5 * x + 2.0)
            .collect();
        let input: Tensor<CpuAutodiff, 2> = tensor(&logits, [rows, ops], &device).require_grad();
        let egs = egs(EgsConfig::new(draws).with_activation(activation));
        let sample = egs.sample(input.clone(), NoiseKey::new(4, 2)).unwrap();
        let codes = values(sample.code.clone());
        let log_probability = sample.log_probability().unwrap();
        assert_eq!(log_probability.dims(), [rows, 1]);
        let actual = values(log_probability.clone());
        let gradients = log_probability.sum().backward();
        let gradient = values(input.grad(&gradients).unwrap());
        for row in 0..rows {
            let code: Vec<bool> = codes[row * ops..][..ops]
                .iter()
                .map(|&c| c == 1.0)
                .collect();
            let at = |moved: usize, by: f64| {
                let mut here: Vec<f64> = logits[row * ops..][..ops]
                    .iter()
                    .map(|&x| x as f64)
                    .collect();
                here[moved] += by;
                let (p, _) = oracle::probabilities(&here, activation);
                let sum: f64 = p.iter().sum();
                let p: Vec<f64> = p.iter().map(|p| p / sum).collect();
                CodeDistribution::new(&p, draws)
                    .unwrap()
                    .log_probability(&code)
            };
            assert!((actual[row] as f64 - at(0, 0.0)).abs() < 1e-5);
            for op in 0..ops {
                let slope = (at(op, 1e-5) - at(op, -1e-5)) / 2e-5;
                let actual = gradient[row * ops + op] as f64;
                assert!(
                    (actual - slope).abs() < 1e-4,
                    "{draws} {op}: {actual} and {slope}"
                );
            }
        }
    }
}

#[test]
fn relaxed_codes_of_a_hard_sample_share_its_noise() {
    let device = Default::default();
    let key = NoiseKey::new(2, 2);
    let logits: Tensor<CpuAutodiff, 3> = tensor(&scattered(24, 2), [2, 3, 4], &device);
    let config = EgsConfig::new(3).with_temperature(0.05);
    let hard = egs(config).sample(logits.clone(), key).unwrap();
    let relaxed = egs(config.with_mode(Mode::Relaxed))
        .sample(logits, key)
        .unwrap();
    assert_eq!(values(hard.relaxed()), values(relaxed.code.clone()));
    assert_eq!(values(relaxed.relaxed()), values(relaxed.code.clone()));
    for (hard, relaxed) in values(hard.code).iter().zip(values(relaxed.code)) {
        assert!(relaxed > 0.5 || *hard == 0.0, "{hard} {relaxed}");
        assert!((0.0..=1.0).contains(&relaxed));
    }
}
