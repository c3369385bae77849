//! The optimiser whose step is one operation, against the formula and against Burn's.

use burn::module::{Module, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use supernet::Sgd;

use crate::kernels_common::{Tracked, values};

const START: [f32; 2] = [0.7, -1.3];
const RATE: f64 = 0.1;
const DECAY: f64 = 0.05;
const MOMENTUM: f64 = 0.9;

#[derive(Module, Debug)]
struct Weights<B: Backend> {
    /// `[weights]`
    w: Param<Tensor<B, 1>>,
}

fn weights(start: &[f32]) -> Weights<Tracked> {
    Weights {
        w: Param::from_tensor(Tensor::from_floats(start, &Default::default())),
    }
}

/// A step on the loss `sum(w^3)`, whose gradient is `3 w^2`.
fn step(
    optimizer: &mut impl Optimizer<Weights<Tracked>, Tracked>,
    weights: Weights<Tracked>,
) -> Weights<Tracked> {
    let gradients = weights.w.val().powi_scalar(3).sum().backward();
    let gradients = GradientsParams::from_grads(gradients, &weights);
    optimizer.step(RATE, weights, gradients)
}

fn three_steps(
    mut optimizer: impl Optimizer<Weights<Tracked>, Tracked>,
    start: &[f32],
) -> Vec<f32> {
    let after = (0..3).fold(weights(start), |weights, _| step(&mut optimizer, weights));
    values(after.w.val().inner())
}

#[test]
fn three_steps_are_those_of_the_pytorch_form() {
    for momentum in [0.0, MOMENTUM] {
        let expected = START.map(|w| {
            let (mut w, mut velocity) = (f64::from(w), None);
            for _ in 0..3 {
                let g = 3.0 * w * w + DECAY * w;
                let v = velocity.map_or(g, |v: f64| momentum * v + g);
                velocity = Some(v);
                w -= RATE * v;
            }
            w
        });
        let after = three_steps(Sgd::optimizer(momentum, DECAY), &START);
        for (after, expected) in after.into_iter().zip(expected) {
            assert!(
                (f64::from(after) - expected).abs() < 1e-5,
                "{after}, not {expected}"
            );
        }
    }
}

#[test]
fn they_have_the_bits_of_burns_operations() {
    let start: Vec<f32> = (0..70_001).map(|at| (at as f32 * 0.37).sin()).collect();
    let momentum = MomentumConfig {
        momentum: MOMENTUM,
        dampening: 0.0,
        nesterov: false,
    };
    let burns = SgdConfig::new()
        .with_momentum(Some(momentum))
        .with_weight_decay(Some(WeightDecayConfig::new(DECAY as f32)));
    let expected = three_steps(burns.init(), &start);
    assert!(three_steps(Sgd::optimizer(MOMENTUM, DECAY), &start) == expected);
}

#[test]
fn a_resumed_optimiser_goes_on_with_its_velocity() {
    let mut optimizer = Sgd::optimizer(MOMENTUM, DECAY);
    let after = step(&mut optimizer, weights(&START));
    let record = optimizer.to_record();
    let mut resumed = Sgd::optimizer(MOMENTUM, DECAY).load_record(record);
    let went_on = step(&mut optimizer, after.clone());
    let resumed = step(&mut resumed, after);
    assert_eq!(
        values(resumed.w.val().inner()),
        values(went_on.w.val().inner())
    );
}
