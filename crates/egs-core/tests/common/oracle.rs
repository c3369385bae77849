//! The estimator in f64 loops over slices, free of tensors and of the crate's own arithmetic.

use egs_core::{Activation, EgsConfig, Normalization};

pub struct Problem<'a> {
    pub config: EgsConfig,
    pub ops: usize,
    /// `[rows, ops]`
    pub logits: &'a [f32],
    /// `[rows, draws, ops]`
    pub noise: &'a [f32],
    /// `[rows, ops]`
    pub upstream: &'a [f32],
}

/// All `[rows, ops]`; the gradient is that of `sum(weights * upstream)`.
#[derive(Default)]
pub struct Answer {
    pub code: Vec<f32>,
    pub weights: Vec<f32>,
    pub gradient: Vec<f32>,
    /// Smallest difference between the two best scores over the draws, one per row.
    pub margin: Vec<f64>,
}

pub fn solve(problem: &Problem) -> Answer {
    let ops = problem.ops;
    let draws = problem.config.draws;
    let mut answer = Answer::default();
    for row in 0..problem.logits.len() / ops {
        let here = row * ops..(row + 1) * ops;
        let noise = &problem.noise[row * draws * ops..(row + 1) * draws * ops];
        solve_row(
            problem.config,
            &problem.logits[here.clone()],
            noise,
            &problem.upstream[here],
            &mut answer,
        );
    }
    answer
}

fn solve_row(
    config: EgsConfig,
    logits: &[f32],
    noise: &[f32],
    upstream: &[f32],
    answer: &mut Answer,
) {
    let ops = logits.len();
    let logits: Vec<f64> = logits.iter().map(|&x| x as f64).collect();
    let (p, relu_sum) = probabilities(&logits, config.activation);
    let mut first = vec![None; ops];
    let mut relaxed = Vec::new();
    let mut margin = f64::INFINITY;
    for (draw, noise) in noise.chunks(ops).enumerate() {
        let scores: Vec<f64> = (0..ops)
            .map(|op| (p[op] + 1e-10).ln() + noise[op] as f64)
            .collect();
        let mut winner = 0;
        for op in 1..ops {
            if scores[op] > scores[winner] {
                winner = op;
            }
        }
        for op in (0..ops).filter(|&op| op != winner) {
            margin = margin.min(scores[winner] - scores[op]);
        }
        first[winner].get_or_insert(draw);
        let weights: Vec<f64> = scores
            .iter()
            .map(|s| ((s - scores[winner]) / config.temperature).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        relaxed.push(weights.iter().map(|w| w / sum).collect::<Vec<_>>());
    }

    let code: Vec<f64> = first.iter().map(|f| f.is_some() as u8 as f64).collect();
    let size: f64 = code.iter().sum();
    let upstream: Vec<f64> = upstream.iter().map(|&u| u as f64).collect();
    let (weights, to_code): (Vec<f64>, Vec<f64>) = match config.normalization {
        Normalization::None => (code.clone(), upstream),
        Normalization::Sum => {
            let sum = size + 1e-9;
            let mean: f64 = (0..ops).map(|op| code[op] * upstream[op] / sum).sum();
            (
                code.iter().map(|c| c / sum).collect(),
                upstream.iter().map(|u| (u - mean) / sum).collect(),
            )
        }
    };

    let mut to_p = vec![0.0; ops];
    for (draw, y) in relaxed.iter().enumerate() {
        let routed: Vec<f64> = (0..ops)
            .map(|op| match first[op].unwrap_or(0) == draw {
                true => to_code[op],
                false => 0.0,
            })
            .collect();
        let mean: f64 = (0..ops).map(|op| routed[op] * y[op]).sum();
        for op in 0..ops {
            to_p[op] += y[op] * (routed[op] - mean) / config.temperature / (p[op] + 1e-10);
        }
    }
    let mean: f64 = (0..ops).map(|op| p[op] * to_p[op]).sum();
    let gradient = (0..ops).map(|op| match config.activation {
        Activation::Softmax => p[op] * (to_p[op] - mean),
        Activation::Relu if logits[op] > 0.0 => (to_p[op] - mean) / relu_sum,
        Activation::Relu => 0.0,
    });

    answer.gradient.extend(gradient.map(|g| g as f32));
    answer.code.extend(code.iter().map(|&c| c as f32));
    answer.weights.extend(weights.iter().map(|&w| w as f32));
    answer.margin.push(margin);
}

/// Probabilities, and the denominator of the relu form.
pub fn probabilities(logits: &[f64], activation: Activation) -> (Vec<f64>, f64) {
    let unscaled: Vec<f64> = match activation {
        Activation::Softmax => {
            let highest = logits.iter().fold(f64::MIN, |most, &x| most.max(x));
            logits.iter().map(|x| (x - highest).exp()).collect()
        }
        Activation::Relu => logits.iter().map(|x| x.max(0.0)).collect(),
    };
    let sum = unscaled.iter().sum::<f64>()
        + match activation {
            Activation::Softmax => 0.0,
            Activation::Relu => 1e-7,
        };
    (unscaled.iter().map(|x| x / sum).collect(), sum)
}
