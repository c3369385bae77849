//! Operations beyond those that are searched by default, an operation twice on an input, outputs of some
//! nodes.

use crate::support::*;
use burn::module::AutodiffModule;
use burn::tensor::{Tensor, backend::Backend};
use supernet::{
    CodeTable, Codes, DerivedConfig, DerivedNetwork, ForwardMode, Genotype, NetworkConfig,
    Operation, OperationSet, SearchSpace, Statistics, Supernet, SupernetConfig, SupernetError,
    WeightInit, count_weights,
};

type Inner = burn_flex::Flex;

fn host(tensor: Tensor<Inner, 2>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

fn derived(text: &str) -> DerivedConfig {
    let network = small_config(3).network;
    DerivedConfig::new(network, text.parse::<Genotype>().unwrap())
}

fn init(config: &DerivedConfig) -> DerivedNetwork<Inner> {
    config.init(&mut WeightInit::new(5), &device()).unwrap()
}

/// Codes of two edges that are alike.
fn every<B: Backend>(row: &[bool]) -> Codes<B> {
    Codes {
        tables: vec![CodeTable::constant(vec![row.to_vec(); 2]); 2],
    }
}

/// All operations on every edge, on images whose sides are odd.
#[test]
fn a_supernet_of_all_operations_runs_learns_and_is_inherited_from() {
    let config = SupernetConfig {
        space: SearchSpace {
            nodes: 1,
            operations: Operation::ALL.to_vec(),
        },
        ..small_config(3)
    };
    let net: Supernet<Train> = config.init(&mut WeightInit::new(3), &device()).unwrap();
    let row: Vec<bool> = Operation::ALL
        .iter()
        .map(|&op| op != Operation::None)
        .collect();
    let mode = ForwardMode::SCORE;
    let x = images::<Train>([2, 1, 11, 9], &device());
    let logits = net.forward(x, &every(&row), mode);
    let gradients = logits.powi_scalar(2).sum().backward();
    let learned = burn::optim::GradientsParams::from_grads(gradients, &net);
    assert!(learned.len() > 100, "{}", learned.len());

    let entries: Vec<String> = (0..2)
        .flat_map(|input| {
            let ops = Operation::ALL.iter().filter(|&&op| op != Operation::None);
            ops.map(move |op| format!("{op}@{input}"))
        })
        .collect();
    let cell = entries.join(" ");
    let genotype: Genotype = format!("normal: {cell}\nreduce: {cell}").parse().unwrap();
    let net = net.valid();
    let child = net.inherit(&config, &genotype).unwrap();
    let x = images::<Inner>([2, 1, 11, 9], &device());
    let theirs = host(net.forward(x.clone(), &every(&row), mode));
    assert_close(
        &host(child.forward(x, mode.statistics)),
        &theirs,
        1e-5,
        "logits",
    );
}

#[test]
fn an_operation_twice_on_an_input_runs_twice_with_weights_of_its_own() {
    let once = derived("normal: skip_connect@0\nreduce: avg_pool_3x3@0");
    let twice = derived("normal: skip_connect@0\nreduce: avg_pool_3x3@0 avg_pool_3x3@0");
    let doubled = derived("normal: skip_connect@0\nreduce: avg_pool_3x3@0*2");
    let x = || images::<Inner>([2, 1, 12, 10], &device());
    let logits = |config: &DerivedConfig| host(init(config).forward(x(), Statistics::Running));
    assert_close(&logits(&twice), &logits(&doubled), 1e-6, "twice is double");
    assert_ne!(logits(&twice), logits(&once));
    // Convolutions are drawn, counted and named one by one.
    let convs = derived("normal: skip_connect@0\nreduce: conv_1x1@0 conv_1x1@0");
    let model = init(&convs);
    let state = model.state_dict();
    assert_ne!(
        state["cells.1._ops.0.1.weight"],
        state["cells.1._ops.1.1.weight"]
    );
    let layers = convs.layers(12, 10).unwrap();
    let weights: usize = layers.iter().map(|layer| layer.weights).sum();
    assert_eq!(weights, count_weights(&model));
}

#[test]
fn an_output_of_chosen_nodes_has_their_channels_in_their_order() {
    let nodes = "skip_connect@0 | conv_3x3@1 | max_pool_3x3@0";
    let text =
        |concat: &str| format!("normal: {nodes}\n{concat}reduce: skip_connect@0 | max_pool_3x3@1");
    let all = derived(&text(""));
    let chosen = derived(&text("normal_concat: 4 3\n"));
    let swapped = derived(&text("normal_concat: 3 4\n"));
    let features = |config: &DerivedConfig| init(config).state_dict()["classifier.weight"].shape[1];
    // The last of three cells reduces: two nodes of 16 channels.
    assert_eq!((features(&all), features(&chosen)), (32, 32));
    let width = |config: &DerivedConfig| {
        init(config).state_dict()["cells.1.preprocess1.op.1.weight"].shape[1]
    };
    assert_eq!([width(&all), width(&chosen)], [3 * 4, 2 * 4]);
    let x = || images::<Inner>([2, 1, 8, 8], &device());
    let logits = |config: &DerivedConfig| host(init(config).forward(x(), Statistics::Batch));
    assert_ne!(logits(&chosen), logits(&swapped));
    for config in [&all, &chosen] {
        let layers = config.layers(8, 8).unwrap();
        let weights: usize = layers.iter().map(|layer| layer.weights).sum();
        assert_eq!(weights, count_weights(&init(config)));
    }
}

#[test]
fn a_supernet_hands_on_cells_of_its_shape_only() {
    let config = small_config(3);
    let net: Supernet<Inner> = config.init(&mut WeightInit::new(0), &device()).unwrap();
    let cell = "skip_connect@0 | skip_connect@1";
    for (normal, problem) in [
        (
            format!("{cell}\nnormal_concat: 3"),
            "puts out nodes [3], the supernet all of them",
        ),
        (
            format!("{cell} | skip_connect@0"),
            "3 nodes in the normal cell, the supernet has 2",
        ),
        (
            "conv_1x1@0 | skip_connect@0".into(),
            "the search space has no `conv_1x1`",
        ),
    ] {
        let genotype: Genotype = format!("normal: {normal}\nreduce: {cell}").parse().unwrap();
        let error = net.inherit(&config, &genotype).unwrap_err();
        assert!(matches!(error, SupernetError::Mismatch { .. }));
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn supernets_and_derived_networks_are_bounded_by_their_weights() {
    let network = NetworkConfig {
        channels: 1024,
        cells: 100,
        ..small_config(3).network
    };
    let expected = "valid: at most 10000000000 weights";
    let space = SearchSpace::default();
    let supernet = SupernetConfig {
        network: network.clone(),
        space,
    };
    let mut init = WeightInit::new(0);
    let error = supernet.init::<Inner>(&mut init, &device()).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    let text = "normal: conv_3x3@0 | conv_3x3@1\nreduce: conv_3x3@0 | conv_3x3@1";
    let derived = DerivedConfig::new(network, text.parse().unwrap());
    let error = derived.init::<Inner>(&mut init, &device()).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(derived.validate(32, 32).unwrap_err(), error);
}
