//! Burn's optimiser with the constants that PyTorch, and so every published setting, assumes.

use burn::optim::{AdamConfig, decay::WeightDecayConfig};

/// Adam with the weight decay added to the gradient before the moments, and epsilon 1e-8, which
/// Burn would set to 1e-5.
///
/// A parameter without a gradient is left as it is: it does not decay and its moments stay.
pub fn adam_config(betas: [f64; 2], weight_decay: f64) -> AdamConfig {
    AdamConfig::new()
        .with_beta_1(betas[0] as f32)
        .with_beta_2(betas[1] as f32)
        .with_epsilon(1e-8)
        .with_weight_decay(decay(weight_decay))
}

fn decay(penalty: f64) -> Option<WeightDecayConfig> {
    (penalty != 0.0).then(|| WeightDecayConfig::new(penalty as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::{
        backend::Autodiff,
        module::{Module, Param},
        optim::{GradientsParams, Optimizer},
        tensor::Tensor,
    };
    use burn_flex::Flex;

    type Backend = Autodiff<Flex>;

    const START: [f64; 2] = [0.7, -1.3];
    const RATE: f64 = 0.1;
    const DECAY: f64 = 0.05;

    #[derive(Module, Debug)]
    struct Weights<B: burn::tensor::backend::Backend> {
        /// `[weights]`
        w: Param<Tensor<B, 1>>,
    }

    /// Three steps on the loss `sum(w^3)`, whose gradient is `3 w^2`.
    fn three_steps(mut optimizer: impl Optimizer<Weights<Backend>, Backend>) -> Vec<f32> {
        let start = Tensor::from_floats(START.map(|w| w as f32), &Default::default());
        let mut weights = Weights {
            w: Param::from_tensor(start),
        };
        for _ in 0..3 {
            let gradients = weights.w.val().powi_scalar(3).sum().backward();
            let gradients = GradientsParams::from_grads(gradients, &weights);
            weights = optimizer.step(RATE, weights, gradients);
        }
        weights.w.val().into_data().to_vec().unwrap()
    }

    fn assert_close(actual: Vec<f32>, expected: [f64; 2]) {
        for (actual, expected) in actual.into_iter().zip(expected) {
            let difference = (f64::from(actual) - expected).abs();
            assert!(
                difference < 1e-5 * expected.abs().max(1.0),
                "{actual}, not {expected}"
            );
        }
    }

    #[test]
    fn adam_takes_the_steps_of_the_pytorch_form() {
        let expected = START.map(|mut w| {
            let (mut first, mut second) = (0.0, 0.0);
            for step in 1..=3 {
                let g = 3.0 * w * w + DECAY * w;
                first = 0.5 * first + 0.5 * g;
                second = 0.999 * second + 0.001 * g * g;
                let corrected = second / (1.0 - 0.999_f64.powi(step));
                w -= RATE * (first / (1.0 - 0.5_f64.powi(step))) / (corrected.sqrt() + 1e-8);
            }
            w
        });
        assert_close(
            three_steps(adam_config([0.5, 0.999], DECAY).init()),
            expected,
        );
    }
}
