//! Files are read back and looked through; with `ONNX_OUT` they are written there, with what the networks say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use onnx_rs::ast::{DataType, OpType};
use serde_json::json;
use supernet::StateDict;
use train::OnnxModel;

use super::networks::{Written, images, languages, scenes};

/// What the file of a network must be, whatever the network.
fn check(written: &Written, not_written: &[&str]) {
    let name = written.name;
    let model = onnx_rs::parse(&written.file).unwrap();
    let opset = &model.opset_import[0];
    assert_eq!((opset.domain, opset.version), ("", OnnxModel::OPSET));
    assert_eq!(model.doc_string, written.model.about);
    let graph = model.graph.unwrap();

    // Nothing is used before it is there, or made twice.
    let inputs = graph.input.iter().map(|port| port.name);
    let constants = graph.initializer.iter().map(|tensor| tensor.name());
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for value in inputs.chain(constants) {
        assert!(known.insert(value), "{name}: `{value}` stands twice");
    }
    let mut used = BTreeSet::new();
    for node in &graph.node {
        assert!(
            !matches!(node.op_type, OpType::Custom(_)),
            "{name}: {}",
            node.op_type
        );
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            assert!(known.contains(input), "{name}, {}: `{input}`", node.name);
            used.insert(*input);
        }
        for output in &node.output {
            assert!(known.insert(output), "{name}: `{output}` is made twice");
        }
    }
    for output in &graph.output {
        assert!(known.contains(output.name), "{name}: `{}`", output.name);
    }

    // Its tensors are the network's, but for those that only training needs.
    let mut missing: BTreeMap<&str, _> =
        written.state.iter().map(|(n, t)| (n.as_str(), t)).collect();
    for tensor in &graph.initializer {
        assert!(used.contains(tensor.name()), "{name}: `{}`", tensor.name());
        let Some(own) = missing.remove(tensor.name()) else {
            assert!(tensor.name().starts_with("helper."), "{}", tensor.name());
            continue;
        };
        let shape: Vec<i64> = own.shape.iter().map(|&size| size as i64).collect();
        assert_eq!(tensor.dims(), shape, "{name}: `{}`", tensor.name());
        assert_eq!(tensor.data_type(), DataType::Float);
        let bytes: Vec<u8> = own.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert!(
            tensor.as_raw() == Some(&bytes),
            "{name}: `{}`",
            tensor.name()
        );
    }
    let left = |missing: &str| not_written.iter().any(|start| missing.starts_with(start));
    assert!(
        missing.keys().all(|missing| left(missing)),
        "{name}: {missing:?}"
    );
    let ports = |ports: &[(&'static str, _)]| ports.iter().map(|(n, _)| *n).collect::<Vec<_>>();
    let names: Vec<&str> = graph.input.iter().map(|port| port.name).collect();
    assert_eq!(names, ports(&written.inputs), "{name}");
    let names: Vec<&str> = graph.output.iter().map(|port| port.name).collect();
    assert_eq!(names, ports(&written.outputs), "{name}");
    keep(written);
}

/// Writes a file for `tests/onnx/check.py`, and what the network says.
fn keep(written: &Written) {
    let Some(folder) = std::env::var_os("ONNX_OUT") else {
        return;
    };
    let place = Path::new(&folder).join(written.name);
    let tensors = |ports: &[(&'static str, super::networks::Numbers)]| {
        let of = |(name, numbers): &(&str, super::networks::Numbers)| {
            ((*name).to_string(), json!(numbers))
        };
        ports.iter().map(of).collect::<serde_json::Map<_, _>>()
    };
    let answers = json!({"inputs": tensors(&written.inputs), "outputs": tensors(&written.outputs)});
    std::fs::write(place.with_extension("onnx"), &written.file).unwrap();
    std::fs::write(place.with_extension("json"), answers.to_string()).unwrap();
}

#[test]
fn networks_for_images_are_whole_files_without_their_auxiliary_head() {
    for written in images() {
        check(&written, &["auxiliary_head."]);
    }
}

#[test]
fn networks_for_scenes_are_whole_files_without_their_auxiliary_head() {
    for written in scenes() {
        check(&written, &["aux_classifier."]);
    }
}

#[test]
fn networks_of_language_are_whole_files_of_one_step() {
    for written in languages() {
        check(&written, &[]);
    }
}

#[test]
fn ports_say_which_axes_are_of_any_length() {
    let ports = |written: &[Written]| written[0].model.ports();
    assert_eq!(
        ports(&images()),
        "input `pixels` [batch, 3, 32, 32]; output `logits` [batch, 5]"
    );
    assert_eq!(
        ports(&scenes()),
        "input `pixels` [batch, 3, height, width]; output `logits` [batch, 4, height, width]"
    );
    assert_eq!(
        languages()[2].model.ports(),
        "input `words` [batch]; input `hidden` [batch, 12]; input `memory` [batch, 12]; output \
         `log_probabilities` [batch, 50]; output `next_hidden` [batch, 12]; output `next_memory` [batch, 12]"
    );
}

#[test]
fn a_file_cannot_be_made_of_another_networks_tensors() {
    let written = images().remove(0);
    let refusal = written.model.encode(&StateDict::new()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the file of weights has no tensor `stem.0.weight`, but the network takes one of this name"
    );
}
