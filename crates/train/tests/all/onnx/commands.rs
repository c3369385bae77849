//! `train export --onnx`.

use std::path::Path;

use crate::fit_commands::{fit, printed, refused};
use crate::{language, scene};

fn property(file: &Path, key: &str) -> String {
    let bytes = std::fs::read(file).unwrap();
    let model = onnx_rs::parse(&bytes).unwrap();
    let mut properties = model.metadata_props.iter();
    let found = properties.find(|entry| entry.key == key);
    found.unwrap().value.into()
}

#[test]
fn a_run_and_its_export_are_written_alike_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(path, &fit(&["--run", "run", "--quiet"]));
    let both = ["export", "run", "--out", "exported", "--onnx", "run.onnx"];
    assert_eq!(
        printed(path, &both),
        "wrote exported\nwrote run.onnx: input `pixels` [batch, 1, 8, 8]; output `logits` [batch, 10]\n"
    );
    printed(path, &["export", "exported", "--onnx", "again.ONNX"]);
    let read = |name: &str| std::fs::read(path.join(name)).unwrap();
    assert!(read("run.onnx") == read("again.ONNX"));
    assert_eq!(property(&path.join("run.onnx"), "task"), "image");
    assert!(property(&path.join("run.onnx"), "genotype").starts_with("normal: sep_conv_3x3@0"));

    let taken = [
        "`--onnx` is `run.onnx`, which exists already",
        "valid: a file",
    ];
    refused(path, &["export", "run", "--onnx", "run.onnx"], &taken);
    let ending = ["`--onnx` is `net.pt`", "whose name ends in `.onnx`"];
    refused(path, &["export", "run", "--onnx", "net.pt"], &ending);
    let folder = ["cannot write `absent/net.onnx`"];
    refused(
        path,
        &["export", "run", "--onnx", "absent/net.onnx"],
        &folder,
    );
    let neither = crate::fit_commands::train(path, &["export", "run"]);
    assert_eq!(neither.status.code(), Some(2));
    let message = String::from_utf8_lossy(&neither.stderr);
    assert!(message.contains("--out <FOLDER>"), "{message}");
}

#[test]
fn networks_of_language_and_for_scenes_carry_their_words_and_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    language::corpus(path, 60);
    printed(path, &language::fit(&["--run", "words", "--quiet"]));
    let said = printed(path, &["export", "words", "--onnx", "words.onnx"]);
    assert!(said.contains("input `hidden` [batch, 8]"), "{said}");
    let words: Vec<String> =
        serde_json::from_str(&property(&path.join("words.onnx"), "words")).unwrap();
    assert!(words.contains(&"mat".into()), "{words:?}");

    printed(path, &scene::fit(&["--run", "scenes", "--quiet"]));
    let said = printed(path, &["export", "scenes", "--onnx", "scenes.onnx"]);
    assert!(said.contains("[batch, 3, height, width]"), "{said}");
    let classes: Vec<String> =
        serde_json::from_str(&property(&path.join("scenes.onnx"), "classes")).unwrap();
    assert!(!classes.is_empty());
}
