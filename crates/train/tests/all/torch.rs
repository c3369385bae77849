//! A network that PyTorch made and trained: loaded here it says the same, and so does its export.
//! Published networks have the weights and multiply-adds that PyTorch counts. `torch/load.py` goes the
//! other way, from an export to PyTorch.

use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use serde_json::Value;
use supernet::{
    DerivedConfig, DerivedNetwork, Form, NetworkConfig, Published, StateDict, Statistics,
};
use train::{
    ExportConfig, Exported, ImageConfig, TrainError, read_genotype, read_weights, write_weights,
};

fn file(name: &str) -> PathBuf {
    // Written by `torch/make.py`.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/torch")
        .join(name)
}

/// What `torch/make.py` made of a genotype.
#[derive(Debug, Clone, Copy)]
struct Made {
    genotype: &'static str,
    answers: &'static str,
}

const NETWORK: Made = Made {
    genotype: "genotype.txt",
    answers: "answers.json",
};

/// Of operations that DARTS does not search, one twice on an input, with outputs of some nodes.
const FURTHER: Made = Made {
    genotype: "further.txt",
    answers: "further_answers.json",
};

fn config(made: Made) -> DerivedConfig {
    DerivedConfig {
        network: NetworkConfig {
            image_channels: 3,
            classes: 5,
            channels: 4,
            cells: 4,
        },
        genotype: read_genotype(file(made.genotype).to_str().unwrap()).unwrap(),
        form: Form::Cifar,
        auxiliary: false,
    }
}

fn exported(made: Made, weights: &str) -> Exported {
    Exported {
        config: ExportConfig {
            format: ExportConfig::FORMAT,
            network: config(made),
            image: ImageConfig {
                height: 16,
                width: 16,
                mean: vec![0.0; 3],
                std: vec![1.0; 3],
                shorter_side: None,
            },
            class_names: None,
            trained: None,
            inherited: None,
        },
        weights: read_weights(&file(weights)).unwrap(),
    }
}

/// Sizes and costs that `torch/make.py` measured by running the networks, not from a plan.
#[test]
fn published_networks_have_pytorchs_weights_and_multiply_adds() {
    let text = std::fs::read_to_string(file("counts.json")).unwrap();
    let counts: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(counts.len(), 2 * Published::ALL.len());
    for expected in counts {
        let imagenet = expected["form"] == "imagenet";
        let (channels, cells, classes) = if imagenet {
            (48, 14, 1000)
        } else {
            (36, 20, 10)
        };
        let config = DerivedConfig {
            network: NetworkConfig {
                image_channels: 3,
                classes,
                channels,
                cells,
            },
            genotype: read_genotype(expected["cells"].as_str().unwrap()).unwrap(),
            form: if imagenet {
                Form::Imagenet
            } else {
                Form::Cifar
            },
            auxiliary: false,
        };
        let side = if imagenet { 224 } else { 32 };
        let layers = config.layers(side, side).unwrap();
        let weights: usize = layers.iter().map(|layer| layer.weights).sum();
        let multiply_adds: u64 = layers.iter().map(|layer| layer.multiply_adds).sum();
        assert_eq!(expected["weights"], weights, "{expected}");
        assert_eq!(expected["multiply_adds"], multiply_adds, "{expected}");
    }
}

/// The images and the logits that PyTorch gave.
fn answers(made: Made) -> (Tensor<Flex, 4>, Vec<f32>) {
    let text = std::fs::read_to_string(file(made.answers)).unwrap();
    let answers: Value = serde_json::from_str(&text).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        let values = answers[name].as_array().unwrap();
        values
            .iter()
            .map(|value| value.as_f64().unwrap() as f32)
            .collect()
    };
    let images = TensorData::new(floats("images"), [2, 3, 16, 16]);
    (Tensor::from_data(images, &FlexDevice), floats("logits"))
}

fn assert_same_logits(made: Made, network: &DerivedNetwork<Flex>) {
    let (images, expected) = answers(made);
    let logits = network.forward(images, Statistics::Running).into_data();
    let logits: Vec<f32> = logits.to_vec().unwrap();
    let largest = expected
        .iter()
        .fold(0f32, |largest, x| largest.max(x.abs()));
    assert!(largest > 0.1, "the answers say something");
    for (found, expected) in logits.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5, "{logits:?} {expected:?}");
    }
}

#[test]
fn both_kinds_of_state_dict_give_pytorchs_logits() {
    for name in ["network.pt", "network.safetensors"] {
        let network = exported(NETWORK, name).init(&FlexDevice).unwrap();
        assert_same_logits(NETWORK, &network);
    }
}

#[test]
fn operations_of_other_published_cells_give_pytorchs_logits() {
    let exported = exported(FURTHER, "further.safetensors");
    let network = exported.init::<Flex>(&FlexDevice).unwrap();
    assert_same_logits(FURTHER, &network);
    let mut counters = exported.weights.clone();
    let own = network.state_dict();
    counters.retain(|name, _| own.contains_key(name));
    assert_eq!(
        counters, own,
        "the names of tensors are the published code's"
    );
}

#[test]
fn an_export_read_elsewhere_gives_the_same_logits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exported");
    for (made, weights) in [(NETWORK, "network.pt"), (FURTHER, "further.safetensors")] {
        let path = path.with_extension(made.genotype);
        exported(made, weights).write(&path).unwrap();
        let read = Exported::read(&path).unwrap();
        assert_eq!(read, exported(made, weights));
        assert_same_logits(made, &read.init(&FlexDevice).unwrap());
    }
}

#[test]
fn a_network_larger_than_its_file_is_refused_before_memory_is_taken() {
    let refused = |channels| {
        let mut exported = exported(NETWORK, "network.safetensors");
        exported.config.network.network.channels = channels;
        exported.init::<Flex>(&FlexDevice).unwrap_err().to_string()
    };
    // 4 GB of weights.
    let message = refused(1024);
    assert!(
        message.starts_with("`network` is one of ")
            && message.contains(" weights, and the file holds ")
            && message.contains("that the weights were trained with"),
        "{message}"
    );
    // Where memory is no matter, the tensor that differs is named.
    assert!(refused(6).contains("tensor `"), "{}", refused(6));
}

#[test]
fn names_may_carry_the_prefixes_of_training_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prefixed.safetensors");
    let state = read_weights(&file("network.safetensors")).unwrap();
    let prefixed: StateDict = state
        .iter()
        .map(|(name, tensor)| (format!("module.{name}"), tensor.clone()))
        .collect();
    write_weights(&path, &prefixed).unwrap();
    assert_eq!(read_weights(&path).unwrap(), state);

    // A checkpoint of a training script, with the moments of its optimiser.
    let mut checkpoint: StateDict = prefixed
        .iter()
        .map(|(name, tensor)| (format!("state_dict.{name}"), tensor.clone()))
        .collect();
    let moment = state["classifier.weight"].clone();
    checkpoint.insert("optimizer.state.0.momentum_buffer".into(), moment);
    write_weights(&path, &checkpoint).unwrap();
    assert_eq!(read_weights(&path).unwrap(), state);
}

#[test]
fn a_file_cut_short_anywhere_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["network.pt", "network.safetensors"] {
        let whole = std::fs::read(file(name)).unwrap();
        for part in [0, 1, 2, 3] {
            let path = folder.path().join(name);
            std::fs::write(&path, &whole[..whole.len() * part / 4]).unwrap();
            let error = read_weights(&path).unwrap_err();
            assert!(matches!(error, TrainError::Weights { .. }), "{error}");
            let message = error.to_string();
            assert!(
                message.contains(name) && message.contains("cut short"),
                "{message}"
            );
        }
    }
}
