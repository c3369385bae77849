//! Searches for a recurrent cell: every method, killed and resumed, and what is refused.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use workbench::record::{InheritedScores, SearchOutcome, SecondScoring};

use crate::page;
use crate::resume::{kill_in_the_third_epoch, records};

/// Words in an order by chance, a paragraph of nine each.
fn text(paragraphs: usize, mut state: u32) -> String {
    const WORDS: [&str; 9] = [
        "sense", "and", "pride", "or", "a", "lady", "of", "no", "fortune",
    ];
    let mut text = String::new();
    for _ in 0..paragraphs {
        for _ in 0..9 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += WORDS[(state >> 16) as usize % WORDS.len()];
            text += " ";
        }
        text += "\n\n";
    }
    text
}

/// A corpus in `corpus` of the folder.
fn corpus(folder: &Path, paragraphs: usize) {
    let root = folder.join("corpus");
    fs::create_dir_all(&root).unwrap();
    for (name, paragraphs, seed) in [("train", paragraphs, 1), ("valid", 30, 2), ("test", 30, 3)] {
        fs::write(root.join(format!("{name}.txt")), text(paragraphs, seed)).unwrap();
    }
}

const TINY: [&str; 16] = [
    "--task",
    "language",
    "--set",
    "data.root=corpus",
    "--set",
    "network.hidden=6",
    "--set",
    "data.sequences.length=8",
    "--set",
    "search.batch_size=4",
    "--set",
    "space.nodes=3",
    "--set",
    "data.evaluation={validation=3, test=3}",
    "--set",
    "network.form=searched",
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
    corpus(folder.path(), 12);
    let methods: [(&str, &[&str]); 8] = [
        ("egs", &[]),
        ("egs", &["--set", "architecture.sampling=per-edge"]),
        (
            "egs",
            &[
                "--set",
                "alpha.distribution_penalty=0.1",
                "--set",
                "alpha.cost_penalty=0.1",
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
        assert_eq!(outcome.metric.name, "perplexity");
        assert_eq!(outcome.task, "language");
        // Words are drawn evenly, so nothing is learned but their number.
        let reached = 5.0..20.0;
        for value in [outcome.supernet, outcome.child, outcome.child_test] {
            assert!(reached.contains(&value), "{method}: {value}");
        }
        let second = outcome.second.unwrap();
        assert_eq!(second.scoring, SecondScoring::Unnormalised);
        assert_eq!(second.gap, second.child - outcome.supernet);
        let drawn = fs::read_to_string(run.join("cells.svg")).unwrap();
        for name in ["0: x, h", "3", "h", "mean"] {
            assert!(drawn.contains(&format!(">{name}</text>")), "{name}");
        }
        let config = fs::read_to_string(run.join("child/config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["task"], "language");
        assert_eq!(config["network"]["cell"]["form"], "searched");
        assert!(run.join("child/model.safetensors").exists());
        let page = page::read(&run.join("report.html"));
        assert!(page::headings(&page).contains(&"Answers") && page.contains("class=\"words\""));
    }
}

#[test]
fn cells_are_scored_with_the_weights_of_a_search_as_its_child_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 12);
    assert!(
        search(path, &["--epochs", "2", "--out", "run"])
            .status
            .success()
    );
    let score = |cells: &[&str]| {
        let words = [&["score", "run", "--result", "scores.json"], cells].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_search"));
        command.args(words).current_dir(path).output().unwrap()
    };
    let other = "cell: tanh@0 | relu@1 | identity@0";
    let output = score(&[other, "run/genotype.json"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    let scores = InheritedScores::read(path.join("scores.json")).unwrap();
    let outcome = SearchOutcome::read(path.join("run/result.json")).unwrap();
    assert_eq!(scores.epoch, 2);
    assert_eq!(scores.metric, outcome.metric);
    assert_eq!(scores.cells[0].genotype, other);
    assert_eq!(scores.cells[1].value, outcome.child);
    assert_ne!(scores.cells[0].value, outcome.child);

    for (cells, said) in [
        ("cell: tanh@0 | relu@1", "2 nodes"),
        ("darts-rnn-v3", "did you mean `darts-rnn-v"),
    ] {
        let output = score(&[cells]);
        assert_eq!(output.status.code(), Some(2));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(said), "{message}");
    }

    fs::remove_dir_all(path.join("run/checkpoints")).unwrap();
    let output = score(&[other]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("has no finished epoch"), "{message}");
}

#[test]
fn killed_in_the_middle_of_an_epoch_and_resumed_it_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 60);
    let arguments = |out| ["--epochs", "4", "--out", out];
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

#[test]
fn cells_are_drawn_without_their_task_being_named() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |cells| {
        let output = Command::new(env!("CARGO_BIN_EXE_search"))
            .args(["draw", cells, "cells.svg"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{message}");
        fs::read_to_string(folder.path().join("cells.svg")).unwrap()
    };
    assert!(draw("darts-rnn-v2").contains(">sigmoid<"));
    assert!(draw("cell: tanh@0 | relu@1").contains(">relu<"));
    assert!(draw("darts-v2").contains(">sep_conv_3x3<"));
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
    corpus(path, 12);
    for (more, parts) in [
        (
            &["--bptt", "900"][..],
            &["data.sequences.length", "900"][..],
        ),
        (&["--batch-size", "90000"], &["search.batch_size", "90000"]),
        (&["--batch-size", "1"], &["search.batch_size", "2 or more"]),
        (
            &["--set", "data.evaluation.test=1"],
            &["data.evaluation.test", "2 or more"],
        ),
        (&["--hidden", "0"], &["network.hidden", "0"]),
        (
            &["--set", "network.dropout.input=1.0"],
            &["network.dropout.input"],
        ),
        (
            &["--set", "network.droput.input=0.1"],
            &["did you mean `dropout`"],
        ),
        (
            &["--set", "space.operations=[\"relu\",\"sep_conv_3x3\"]"],
            &["sep_conv_3x3", "tanh"],
        ),
        (
            &["--data", "ptb", "--data-root", "nowhere"],
            &["ptb.train.txt"],
        ),
        (
            &["--set", "search.checkpoint_cells=true"],
            &["search.checkpoint_cells"],
        ),
        (
            &["--precision", "bf16"],
            &["search.precision", "f32 with `task` language"],
        ),
        (
            &["--set", "alpha.cost_budget=100.0"],
            &["alpha.cost_budget"],
        ),
        (
            &[
                "--set",
                "alpha.cost=parameters",
                "--set",
                "alpha.cost_penalty=1.0",
            ],
            &["alpha.cost_penalty"],
        ),
        (&["--channels", "3"], &["--channels", "--hidden"]),
    ] {
        let message = refused(path, more);
        for part in parts {
            assert!(message.contains(part), "`{part}` in: {message}");
        }
    }
    let train = path.join("corpus/train.txt");
    fs::write(&train, [0x66, 0xff, 0xfe]).unwrap();
    let message = refused(path, &[]);
    assert!(
        message.contains("train.txt") && message.contains("UTF-8"),
        "{message}"
    );
    fs::write(&train, "\n\n").unwrap();
    assert!(refused(path, &[]).contains("no word for training"));
    fs::remove_file(&train).unwrap();
    assert!(refused(path, &[]).contains("found no `train`"));
    assert!(!path.join("runs").exists(), "nothing is left behind");
}

/// A run goes on with the words that it began with.
#[test]
fn another_vocabulary_than_the_checkpoints_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 12);
    assert!(
        search(path, &["--epochs", "1", "--out", "run"])
            .status
            .success()
    );
    let train = path.join("corpus/train.txt");
    let changed = fs::read_to_string(&train)
        .unwrap()
        .replace("lady", "gentleman");
    fs::write(&train, changed).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_search"))
        .args(["resume", "run", "--epochs", "2"])
        .args(["--learning-rate", "1.0", "--temperature", "1.0"])
        .current_dir(path)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("vocabulary") || message.contains("words"),
        "{message}"
    );
    assert_eq!(records(&path.join("run")).len(), 1);
}
