//! Searches for the cells of a segmentation network: every method, killed and resumed, and what is refused.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use workbench::record::SearchOutcome;

use crate::page;
use crate::resume::{kill_in_the_third_epoch, records};

const TINY: [&str; 22] = [
    "--task",
    "scene",
    "--set",
    "data.scenes={ train = 12, test = 3, size = 33 }",
    "--set",
    "data.weights_fraction=0.5",
    "--set",
    "data.crop=27",
    "--set",
    "network.channels=2",
    "--set",
    "network.cells=3",
    "--set",
    "network.pyramid={ channels = 4, rates = [2] }",
    "--set",
    "search.batch_size=3",
    "--set",
    "search.warmup_epochs=1",
    "--set",
    "space.nodes=2",
    "--set",
    "space.operations=[\"none\", \"max_pool_3x3\", \"avg_pool_3x3\", \"skip_connect\", \"sep_conv_3x3\"]",
];

fn search(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_search"))
        .args(TINY)
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn every_method_searches_derives_draws_and_leaves_its_child() {
    let folder = tempfile::tempdir().unwrap();
    let methods: [(&str, &[&str]); 9] = [
        ("egs", &[]),
        ("egs", &["--set", "architecture.sampling=per-node"]),
        (
            "egs",
            &[
                "--set",
                "alpha.distribution_penalty=0.1",
                "--set",
                "alpha.cost_penalty=0.1",
            ],
        ),
        (
            "egs",
            &[
                "--set",
                "network.stem_stride=8",
                "--set",
                "network.output_stride=16",
            ],
        ),
        ("darts", &[]),
        ("darts", &["--set", "alpha.second_order=true"]),
        ("snas", &[]),
        ("gdas", &[]),
        ("random", &[]),
    ];
    for (number, (method, set)) in methods.into_iter().enumerate() {
        let out = format!("run-{number}");
        let field = format!("search.method={method}");
        let own = ["--out", &out, "--epochs", "2", "--set", &field];
        let output = search(folder.path(), &[&own[..], set].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{method} {set:?}: {message}");
        let run = folder.path().join(out);
        let outcome = SearchOutcome::read(run.join("result.json")).unwrap();
        assert_eq!(outcome.task, "scene");
        assert_eq!(outcome.metric.name, "mIoU");
        for value in [outcome.supernet, outcome.child, outcome.child_test] {
            assert!((0.0..=100.0).contains(&value), "{method}: {value}");
        }
        let drawn = fs::read_to_string(run.join("cells.svg")).unwrap();
        for title in ["Normal cell", "Reduction cell"] {
            assert!(drawn.contains(title), "{title}");
        }
        let config = fs::read_to_string(run.join("child/config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["task"], "scene");
        assert_eq!(config["network"]["encoder"]["kind"], "cells");
        assert_eq!(config["class_names"][0], "background");
        assert!(run.join("child/model.safetensors").exists());
        let page = page::read(&run.join("report.html"));
        assert!(page::headings(&page).contains(&"Class by class, on test"));
        assert!(page.contains("class=\"panels\"") && page.contains("</i>background</span>"));
    }
}

#[test]
fn killed_in_the_middle_of_an_epoch_and_resumed_it_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let arguments = |out| {
        let more = ["--set", "data.scenes.train=60", "--epochs", "4", "--out"];
        [&more[..], &[out]].concat()
    };
    assert!(search(path, &arguments("whole")).status.success());

    let broken = path.join("broken");
    let child = Command::new(env!("CARGO_BIN_EXE_search"))
        .args(TINY)
        .args(arguments("broken"))
        .current_dir(path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    kill_in_the_third_epoch(child, &broken);
    let resumed = Command::new(env!("CARGO_BIN_EXE_search"))
        .args(["resume", "broken"])
        .current_dir(path)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert!(resumed.status.success(), "{message}");
    assert_eq!(records(&path.join("whole")), records(&broken));
    let child = |run: &str| fs::read(path.join(run).join("child/model.safetensors")).unwrap();
    assert!(
        child("whole") == child("broken"),
        "the child's weights differ"
    );
}

fn refused(folder: &Path, more: &[&str]) -> String {
    let output = search(folder, more);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{more:?}: {message}");
    assert_eq!(message.trim().lines().count(), 1, "one sentence: {message}");
    message
}

#[test]
fn what_cannot_be_searched_gets_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (set, parts) in [
        (
            "network.stem_stride=3",
            &["network.stem_stride", "1, 2, 4 or 8"][..],
        ),
        (
            "network.output_stride=32",
            &["network.output_stride", "2, 4, 8 after a stem of stride 2"],
        ),
        ("network.pyramid.rates=[]", &["network.pyramid.rates"]),
        ("network.pyramid.dropout=1.0", &["network.pyramid.dropout"]),
        ("network.pyramid.rate=[6]", &["did you mean `rates`"]),
        ("network.channels=1", &["network.channels"]),
        ("data.crop=7", &["data.crop"]),
        ("data.weights_fraction=1.0", &["data.weights_fraction"]),
        (
            "data.weights_fractoin=0.5",
            &["did you mean `weights_fraction`"],
        ),
        ("search.batch_size=1", &["search.batch_size", "2 or more"]),
        ("search.batch_size=7", &["search.batch_size", "2 to 6"]),
        ("search.checkpoint_cells=true", &["search.checkpoint_cells"]),
        ("data.root=nowhere", &["data.folder.classes"]),
        ("data.set=voc2012", &["DATA_DIR", "JPEGImages"]),
    ] {
        let message = refused(path, &["--set", set]);
        for part in parts {
            assert!(message.contains(part), "`{part}` in: {message}");
        }
    }
    assert!(!path.join("runs").exists(), "nothing is left behind");
}
