//! The exact law of the code against recorded values, brute force and sampled frequencies.

mod common;

use std::collections::HashMap;

use burn::tensor::Tensor;
use common::{Cpu, golden, scattered, values};
use egs_core::{CodeDistribution, EgsConfig, EgsError, NoiseKey, probabilities};

fn probabilities_of(ops: usize, seed: u64, spread: f64) -> Vec<f64> {
    let unscaled: Vec<f64> = scattered(ops, seed)
        .iter()
        .map(|&x| (spread * x as f64).exp())
        .collect();
    let sum: f64 = unscaled.iter().sum();
    unscaled.iter().map(|p| p / sum).collect()
}

fn code_of(mask: usize, ops: usize) -> Vec<bool> {
    (0..ops).map(|op| mask >> op & 1 == 1).collect()
}

/// The alternating sum over subsets, as published.
fn subset_sum(p: &[f64], code: &[bool], draws: usize) -> f64 {
    let on: Vec<f64> = (0..p.len()).filter(|&k| code[k]).map(|k| p[k]).collect();
    (0..1usize << on.len())
        .map(|subset| {
            let mass: f64 = (0..on.len())
                .filter(|k| subset >> k & 1 == 1)
                .map(|k| on[k])
                .sum();
            let sign = match (on.len() - subset.count_ones() as usize) % 2 {
                0 => 1.0,
                _ => -1.0,
            };
            sign * mass.powi(draws as i32)
        })
        .sum()
}

#[test]
fn recorded_probabilities_and_modes() {
    for (index, case) in golden::law().iter().enumerate() {
        let law = CodeDistribution::new(&case.probability, case.draws).unwrap();
        let ops = case.probability.len();
        let mut order: Vec<usize> = (0..ops).collect();
        order.sort_by(|&a, &b| case.probability[b].total_cmp(&case.probability[a]));
        for (size, &expected) in case.prob_of_top_i.iter().enumerate() {
            let mut code = vec![false; ops];
            order[..=size].iter().for_each(|&op| code[op] = true);
            let actual = law.probability(&code);
            assert!(
                (actual - expected).abs() <= 1e-6,
                "case {index}, top {}: {actual} instead of {expected}",
                size + 1
            );
        }
        let mode: Vec<usize> = (0..ops).filter(|&op| law.mode()[op]).collect();
        assert_eq!(mode, case.most_probable_code, "case {index}");
    }
}

#[test]
fn agrees_with_the_subset_sum_and_sums_to_one() {
    for (ops, draws, spread) in [
        (1, 1, 0.0),
        (1, 5, 0.0),
        (2, 3, 9.0),
        (5, 2, 2.0),
        (8, 7, 3.0),
        (10, 9, 1.0),
    ] {
        let p = probabilities_of(ops, 7 + ops as u64, spread);
        let law = CodeDistribution::new(&p, draws).unwrap();
        let mut total = 0.0;
        let mut inclusion = vec![0.0; ops];
        let mut entropy = 0.0;
        let mut most = (0.0, vec![]);
        for mask in 0..1usize << ops {
            let code = code_of(mask, ops);
            let probability = law.probability(&code);
            let expected = subset_sum(&p, &code, draws);
            assert!(
                (probability - expected).abs() < 1e-12,
                "{ops} {draws} {mask}"
            );
            total += probability;
            if probability > 0.0 {
                entropy -= probability * probability.ln();
            }
            for op in (0..ops).filter(|&op| code[op]) {
                inclusion[op] += probability;
            }
            if probability > most.0 {
                most = (probability, code);
            }
        }
        assert!((total - 1.0).abs() < 1e-12);
        assert!((law.entropy() - entropy).abs() < 1e-10);
        assert_eq!(law.mode(), most.1);
        for (actual, expected) in law.inclusion().iter().zip(&inclusion) {
            assert!((actual - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn agrees_with_the_frequencies_of_sampled_codes() {
    let device = Default::default();
    let (rows, ops, draws) = (40_000, 5, 4);
    let logits = [0.3f32, -1.0, 0.9, 0.1, -2.0];
    let row = Tensor::<Cpu, 1>::from_floats(logits, &device);
    let p: Vec<f64> = values(probabilities(row.clone(), Default::default()))
        .iter()
        .map(|&p| p as f64)
        .collect();
    let law = CodeDistribution::new(&p, draws).unwrap();
    let logits = row.reshape([1, ops]).repeat_dim(0, rows);
    let egs = EgsConfig::new(draws).init().unwrap();
    let code = values(egs.sample(logits, NoiseKey::new(17, 0)).unwrap().code);

    let mut counts = HashMap::new();
    for code in code.chunks(ops) {
        let code: Vec<bool> = code.iter().map(|&c| c == 1.0).collect();
        *counts.entry(code).or_insert(0u32) += 1;
    }
    for mask in 0..1usize << ops {
        let code = code_of(mask, ops);
        let p = law.probability(&code);
        let frequency = *counts.get(&code).unwrap_or(&0) as f64 / rows as f64;
        let band = 4.5 * (p * (1.0 - p) / rows as f64).sqrt() + 1e-9;
        assert!(
            (frequency - p).abs() <= band,
            "{mask:b}: {frequency} and {p}"
        );
    }
}

/// Where the subset sum loses everything to cancellation.
#[test]
fn stays_accurate_for_wide_rows_many_draws_and_extreme_probabilities() {
    let uniform = vec![1.0 / 40.0; 40];
    let law = CodeDistribution::new(&uniform, 40).unwrap();
    let expected: f64 = (1..=40).map(|n| (n as f64 / 40.0).ln()).sum();
    assert!((law.log_probability(&[true; 40]) - expected).abs() < 1e-10);

    let two = CodeDistribution::new(&[1e-200, 1.0], 1024).unwrap();
    let expected = 1024f64.ln() - 200.0 * 10f64.ln();
    assert!((two.log_probability(&[true, true]) - expected).abs() < 1e-9);
    assert!((two.log_probability(&[false, true])).abs() < 1e-12);
    assert!((two.inclusion()[0] / 1024e-200 - 1.0).abs() < 1e-12);

    // With 1024 draws over 16 operations of comparable size, all of them are practically on.
    let p = probabilities_of(16, 3, 0.5);
    let law = CodeDistribution::new(&p, 1024).unwrap();
    let all = law.log_probability(&[true; 16]);
    let missing: f64 = p.iter().map(|p| (1.0 - p).powi(1024)).sum();
    assert!(
        (all + missing).abs() < 1e-6 * missing + 1e-10,
        "{all} {missing}"
    );
    assert_eq!(law.mode(), vec![true; 16]);
}

#[test]
fn one_hot_and_impossible_codes() {
    let law = CodeDistribution::new(&[0.0, 1.0, 0.0], 7).unwrap();
    assert!((law.probability(&[false, true, false]) - 1.0).abs() < 1e-12);
    assert_eq!(law.probability(&[true, true, false]), 0.0);
    assert_eq!(law.probability(&[false, false, false]), 0.0);
    assert_eq!(law.probability(&[true]), 0.0);
    assert_eq!(law.mode(), vec![false, true, false]);
    assert_eq!(law.inclusion(), vec![0.0, 1.0, 0.0]);
    assert!(law.entropy().abs() < 1e-12);
}

#[test]
fn entropy_beyond_enumeration_is_close_to_an_exact_value() {
    // Two halves of the same row: 20 operations, few draws, still enumerable ...
    let p = probabilities_of(40, 5, 1.0);
    let exact = CodeDistribution::new(&p, 3).unwrap();
    assert!(exact.support() < 262_144.0);
    // ... and one that is not, whose codes are all sets of 12 nearly equally likely draws.
    let sampled = CodeDistribution::new(&vec![1.0 / 40.0; 40], 12).unwrap();
    assert!(sampled.support() > 262_144.0);
    // Uniform: the probability of a code depends only on its size, so the entropy is a short sum.
    let mut expected = 0.0;
    let mut choose = 1.0;
    for size in 1..=12usize {
        choose *= (41 - size) as f64 / size as f64;
        let mut code = vec![false; 40];
        code[..size].fill(true);
        let p = sampled.probability(&code);
        expected -= choose * p * p.ln();
    }
    assert!((sampled.entropy() - expected).abs() < 0.1, "{expected}");
    assert!(exact.entropy() > 0.0);
}

#[test]
fn refuses_what_is_not_a_distribution() {
    let error = |p: &[f64], draws| CodeDistribution::new(p, draws).unwrap_err();
    assert_eq!(error(&[1.0], 0), EgsError::NoDraws);
    assert!(matches!(error(&[], 1), EgsError::NoOps { .. }));
    assert!(matches!(
        error(&[1.5, -0.5], 1),
        EgsError::Probability { index: 1, .. }
    ));
    assert!(matches!(
        error(&[f64::NAN, 1.0], 1),
        EgsError::Probability { index: 0, .. }
    ));
    assert_eq!(error(&[0.0, 0.0], 1), EgsError::ProbabilitySum(0.0));
}

/// Probabilities of a ReLU do not sum to 1 where all logits are next to 0: the estimator samples from
/// them all the same, and a row of zeros is even.
#[test]
fn the_law_of_the_sampler_takes_what_the_sampler_takes() {
    let dead = CodeDistribution::of_sampler(&[0.0; 4], 3).unwrap();
    let even = CodeDistribution::new(&[0.25; 4], 3).unwrap();
    let weak = CodeDistribution::of_sampler(&[0.2, 0.6], 2).unwrap();
    let whole = CodeDistribution::new(&[0.25, 0.75], 2).unwrap();
    for (one, other) in [(&dead, &even), (&weak, &whole)] {
        for (one, other) in one.inclusion().iter().zip(other.inclusion()) {
            assert!((one - other).abs() < 1e-9, "{one} {other}");
        }
    }
    assert_eq!(weak.mode(), whole.mode());
    assert!(CodeDistribution::new(&[0.2, 0.6], 2).is_err());
    assert!(CodeDistribution::of_sampler(&[0.2, f64::NAN], 2).is_err());
    assert!(CodeDistribution::of_sampler(&[0.2, -0.1], 2).is_err());
}
