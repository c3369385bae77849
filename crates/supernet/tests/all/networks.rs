//! Sizes, parameter counts and inheritance of supernets and derived networks.

use crate::support::*;
use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use egs_core::{NoiseKey, Normalization};
use supernet::{
    Architecture, ArchitectureConfig, BatchNorm, CodeTable, Codes, DeriveRule, ForwardMode,
    NetworkConfig, Published, Sampling, SearchSpace, Statistics, Supernet, SupernetConfig,
    SupernetError, WeightInit, count_weights, derive_genotype,
};

type Inner = burn_flex::Flex;

#[test]
fn the_papers_supernet_has_the_published_number_of_weights() {
    let network = NetworkConfig {
        image_channels: 3,
        classes: 10,
        channels: 16,
        cells: 8,
    };
    let config = SupernetConfig {
        network,
        space: SearchSpace::default(),
    };
    let net: Supernet<Train> = config.init(&mut WeightInit::new(0), &device()).unwrap();
    assert_eq!(count_weights(&net), 1_930_618);
    assert_eq!(count_weights(&net.valid()), 1_930_618);
}

#[test]
fn any_image_of_eight_pixels_or_more_fits() {
    let config = small_config(3);
    let mut init = WeightInit::new(1);
    let net: Supernet<Inner> = config.init(&mut init, &device()).unwrap();
    let architecture = Architecture::new(&config.space, Default::default(), &mut init, &device());
    let egs = ArchitectureConfig {
        draws: 7,
        ..Default::default()
    };
    for (height, width) in [(8, 8), (8, 9), (9, 11), (15, 8), (28, 28)] {
        let codes = architecture
            .sample(&egs, 1.0, NoiseKey::new(0, height))
            .unwrap()
            .codes;
        let output = net.forward(
            images([2, 1, height as usize, width], &device()),
            &codes,
            ForwardMode::SCORE,
        );
        assert_eq!(output.dims(), [2, 5]);
        assert!(output.into_data().iter::<f32>().all(f32::is_finite));
    }
}

fn child_equals_supernet(sampling: Sampling, normalization: Normalization, statistics: Statistics) {
    let config = small_config(4);
    let mut init = WeightInit::new(7);
    let net: Supernet<Inner> = config.init(&mut init, &device()).unwrap();
    let egs = ArchitectureConfig {
        draws: 3,
        sampling,
        normalization,
        ..Default::default()
    };
    let architecture = Architecture::<Inner>::new(
        &config.space,
        egs.activation,
        &mut WeightInit::new(8),
        &device(),
    );
    let (rule, key) = (DeriveRule::MostProbableCode, NoiseKey::new(0, 0));
    let (genotype, derived) = derive_genotype(
        rule,
        &architecture.probabilities(&egs),
        &config.space,
        &egs,
        key,
    )
    .unwrap();
    let child = net.inherit(&config, &genotype).unwrap();
    let x = images::<Inner>([5, 1, 12, 10], &device());
    let codes = Codes::from_derived(&derived, &device());
    let ours = child.forward(x.clone(), statistics);
    let theirs = net.forward(
        x,
        &codes,
        ForwardMode {
            statistics,
            ..ForwardMode::SCORE
        },
    );
    let host = |t: Tensor<Inner, 2>| t.into_data().to_vec::<f32>().unwrap();
    assert_close(&host(ours), &host(theirs), 1e-5, "logits");
}

#[test]
fn a_child_with_inherited_weights_is_the_supernet_under_its_code() {
    child_equals_supernet(Sampling::PerEdge, Normalization::None, Statistics::Batch);
    child_equals_supernet(Sampling::PerEdge, Normalization::Sum, Statistics::Batch);
    child_equals_supernet(Sampling::PerNode, Normalization::Sum, Statistics::Running);
}

#[test]
fn a_child_of_a_foreign_genotype_is_refused() {
    let config = small_config(2);
    let net: Supernet<Inner> = config.init(&mut WeightInit::new(0), &device()).unwrap();
    let genotype = Published::DartsV2.genotype().unwrap();
    let error = net.inherit(&config, &genotype).unwrap_err();
    assert!(matches!(error, SupernetError::Mismatch { .. }), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let logits = |seed| {
        let config = small_config(2);
        let net: Supernet<Inner> = config.init(&mut WeightInit::new(seed), &device()).unwrap();
        let all = CodeTable::constant(vec![vec![true; 8]; 5]);
        let codes = Codes {
            tables: vec![all; 2],
        };
        let output = net.forward(images([2, 1, 8, 8], &device()), &codes, ForwardMode::SCORE);
        output.into_data().to_vec::<f32>().unwrap()
    };
    assert_eq!(logits(4), logits(4));
    assert_ne!(logits(4), logits(5));
}

#[test]
fn running_statistics_follow_pytorchs_rule() {
    let norm = BatchNorm::<Inner>::new(2, &device());
    let x = images::<Inner>([3, 2, 4, 5], &device());
    let host: Vec<f32> = x.to_data().to_vec().unwrap();
    norm.forward(x.clone(), Statistics::TRAIN);
    let (mean, variance) = norm.running().unwrap();
    let (mean, variance): (Vec<f32>, Vec<f32>) = (
        mean.into_data().to_vec().unwrap(),
        variance.into_data().to_vec().unwrap(),
    );
    for channel in 0..2 {
        let values: Vec<f64> = (0..3)
            .flat_map(|n| host[(n * 2 + channel) * 20..][..20].to_vec())
            .map(f64::from)
            .collect();
        let m = values.iter().sum::<f64>() / 60.0;
        let v = values.iter().map(|x| (x - m).powi(2)).sum::<f64>() / 59.0;
        assert!((f64::from(mean[channel]) - 0.1 * m).abs() < 1e-6);
        assert!((f64::from(variance[channel]) - (0.9 + 0.1 * v)).abs() < 1e-6);
    }
    let before = norm.running().unwrap().0.into_data();
    norm.forward(x, Statistics::Batch);
    assert_eq!(
        norm.running().unwrap().0.into_data(),
        before,
        "Batch leaves them alone"
    );
}

#[test]
fn averaging_momentum_recomputes_statistics_from_scratch() {
    let norm = BatchNorm::<Inner>::new(1, &device());
    for k in 1..=3 {
        let x = Tensor::<Inner, 4>::full([2, 1, 2, 2], k as f32, &device());
        norm.forward(
            x,
            Statistics::Update {
                momentum: 1.0 / f64::from(k),
            },
        );
    }
    let mean: f32 = norm.running().unwrap().0.into_scalar();
    assert!((mean - 2.0).abs() < 1e-6);
}

#[test]
fn clones_and_inner_copies_have_statistics_of_their_own() {
    let norm = BatchNorm::<Train>::affine(1, &device());
    let (copy, inner) = (norm.clone(), norm.valid());
    norm.forward(images([2, 1, 3, 3], &device()) + 5.0, Statistics::TRAIN);
    let mean = |n: &BatchNorm<Train>| n.running().unwrap().0.into_scalar();
    assert!(mean(&norm) > 0.4);
    assert_eq!(mean(&copy), 0.0);
    assert_eq!(inner.running().unwrap().0.into_scalar(), 0.0);
}

#[test]
fn a_layer_without_running_statistics_uses_the_batchs() {
    let device = device();
    let with = BatchNorm::<Inner>::new(1, &device);
    let without = with.clone().without_running();
    let x = images::<Inner>([2, 1, 3, 3], &device);
    let batch = with.forward(x.clone(), Statistics::Batch).into_data();
    assert_eq!(
        without.forward(x.clone(), Statistics::Running).into_data(),
        batch
    );
    assert_ne!(with.forward(x, Statistics::Running).into_data(), batch);
}

#[test]
fn features_are_what_the_last_cell_leaves() {
    let config = small_config(4);
    let net: Supernet<Inner> = config.init(&mut WeightInit::new(2), &device()).unwrap();
    let all = CodeTable::constant(vec![vec![true; 8]; 5]);
    let codes = Codes {
        tables: vec![all; 2],
    };
    let x = images::<Inner>([3, 1, 9, 13], &device());
    let features = net.features(x, &codes, ForwardMode::SCORE);
    // Two cells halve the image and double the channels; two nodes of 16 channels are concatenated.
    assert_eq!(features.dims(), [3, 32, 3, 4]);
}
