//! Segmentation networks: sizes, equal gradients of both executions, inheritance, counts, names of tensors,
//! encoders of classifiers.

use std::collections::BTreeMap;

use burn::backend::Autodiff;
use burn::tensor::Tensor;
use burn_flex::Flex;
use egs_core::NoiseKey;
use supernet::segmentation::*;
use supernet::{
    Architecture, ArchitectureConfig, Codes, Cost, DeriveRule, DerivedConfig, DropPath, Execution,
    Form, ForwardMode, Genotype, NetworkConfig, OperationForm, SearchSpace, Statistics, Trained,
    WeightInit, count_weights, derive_genotype,
};

use crate::support::*;

type Train = Autodiff<Flex>;

fn size(stem_stride: usize, output_stride: usize) -> SegmentationSize {
    SegmentationSize {
        channels: 4,
        cells: 3,
        stem_stride,
        output_stride,
        pyramid: PyramidConfig {
            channels: 6,
            rates: Some(vec![2, 3]),
            dropout: 0.5,
        },
    }
}

fn outer(stem_stride: usize, output_stride: usize) -> SegmentationConfig {
    SegmentationConfig {
        image_channels: 1,
        classes: 5,
        size: size(stem_stride, output_stride),
    }
}

fn searched(stem_stride: usize, output_stride: usize) -> SegmentationSupernetConfig {
    SegmentationSupernetConfig {
        network: outer(stem_stride, output_stride),
        space: SearchSpace {
            nodes: 2,
            ..Default::default()
        },
    }
}

fn genotype() -> Genotype {
    let text = "\
normal: skip_connect@0 sep_conv_3x3@1 avg_pool_3x3@0 | dil_conv_5x5@2 max_pool_3x3@1
reduce: skip_connect@0 max_pool_3x3@1 | sep_conv_5x5@2 dil_conv_3x3@0 avg_pool_3x3@1";
    text.parse().unwrap()
}

fn cells(stem_stride: usize, output_stride: usize) -> SegmentationNetworkConfig {
    SegmentationNetworkConfig::of_cells(outer(stem_stride, output_stride), genotype())
}

fn plain(stem_stride: usize, output_stride: usize) -> SegmentationNetworkConfig {
    SegmentationNetworkConfig {
        encoder: EncoderChoice::Plain {
            width: EncoderChoice::PLAIN_WIDTH,
        },
        ..cells(stem_stride, output_stride)
    }
}

const STRIDES: [[usize; 2]; 6] = [[1, 4], [1, 1], [2, 4], [4, 8], [8, 16], [8, 8]];

fn host<B: burn::tensor::backend::Backend>(tensor: Tensor<B, 4>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

fn init<B: burn::tensor::backend::Backend<Device = burn_flex::FlexDevice>>(
    config: &SegmentationNetworkConfig,
) -> SegmentationNetwork<B> {
    config.init(&mut WeightInit::new(5), &device()).unwrap()
}

#[test]
fn images_of_any_size_give_logits_of_that_size() {
    for [stem, output] in STRIDES {
        let config = searched(stem, output);
        let mut weights = WeightInit::new(1);
        let net: SegmentationSupernet<Flex> = config.init(&mut weights, &device()).unwrap();
        let architecture =
            Architecture::new(&config.space, Default::default(), &mut weights, &device());
        let egs = ArchitectureConfig::default();
        let (of_cells, of_stages) = (
            init::<Flex>(&cells(stem, output)),
            init(&plain(stem, output)),
        );
        for [height, width] in [[8, 9], [33, 25], [32, 32]] {
            let x = images::<Flex>([2, 1, height, width], &device());
            let key = NoiseKey::new(0, height as u64);
            let codes = architecture.sample(&egs, 1.0, key).unwrap().codes;
            for logits in [
                net.forward(x.clone(), &codes, ForwardMode::SCORE),
                of_cells.forward(x.clone(), Statistics::Batch),
                of_stages.forward(x, Statistics::Running),
            ] {
                assert_eq!(logits.dims(), [2, 5, height, width]);
                assert!(logits.into_data().iter::<f32>().all(f32::is_finite));
            }
        }
    }
}

struct Outcome {
    logits: Vec<f32>,
    weights: BTreeMap<u64, Vec<f32>>,
    alpha: BTreeMap<u64, Vec<f32>>,
    input: Vec<f32>,
}

/// Of a loss that weighs every logit differently.
fn outcome(
    net: &SegmentationSupernet<Train>,
    architecture: &Architecture<Train>,
    execution: Execution,
    trained: Trained,
) -> Outcome {
    let egs = ArchitectureConfig {
        draws: 3,
        ..Default::default()
    };
    let key = NoiseKey::new(5, 9);
    let sample = architecture.sample(&egs, 1.0, key).unwrap();
    let codes = match trained {
        Trained::Weights => sample.constant(egs.normalization),
        Trained::Logits => sample.codes,
    };
    let x = images::<Train>([4, 1, 17, 14], &device()).require_grad();
    let mode = ForwardMode {
        execution,
        trained,
        statistics: Statistics::Batch,
    };
    let logits = net.forward(x.clone(), &codes, mode);
    let upstream = images::<Train>(logits.dims(), &device());
    let grads = (logits.clone() * upstream).sum().backward();
    Outcome {
        logits: host(logits),
        weights: gradients(net, &grads),
        alpha: gradients(architecture, &grads),
        input: x.grad(&grads).unwrap().into_data().to_vec().unwrap(),
    }
}

#[test]
fn dense_and_exact_sparse_execution_have_the_same_gradients() {
    // One reduction strides and one dilates.
    let config = searched(2, 4);
    let mut weights = WeightInit::new(3);
    let net: SegmentationSupernet<Train> = config.init(&mut weights, &device()).unwrap();
    let architecture =
        Architecture::new(&config.space, Default::default(), &mut weights, &device());
    for trained in [Trained::Weights, Trained::Logits] {
        let dense = outcome(&net, &architecture, Execution::Dense, trained);
        let sparse = outcome(&net, &architecture, Execution::ExactSparse, trained);
        assert_close(&dense.logits, &sparse.logits, 1e-5, "logits");
        assert_close(&dense.input, &sparse.input, 1e-4, "input");
        assert_eq!(dense.alpha.len(), usize::from(trained == Trained::Logits));
        for (id, gradient) in &dense.alpha {
            assert!(gradient.iter().any(|g| *g != 0.0));
            assert_close(gradient, &sparse.alpha[id], 1e-4, "alpha");
        }
        let values = dense.weights.values().flatten();
        let largest = values.fold(0.0f32, |most, g| most.max(g.abs()));
        for (id, gradient) in &dense.weights {
            let Some(other) = sparse.weights.get(id) else {
                assert!(gradient.iter().all(|g| *g == 0.0), "off, so no gradient");
                continue;
            };
            for (a, b) in gradient.iter().zip(other) {
                let scale = a.abs().max(1e-2 * largest);
                assert!((a - b).abs() <= 1e-4 * scale, "weights: {a} and {b}");
            }
        }
    }
}

#[test]
fn a_child_computes_what_its_supernet_does() {
    for [stem, output] in [[1, 2], [8, 16]] {
        let config = searched(stem, output);
        let net: SegmentationSupernet<Flex> =
            config.init(&mut WeightInit::new(7), &device()).unwrap();
        let egs = ArchitectureConfig::default();
        let init = &mut WeightInit::new(8);
        let architecture =
            Architecture::<Flex>::new(&config.space, egs.activation, init, &device());
        let probabilities = architecture.probabilities(&egs);
        let (rule, key) = (DeriveRule::MostProbableCode, NoiseKey::new(0, 0));
        let derived = derive_genotype(rule, &probabilities, &config.space, &egs, key);
        let (genotype, derived) = derived.unwrap();
        let codes = Codes::from_derived(&derived, &device());
        let x = images::<Flex>([3, 1, 21, 16], &device());
        let expected = host(net.forward(x.clone(), &codes, ForwardMode::SCORE));
        let child = net.inherit(&config, &genotype).unwrap();
        let found = host(child.forward(x, Statistics::Batch));
        assert_close(&found, &expected, 1e-5, "logits");
        // The form that an exported child is read in.
        let network = SegmentationNetworkConfig::of_cells(config.network.clone(), genotype);
        let form = OperationForm::Searched;
        let read: SegmentationNetwork<Flex> = network
            .init_as(form, &mut WeightInit::new(0), &device())
            .unwrap();
        read.load_state_dict(&child.state_dict()).unwrap();
    }
}

#[test]
fn layers_add_up_to_the_weights_of_the_network() {
    for [stem, output] in STRIDES {
        for config in [cells(stem, output), plain(stem, output)] {
            for auxiliary in [false, true] {
                let config = SegmentationNetworkConfig {
                    auxiliary,
                    ..config.clone()
                };
                let layers = config.layers(33, 40).unwrap();
                let total: usize = layers.iter().map(|layer| layer.weights).sum();
                assert_eq!(total, count_weights(&init::<Flex>(&config)), "{config:?}");
            }
        }
        let config = searched(stem, output);
        let net: SegmentationSupernet<Flex> =
            config.init(&mut WeightInit::new(0), &device()).unwrap();
        assert_eq!(config.weights(), count_weights(&net));
    }
}

#[test]
fn children_cost_what_their_layers_do() {
    for [stem, output] in STRIDES {
        let config = searched(stem, output);
        let layers = cells(stem, output).layers(33, 40).unwrap();
        for cost in [Cost::Parameters, Cost::MultiplyAdds] {
            let costs = config.child_costs([33, 40], cost).unwrap();
            let total: f64 = layers.iter().map(|layer| layer.cost(cost)).sum();
            assert_eq!(costs.of(&genotype(), &config.space), total);
        }
    }
}

#[test]
fn the_head_costs_its_weights_at_every_pixel_of_the_features() {
    let layers = cells(8, 16).layers(64, 33).unwrap();
    let of = |place: &str| {
        let layer = layers.iter().find(|layer| layer.place == place);
        layer.unwrap_or_else(|| panic!("no {place}")).multiply_adds
    };
    // 4 x 3 pixels of 2 nodes of 16 channels; 6 channels in the pyramid, two rates.
    assert_eq!(of("pyramid.rate2"), 32 * 6 * 9 * 12);
    assert_eq!(of("pyramid.pooled"), 32 * 6);
    assert_eq!(of("pyramid.project"), 24 * 6 * 12);
    assert_eq!(of("classifier"), 6 * 5 * 12);
}

fn weights_in(state: &supernet::StateDict) -> usize {
    let weights = state.iter().filter(|(name, _)| !name.contains("running_"));
    weights.map(|(_, tensor)| tensor.values.len()).sum()
}

#[test]
fn tensors_have_names_of_their_own_and_come_back() {
    for [stem, output] in STRIDES {
        for config in [cells(stem, output), plain(stem, output)] {
            let config = SegmentationNetworkConfig {
                auxiliary: true,
                ..config
            };
            let model = init::<Flex>(&config);
            let state = model.state_dict();
            assert_eq!(weights_in(&state), count_weights(&model), "{config:?}");
            for name in [
                "classifier.0.convs.0.0.weight",
                "classifier.0.convs.2.1.running_var",
                "classifier.0.convs.3.1.weight",
                "classifier.0.project.1.bias",
                "classifier.1.weight",
                "classifier.4.bias",
                "aux_classifier.0.weight",
                "aux_classifier.4.weight",
            ] {
                assert!(state.contains_key(name), "{name}");
            }
            let other: SegmentationNetwork<Flex> =
                config.init(&mut WeightInit::new(6), &device()).unwrap();
            let x = images::<Flex>([2, 1, 24, 17], &device());
            let expected = host(model.forward(x.clone(), Statistics::Running));
            assert_ne!(
                host(other.forward(x.clone(), Statistics::Running)),
                expected
            );
            let loaded = other.load_state_dict(&state).unwrap();
            assert_eq!(host(loaded.forward(x, Statistics::Running)), expected);
        }
    }
    let lacking = init::<Flex>(&cells(1, 4)).load_state_dict(&Default::default());
    let error = lacking.unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
}

fn classifier(form: Form, image_channels: usize) -> DerivedConfig {
    let network = NetworkConfig {
        image_channels,
        classes: 10,
        channels: 4,
        cells: 3,
    };
    DerivedConfig {
        form,
        auxiliary: true,
        ..DerivedConfig::new(network, genotype())
    }
}

#[test]
fn an_encoder_is_taken_over_from_a_classifier_of_the_same_cells() {
    for (form, channels, [stem, output], takes_stem) in [
        (Form::Cifar, 1, [1, 2], true),
        (Form::Imagenet, 1, [8, 16], true),
        (Form::Imagenet, 3, [8, 16], false),
    ] {
        let from = classifier(form, channels);
        let weights = from
            .init::<Flex>(&mut WeightInit::new(9), &device())
            .unwrap();
        let state = weights.state_dict();
        let config = cells(stem, output);
        let fresh = init::<Flex>(&config);
        let before = fresh.state_dict();
        let (network, transfer) = config.take_encoder(fresh, &from, &state).unwrap();
        for (name, tensor) in network.state_dict() {
            let taken = transfer.taken.contains(&name);
            assert_ne!(taken, transfer.fresh.contains(&name));
            match taken {
                true => assert_eq!(tensor, state[name.strip_prefix("backbone.").unwrap()]),
                false => assert_eq!(tensor, before[&name]),
            }
        }
        let text = transfer.to_string();
        let expected = match takes_stem {
            true => "fresh: classifier; not used: auxiliary_head, classifier",
            false => "fresh: stem, classifier; not used: auxiliary_head, classifier, stem",
        };
        assert!(text.contains(expected), "{text}");
        assert!(transfer.taken.iter().any(|name| name.contains("cells.2")));
    }
}

#[test]
fn an_encoder_of_other_cells_is_refused() {
    let from = classifier(Form::Cifar, 1);
    let state = from
        .init::<Flex>(&mut WeightInit::new(9), &device())
        .unwrap();
    let state = state.state_dict();
    let refused = |config: &SegmentationNetworkConfig, from: &DerivedConfig| {
        let taken = config.take_encoder(init::<Flex>(config), from, &state);
        taken.unwrap_err().to_string()
    };
    let mut larger = from.clone();
    larger.network.channels = 8;
    let error = refused(&cells(1, 4), &larger);
    let expected = "`encoder` is 3 cells of 8 channels; valid: 3 cells of 4 channels";
    assert!(error.contains(expected), "{error}");
    let mut others = from.clone();
    others.genotype.cells.swap(0, 1);
    let error = refused(&cells(1, 4), &others);
    assert!(error.contains("other cells"), "{error}");
    let error = refused(&plain(1, 4), &from);
    assert!(error.contains("plain encoder"), "{error}");
}

#[test]
fn a_single_image_can_be_trained_on_and_leaves_the_statistics_of_image_pooling() {
    let config = SegmentationNetworkConfig {
        auxiliary: true,
        ..cells(2, 4)
    };
    let model = init::<Train>(&config);
    let pooled = |model: &SegmentationNetwork<Train>| {
        let state = model.state_dict();
        ["mean", "var"].map(|of| state[&format!("classifier.0.convs.3.2.running_{of}")].clone())
    };
    let before = pooled(&model);
    for (images_of_pass, moves) in [(1, false), (2, false), (3, true)] {
        let x = images::<Train>([images_of_pass, 1, 16, 16], &device()).require_grad();
        let key = DropoutKey {
            seed: 1,
            epoch: 0,
            step: 0,
            first: 0,
        };
        let drop_path = DropPath {
            rate: 0.1,
            seed: 1,
            epoch: 0,
            step: 0,
            first: 0,
        };
        let output =
            model.forward_train(x.clone(), Statistics::TRAIN, Some(&drop_path), Some(&key));
        let logits = output.logits + output.auxiliary.unwrap();
        assert_eq!(logits.dims(), [images_of_pass, 5, 16, 16]);
        let upstream = images::<Train>(logits.dims(), &device());
        let grads = (logits * upstream).sum().backward();
        let largest: f32 = x.grad(&grads).unwrap().abs().max().into_scalar();
        assert!(largest > 0.0 && largest.is_finite());
        assert_eq!(pooled(&model) != before, moves, "{images_of_pass}");
    }
}

#[test]
fn dropout_acts_only_where_a_key_is_given_and_is_a_function_of_it() {
    let model = init::<Flex>(&cells(2, 4));
    let x = images::<Flex>([4, 1, 16, 16], &device());
    let logits = |key: Option<DropoutKey>, x: Tensor<Flex, 4>| {
        host(
            model
                .forward_train(x, Statistics::Running, None, key.as_ref())
                .logits,
        )
    };
    let key = DropoutKey {
        seed: 1,
        epoch: 0,
        step: 0,
        first: 0,
    };
    let plain = host(model.forward(x.clone(), Statistics::Running));
    assert_eq!(logits(None, x.clone()), plain);
    let whole = logits(Some(key), x.clone());
    assert_ne!(whole, plain);
    // The last image alone, as the second pass of a step.
    let last = logits(Some(DropoutKey { first: 3, ..key }), x.narrow(0, 3, 1));
    assert_close(&last, &whole[3 * last.len()..], 1e-5, "the last image");
}

#[test]
fn configurations_round_trip_and_refuse_unknown_fields() {
    for config in [cells(2, 4), plain(8, 16)] {
        let text = serde_json::to_string(&config).unwrap();
        let again: SegmentationNetworkConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(again, config);
        let wrong = text.replace("\"output_stride\"", "\"output_strid\"");
        assert!(serde_json::from_str::<SegmentationNetworkConfig>(&wrong).is_err());
    }
}

#[test]
fn the_memory_of_a_step_grows_with_everything_that_it_should() {
    use supernet::{FitStep, SearchStep};
    let architecture = ArchitectureConfig::default();
    let step = SearchStep {
        batch: 4,
        architecture: &architecture,
        relaxation: supernet::Relaxation::Code,
        execution: Execution::ExactSparse,
        learns: true,
        cellwise: false,
        copies: 4,
        value_bytes: 4,
    };
    let bytes = |config: SegmentationSupernetConfig| config.step_bytes([48, 48], &step);
    // Dilated cells are four times as large as strided ones.
    assert!(bytes(searched(2, 4)) > bytes(searched(2, 8)));
    assert!(bytes(searched(1, 4)) > bytes(searched(2, 4)));
    let fit = FitStep {
        batch: 4,
        copies: 4,
        value_bytes: 4,
    };
    let bytes = |config: SegmentationNetworkConfig| config.step_bytes([48, 48], &fit).unwrap();
    assert!(bytes(cells(2, 4)) > bytes(cells(2, 8)));
    assert!(bytes(plain(2, 4)) < bytes(cells(2, 4)));
    let auxiliary = true;
    let with = SegmentationNetworkConfig {
        auxiliary,
        ..cells(2, 4)
    };
    assert!(bytes(with) > bytes(cells(2, 4)));
}
