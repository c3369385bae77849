//! Sampled codes and noise as statistics, at fixed seeds.

mod common;

use burn::tensor::Tensor;
use common::{Cpu, scattered, tensor, values};
use egs_core::{CodeDistribution, EgsConfig, NoiseKey, probabilities};

/// Upper bound of a chi-square variable that is exceeded with probability 1e-4 (Wilson-Hilferty).
fn chi_square_bound(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 3.72 * spread.sqrt()).powi(3)
}

#[test]
fn frequencies_of_codes_follow_the_exact_law() {
    let device = Default::default();
    let rows = 200_000;
    for (seed, ops, draws, temperature) in [
        (1, 4, 3, 1.0),
        (2, 8, 7, 0.5),
        (3, 6, 1, 5.0),
        (4, 5, 9, 1.0),
    ] {
        let logits: Vec<f32> = scattered(ops, seed).iter().map(|x| 1.5 * x).collect();
        let row: Tensor<Cpu, 2> = tensor(&logits, [1, ops], &device);
        let p: Vec<f64> = values(probabilities(row.clone(), Default::default()))
            .iter()
            .map(|&p| p as f64)
            .collect();
        let law = CodeDistribution::new(&p, draws).unwrap();
        let egs = EgsConfig::new(draws)
            .with_temperature(temperature)
            .init()
            .unwrap();
        let sample = egs
            .sample(row.repeat_dim(0, rows), NoiseKey::new(seed, 5))
            .unwrap();
        let mut counts = vec![0u32; 1 << ops];
        for code in values(sample.code).chunks(ops) {
            counts[(0..ops)
                .filter(|&op| code[op] == 1.0)
                .map(|op| 1 << op)
                .sum::<usize>()] += 1;
        }
        // Codes that are expected less than 5 times share one cell.
        let (mut statistic, mut cells) = (0.0, 0);
        let mut rare = (0.0, 0.0);
        for (mask, &count) in counts.iter().enumerate() {
            let code: Vec<bool> = (0..ops).map(|op| mask >> op & 1 == 1).collect();
            let expected = law.probability(&code) * rows as f64;
            if expected < 5.0 {
                rare = (rare.0 + expected, rare.1 + count as f64);
            } else {
                statistic += (count as f64 - expected).powi(2) / expected;
                cells += 1;
            }
        }
        if rare.0 >= 5.0 {
            statistic += (rare.1 - rare.0).powi(2) / rare.0;
            cells += 1;
        }
        let bound = chi_square_bound(cells as f64 - 1.0);
        assert!(
            statistic < bound,
            "{ops} ops, {draws} draws: {statistic} over {bound}"
        );
    }
}

#[test]
fn noise_has_the_moments_of_gumbel() {
    let noise = NoiseKey::new(3, 3).gumbel(1000, 10, 100);
    let count = noise.len() as f64;
    let mean = noise.iter().map(|&g| g as f64).sum::<f64>() / count;
    let variance = noise
        .iter()
        .map(|&g| (g as f64 - mean).powi(2))
        .sum::<f64>()
        / count;
    let (exact_mean, exact_variance) = (0.577_215_664_9, std::f64::consts::PI.powi(2) / 6.0);
    assert!(
        (mean - exact_mean).abs() < 5.0 * (exact_variance / count).sqrt(),
        "{mean}"
    );
    // The fourth central moment is 5.4 times the square of the variance.
    let band = 5.0 * exact_variance * (4.4 / count).sqrt();
    assert!((variance - exact_variance).abs() < band, "{variance}");
}

#[test]
fn noise_is_uncorrelated_across_rows_draws_ops_steps_and_seeds() {
    let (rows, draws, ops) = (101, 30, 40);
    let key = NoiseKey::new(8, 8);
    let noise = key.gumbel(rows, draws, ops);
    let at = |row: usize, draw: usize, op: usize| noise[(row * draws + draw) * ops + op] as f64;
    let correlation = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        let pairs: Vec<(f64, f64)> = pairs.collect();
        let count = pairs.len() as f64;
        let mean = |part: fn(&(f64, f64)) -> f64| pairs.iter().map(part).sum::<f64>() / count;
        let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let covariance: f64 = pairs.iter().map(|(x, y)| (x - a) * (y - b)).sum();
        let squares = |values: Vec<f64>| values.iter().map(|v| v * v).sum::<f64>();
        let x = squares(pairs.iter().map(|pair| pair.0 - a).collect());
        let y = squares(pairs.iter().map(|pair| pair.1 - b).collect());
        covariance / (x * y).sqrt() * count.sqrt()
    };
    let all = || {
        (0..rows - 1).flat_map(move |row| {
            (0..draws - 1).flat_map(move |draw| (0..ops - 1).map(move |op| (row, draw, op)))
        })
    };
    let check = |what: &str, deviations: f64| {
        assert!(
            deviations.abs() < 4.5,
            "{what}: {deviations} standard deviations"
        );
    };
    check(
        "rows",
        correlation(&mut all().map(|(r, d, o)| (at(r, d, o), at(r + 1, d, o)))),
    );
    check(
        "draws",
        correlation(&mut all().map(|(r, d, o)| (at(r, d, o), at(r, d + 1, o)))),
    );
    check(
        "ops",
        correlation(&mut all().map(|(r, d, o)| (at(r, d, o), at(r, d, o + 1)))),
    );
    for (what, other) in [
        ("steps", NoiseKey::new(8, 9)),
        ("seeds", NoiseKey::new(9, 8)),
    ] {
        let other = other.gumbel(rows, draws, ops);
        let mut pairs = noise
            .iter()
            .zip(&other)
            .map(|(&a, &b)| (a as f64, b as f64));
        check(what, correlation(&mut pairs));
    }
}
