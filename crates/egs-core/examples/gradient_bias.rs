//! Bias and variance of every gradient choice against the exact gradient by enumeration.
//!
//! One row of 5 operations, M = 4, and two losses of the code: a linear one and one with all
//! products of two entries. The exact gradient of the expected loss comes from the law of the code.

use burn::tensor::{Tensor, TensorData};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use egs_core::{CodeDistribution, EgsConfig, EgsError, Gradient, Mode, NoiseKey};

type B = Autodiff<Flex>;

const LOGITS: [f32; 5] = [0.6, -0.2, 0.0, 1.0, -1.0];
const SLOPES: [f32; 5] = [1.0, -0.5, 0.3, -1.0, 0.8];
const DRAWS: usize = 4;
const ROWS: usize = 10_000;

/// `sum_k c_k A_k`, plus `coupling sum_{j<k} c_j c_k A_j A_k`, of every row: `[rows, 5]` to `[rows, 1]`.
fn loss(code: Tensor<B, 2>, coupling: f32) -> Tensor<B, 2> {
    let slopes = Tensor::from_data(TensorData::new(SLOPES.to_vec(), [1, 5]), &code.device());
    let terms = code * slopes;
    let sum = terms.clone().sum_dim(1);
    let squares = terms.powf_scalar(2.0).sum_dim(1);
    let products = (sum.clone().powf_scalar(2.0) - squares) * 0.5;
    sum + products * coupling
}

fn exact(coupling: f32) -> Result<Vec<f64>, EgsError> {
    let expected = |logits: &[f64]| {
        let sum: f64 = logits.iter().map(|x| x.exp()).sum();
        let p: Vec<f64> = logits.iter().map(|x| x.exp() / sum).collect();
        CodeDistribution::new(&p, DRAWS)?.expectation(|code| {
            let on = code.iter().zip(SLOPES).filter(|(on, _)| **on);
            let terms: Vec<f64> = on.map(|(_, slope)| slope as f64).collect();
            let sum: f64 = terms.iter().sum();
            let squares: f64 = terms.iter().map(|term| term * term).sum();
            sum + coupling as f64 * (sum * sum - squares) / 2.0
        })
    };
    (0..5)
        .map(|op| {
            let moved = |by: f64| {
                let mut logits: Vec<f64> = LOGITS.iter().map(|&x| x as f64).collect();
                logits[op] += by;
                expected(&logits)
            };
            Ok((moved(1e-5)? - moved(-1e-5)?) / 2e-5)
        })
        .collect()
}

/// Length of the bias and total variance of the gradient of one row.
fn measure(config: EgsConfig, coupling: f32, exact: &[f64]) -> Result<(f64, f64), EgsError> {
    let device = Default::default();
    let logits = Tensor::<B, 2>::from_data(TensorData::new(LOGITS.to_vec(), [1, 5]), &device)
        .repeat_dim(0, ROWS)
        .require_grad();
    let sample = config
        .init()?
        .sample(logits.clone(), NoiseKey::new(11, 0))?;
    let gradients = loss(sample.code, coupling).sum().backward();
    let samples = logits.grad(&gradients).expect("the logits are tracked");
    let samples: Vec<f32> = samples.into_data().to_vec().expect("f32");
    let (mut bias, mut variance) = (0.0, 0.0);
    for (op, exact) in exact.iter().enumerate() {
        let entries = || samples.iter().skip(op).step_by(5).map(|&g| g as f64);
        let mean = entries().sum::<f64>() / ROWS as f64;
        bias += (mean - exact).powi(2);
        variance += entries().map(|g| (g - mean).powi(2)).sum::<f64>() / ROWS as f64;
    }
    Ok((bias.sqrt(), variance))
}

fn main() -> Result<(), EgsError> {
    println!("| gradient | tau | linear: bias | variance | coupled: bias | variance |");
    println!("|---|---|---|---|---|---|");
    let exact = [exact(0.0)?, exact(1.0)?];
    for temperature in [0.5, 1.0, 2.0] {
        for (name, gradient, mode) in [
            ("first draw (published)", Gradient::FirstDraw, Mode::Hard),
            ("tied draws", Gradient::TiedDraws, Mode::Hard),
            (
                "Gumbel-Rao, 16 resamples",
                Gradient::GumbelRao { resamples: 16 },
                Mode::Hard,
            ),
            ("marginal", Gradient::Marginal, Mode::Hard),
            ("relaxed code", Gradient::FirstDraw, Mode::Relaxed),
        ] {
            let config = EgsConfig::new(DRAWS)
                .with_temperature(temperature)
                .with_gradient(gradient)
                .with_mode(mode);
            let (bias, variance) = measure(config, 0.0, &exact[0])?;
            let (coupled_bias, coupled_variance) = measure(config, 1.0, &exact[1])?;
            println!(
                "| {name} | {temperature} | {bias:.3} | {variance:.3} | {coupled_bias:.3} | {coupled_variance:.3} |"
            );
            if gradient == Gradient::Marginal {
                assert!(
                    bias < 1e-3,
                    "the marginal gradient is exact for a linear loss"
                );
            }
        }
    }
    let length = |gradient: &[f64]| gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    println!(
        "\nlength of the exact gradient: linear {:.3}, coupled {:.3}",
        length(&exact[0]),
        length(&exact[1])
    );
    Ok(())
}
