//! Dense and exact-sparse execution are the same function with the same gradients.

use std::collections::BTreeMap;

use crate::support::*;
use burn::tensor::{Tensor, loss::cross_entropy_with_logits};
use egs_core::{NoiseKey, Normalization};
use supernet::{
    Architecture, ArchitectureConfig, Execution, ForwardMode, Sampling, Statistics, Supernet,
    Trained, WeightInit,
};

struct Outcome {
    loss: f32,
    weights: BTreeMap<u64, Vec<f32>>,
    logits: BTreeMap<u64, Vec<f32>>,
    input: Vec<f32>,
}

fn run(
    net: &Supernet<Train>,
    architecture: &Architecture<Train>,
    config: &ArchitectureConfig,
    execution: Execution,
    trained: Trained,
) -> Outcome {
    let sample = architecture
        .sample(config, 1.0, NoiseKey::new(5, 9))
        .unwrap();
    let codes = match trained {
        Trained::Weights => sample.constant(config.normalization),
        Trained::Logits => sample.codes,
    };
    let x = images::<Train>([6, 1, 9, 8], &device()).require_grad();
    let mode = ForwardMode {
        execution,
        trained,
        statistics: Statistics::Batch,
    };
    let output = net.forward(x.clone(), &codes, mode);
    let targets = Tensor::<Train, 1, burn::tensor::Int>::from_data([0, 1, 2, 3, 4, 0], &device());
    let targets = targets.one_hot::<2>(5).float();
    let loss = cross_entropy_with_logits(output, targets);
    let grads = loss.backward();
    Outcome {
        loss: loss.into_scalar(),
        weights: gradients(net, &grads),
        logits: gradients(architecture, &grads),
        input: x.grad(&grads).unwrap().into_data().to_vec().unwrap(),
    }
}

fn compare(trained: Trained, sampling: Sampling, normalization: Normalization) {
    let config = small_config(3);
    let mut init = WeightInit::new(3);
    let net = config.init::<Train>(&mut init, &device()).unwrap();
    let egs = ArchitectureConfig {
        draws: 3,
        sampling,
        normalization,
        ..Default::default()
    };
    let architecture = Architecture::new(&config.space, egs.activation, &mut init, &device());

    let dense = run(&net, &architecture, &egs, Execution::Dense, trained);
    let sparse = run(&net, &architecture, &egs, Execution::ExactSparse, trained);
    assert_close(&[dense.loss], &[sparse.loss], 1e-5, "loss");
    assert_close(&dense.input, &sparse.input, 1e-4, "input");
    assert_eq!(
        dense.logits.len(),
        if trained == Trained::Logits { 1 } else { 0 }
    );
    assert_eq!(
        dense.logits.keys().collect::<Vec<_>>(),
        sparse.logits.keys().collect::<Vec<_>>()
    );
    for (id, gradient) in &dense.logits {
        for table in gradient.chunks(gradient.len() / 2) {
            assert!(table.iter().any(|g| *g != 0.0));
        }
        assert_close(gradient, &sparse.logits[id], 1e-4, "alpha");
    }
    assert!(
        sparse.weights.len() < dense.weights.len(),
        "sparse leaves weights untouched"
    );
    let largest = dense
        .weights
        .values()
        .flatten()
        .fold(0.0f32, |m, g| m.max(g.abs()));
    for (id, gradient) in &dense.weights {
        match sparse.weights.get(id) {
            // Rounding is relative to the network's gradients: a layer before a normalisation can
            // have a gradient that is zero but for rounding.
            Some(other) => {
                for (a, b) in gradient.iter().zip(other) {
                    let scale = a.abs().max(1e-2 * largest);
                    assert!((a - b).abs() <= 1e-4 * scale, "weights: {a} and {b}");
                }
            }
            None => assert!(
                gradient.iter().all(|g| *g == 0.0),
                "an unselected weight's gradient is 0"
            ),
        }
    }
}

#[test]
fn training_weights_per_edge() {
    compare(Trained::Weights, Sampling::PerEdge, Normalization::None);
}

#[test]
fn training_weights_per_node_normalised() {
    compare(Trained::Weights, Sampling::PerNode, Normalization::Sum);
}

#[test]
fn training_logits_per_edge() {
    compare(Trained::Logits, Sampling::PerEdge, Normalization::None);
}

#[test]
fn training_logits_per_edge_normalised() {
    compare(Trained::Logits, Sampling::PerEdge, Normalization::Sum);
}

#[test]
fn training_logits_per_node() {
    compare(Trained::Logits, Sampling::PerNode, Normalization::None);
}

#[test]
fn sampled_execution_keeps_the_loss_but_not_the_logits_gradient() {
    let config = small_config(2);
    let mut init = WeightInit::new(3);
    let net = config.init::<Train>(&mut init, &device()).unwrap();
    let egs = ArchitectureConfig {
        draws: 2,
        ..Default::default()
    };
    let architecture = Architecture::new(&config.space, egs.activation, &mut init, &device());
    let exact = run(
        &net,
        &architecture,
        &egs,
        Execution::ExactSparse,
        Trained::Logits,
    );
    let sampled = run(
        &net,
        &architecture,
        &egs,
        Execution::Sampled,
        Trained::Logits,
    );
    assert_close(&[exact.loss], &[sampled.loss], 1e-5, "loss");
    assert_close(&exact.input, &sampled.input, 1e-4, "input");
    assert_ne!(exact.logits, sampled.logits);
}
