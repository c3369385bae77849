//! The recorded values of the published estimator, through every form that runs on the CPU.

mod common;

use burn::tensor::{Tensor, backend::AutodiffBackend};
use common::{CpuAutodiff, assert_close, golden, oracle, tensor, values};
use egs_core::{Egs, EgsError, Noise, Normalization, Sample, reference};

type Run = fn(
    &Egs,
    Tensor<CpuAutodiff, 2>,
    Noise<CpuAutodiff>,
) -> Result<Sample<CpuAutodiff, 2>, EgsError>;

fn gradient<B: AutodiffBackend>(
    logits: &Tensor<B, 2>,
    output: Tensor<B, 2>,
    upstream: Tensor<B, 2>,
) -> Vec<f32> {
    let gradients = (output * upstream).sum().backward();
    values(logits.grad(&gradients).expect("logits are tracked"))
}

fn check(run: Run, name: &str) {
    let device = Default::default();
    for (index, case) in golden::published().iter().enumerate() {
        let shape = [case.rows, case.ops];
        let logits = || tensor(&case.alpha.concat(), shape, &device).require_grad();
        let noise = || {
            let noise = case.gumbel.concat().concat();
            Noise::Given(tensor(&noise, [case.rows, case.draws, case.ops], &device))
        };
        let upstream = || tensor(&case.upstream.concat(), shape, &device);
        let what = |part: &str| format!("{name}, case {index}, {part}");

        let plain = case.config().init().unwrap();
        let input = logits();
        let sample = run(&plain, input.clone(), noise()).unwrap();
        assert_eq!(
            values(sample.code.clone()),
            case.code.concat(),
            "{}",
            what("code")
        );
        assert_close(
            &gradient(&input, sample.code, upstream()),
            &case.grad_alpha_code.concat(),
            1e-5,
            &what("gradient of the code"),
        );

        let summed = case.config().with_normalization(Normalization::Sum);
        let input = logits();
        let sample = run(&summed.init().unwrap(), input.clone(), noise()).unwrap();
        assert_eq!(values(sample.code), case.code.concat(), "{}", what("code"));
        assert_close(
            &values(sample.weights.clone()),
            &case.weights.concat(),
            1e-5,
            &what("weights"),
        );
        assert_close(
            &gradient(&input, sample.weights, upstream()),
            &case.grad_alpha_weights.concat(),
            1e-5,
            &what("gradient of the weights"),
        );
    }
}

#[test]
fn operation_matches_the_published_estimator() {
    check(|egs, logits, noise| egs.sample(logits, noise), "operation");
}

#[test]
fn reference_matches_the_published_estimator() {
    check(reference::sample, "reference");
}

#[test]
fn loop_oracle_matches_the_published_estimator() {
    for (index, case) in golden::published().iter().enumerate() {
        for (normalization, gradient) in [
            (Normalization::None, &case.grad_alpha_code),
            (Normalization::Sum, &case.grad_alpha_weights),
        ] {
            let answer = oracle::solve(&oracle::Problem {
                config: case.config().with_normalization(normalization),
                ops: case.ops,
                logits: &case.alpha.concat(),
                noise: &case.gumbel.concat().concat(),
                upstream: &case.upstream.concat(),
            });
            assert_eq!(answer.code, case.code.concat(), "case {index}");
            assert_close(
                &answer.gradient,
                &gradient.concat(),
                1e-5,
                &format!("oracle, case {index}, {normalization:?}"),
            );
        }
    }
}
