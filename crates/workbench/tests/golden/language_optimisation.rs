//! Descent and its averages.

use burn::module::{Module, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use serde_json::Value;
use supernet::Sgd;
use workbench::optim::{AveragedSgd, blend_average, clip_global_norm, non_monotone_trigger};

use crate::values::{
    Train, assert_close, cases, count, fixed, flat, golden, number, tensor, values,
};

#[derive(Module, Debug)]
struct Parameters<B: Backend> {
    matrix: Param<Tensor<B, 2>>,
    vector: Param<Tensor<B, 1>>,
}

impl Parameters<Train> {
    fn of(matrix: Tensor<Train, 2>, vector: Tensor<Train, 1>) -> Self {
        Self {
            matrix: Param::from_tensor(matrix),
            vector: Param::from_tensor(vector),
        }
    }

    /// Gradients of these values.
    fn gradients(&self, matrix: Tensor<Train, 2>, vector: Tensor<Train, 1>) -> GradientsParams {
        let loss = (self.matrix.val() * matrix).sum() + (self.vector.val() * vector).sum();
        GradientsParams::from_grads(loss.backward(), self)
    }
}

#[test]
fn clipping_decay_and_learning_rate_make_the_recorded_step() {
    for case in cases(&golden()["sgd_step"]) {
        let read = |all: &Value| {
            let vector = match all.get(1) {
                Some(vector) => tensor(vector),
                None => Tensor::zeros([1], &Default::default()),
            };
            (tensor(&all[0]), vector)
        };
        let (matrix, vector) = read(&case["parameters"]);
        let start = Parameters::of(matrix, vector);
        let (matrix, vector) = read(&case["gradients"]);
        let gradients = start.gradients(matrix, vector);
        let (clipped, norm) = clip_global_norm(gradients, &start, number(&case["clip"]));
        assert_close(&values(norm.unwrap()), &case["norm"], "norm");
        let mut sgd = Sgd::optimizer::<Train, _>(0.0, number(&case["weight_decay"]));
        let sequences = fixed(&case["bptt"]);
        let factor = sequences.learning_rate_factor(count(&case["seq_len"]));
        let rate = number(&case["lr"]) * factor;
        assert_close(&[rate], &case["lr_effective"], "learning rate");
        let after = sgd.step(rate, start, clipped);
        let (matrix, vector) = (values(after.matrix.val()), values(after.vector.val()));
        assert_close(&matrix, &case["after"][0], "matrix");
        if let Some(expected) = case["after"].get(1) {
            assert_close(&vector, expected, "vector");
        }
    }
}

#[test]
fn averaged_descent_has_the_recorded_weights_and_averages() {
    let device = Default::default();
    for case in cases(&golden()["asgd"]) {
        let name = case["name"].as_str().unwrap();
        let rule = AveragedSgd {
            decay: number(&case["lambd"]),
            power: number(&case["alpha"]),
            start: number(&case["t0"]),
        };
        let matrix = || Tensor::zeros([1, 1], &device);
        let mut model = Parameters::of(matrix(), tensor(&case["start"]));
        let mut average = model.clone();
        let decay = number(&case["weight_decay"]) + rule.decay;
        let mut sgd = Sgd::optimizer::<Train, _>(0.0, decay);
        let rates = flat(&case["lr_per_step"]);
        for (at, gradient) in cases(&case["gradients"]).iter().enumerate() {
            let before = rates[at.saturating_sub(1)];
            let rate = rule.learning_rate(at + 1, rates[at], before);
            let share = rule.share(at + 1);
            assert_close(
                &[rate],
                &case["eta_used"][at],
                &format!("{name}: eta, step {at}"),
            );
            assert_close(
                &[share],
                &case["mu_used"][at],
                &format!("{name}: mu, step {at}"),
            );
            let gradients = model.gradients(matrix(), tensor(gradient));
            model = sgd.step(rate, model, gradients);
            average = blend_average(average, &model, 1.0 - share);
            for (module, field) in [(&model, "parameters"), (&average, "average")] {
                let found = values(module.vector.val());
                assert_close(
                    &found,
                    &case[field][at],
                    &format!("{name}: {field}, step {at}"),
                );
            }
        }
    }
}

#[test]
fn the_trigger_fires_after_the_recorded_epochs() {
    for case in cases(&golden()["trigger"]) {
        let losses = flat(&case["validation_losses"]);
        let patience = count(&case["nonmono"]);
        let expected = case["switch_after_epoch"]
            .as_u64()
            .map(|epoch| epoch as usize);
        assert_eq!(non_monotone_trigger(&losses, patience), expected, "{case}");
        // It is a function of the epochs so far: later ones change nothing.
        let so_far = |epochs| non_monotone_trigger(&losses[..epochs], patience);
        for epochs in 0..losses.len() {
            let known = expected.filter(|&epoch| epoch <= epochs);
            assert_eq!(so_far(epochs), known, "{case}");
        }
    }
}
