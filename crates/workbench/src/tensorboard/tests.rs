use serde_json::json;

use super::*;

/// As TensorBoard 2.21 writes `Event(wall_time=1.5, step=300, summary=[("loss/train", 0.25)])`.
#[test]
fn a_known_event_has_the_bytes_that_tensorboard_gives_it() {
    let event = Event {
        seconds: 1.5,
        step: 300,
        tag: "loss/train".into(),
        value: 0.25,
    };
    let hex: String = event_file(&[event])
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let version =
        "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c";
    assert_eq!(
        hex,
        format!(
            "{version}{}",
            "2100000000000000017becf609000000000000f83f10ac022a130a110a0a6c6f73732f747261696e150000803e6c5611a4"
        )
    );
}

#[test]
fn numbers_of_any_record_are_curves_by_what_is_measured() {
    let search = json!({
        "epoch": 2, "train_loss": 0.5, "train_error": 12.0, "architecture_loss": null, "gap": -1.5,
        "second_child_error": 3.0, "entropy_normal": 1.25, "normal": [[0.5, 0.5]], "genotype": "normal: ..",
        "metric": {"name": "error", "unit": "%", "decimals": 2}, "cells": ["normal"],
        "timing": {"search_seconds": 2.0, "validation_seconds": 0.5, "images_per_second": 90.0},
    });
    let expected = [
        ("entropy/normal", 1.25),
        ("gap", -1.5),
        ("error/second_child", 3.0),
        ("timing/images_per_second", 90.0),
        ("timing/search_seconds", 2.0),
        ("timing/validation_seconds", 0.5),
        ("error/train", 12.0),
        ("loss/train", 0.5),
    ];
    let expected = expected.map(|(name, value)| (name.to_string(), value));
    assert_eq!(points(&search), expected);
    assert_eq!(seconds(&search), 2.5);
    let fit = json!({"epoch": 1, "seconds": 4.0, "validation_perplexity": 80.0,
        "metric": {"name": "perplexity"}});
    let expected = [("seconds", 4.0), ("perplexity/validation", 80.0)];
    let expected = expected.map(|(name, value)| (name.to_string(), value));
    assert_eq!(points(&fit), expected);
    assert_eq!(seconds(&fit), 4.0);
}

#[test]
fn a_run_is_written_into_its_folder_or_elsewhere_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(folder.path().join("mine")).unwrap();
    let empty = write_events(&run, None).unwrap_err().to_string();
    assert!(empty.contains("metrics.jsonl"), "{empty}");
    std::fs::write(run.metrics(), "").unwrap();
    let empty = write_events(&run, None).unwrap_err().to_string();
    assert!(
        empty.ends_with(
            "mine` has no finished epoch in its `metrics.jsonl`; valid is a run of at least one finished epoch"
        ),
        "{empty}"
    );
    let lines =
        "{\"epoch\":1,\"train_loss\":2.0,\"seconds\":1.0}\n{\"epoch\":2,\"train_loss\":1.0,\"seco";
    std::fs::write(run.metrics(), lines).unwrap();
    let written = write_events(&run, None).unwrap();
    assert_eq!(written.path, run.path().join(NAME));
    assert_eq!((written.curves, written.epochs), (2, 1));
    let first = std::fs::read(&written.path).unwrap();
    std::fs::write(run.result(), "{\"result_epoch\":1,\"test_error\":3.5}").unwrap();
    let out = folder.path().join("logs");
    let written = write_events(&run, Some(&out)).unwrap();
    assert_eq!(written.path, out.join("mine").join(NAME));
    assert_eq!(written.curves, 3);
    assert!(std::fs::read(&written.path).unwrap().starts_with(&first));
}
