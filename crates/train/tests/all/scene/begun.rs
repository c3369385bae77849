//! Trainings that begin with the encoder of a classifier.

use std::fs;

use super::{TINY, fit};
use crate::fit_commands::{printed, refused, train};

/// A classifier of the cells, trained on grey images.
const CLASSIFIER: [&str; 11] = [
    "fit",
    "darts-v2",
    "--channels",
    "2",
    "--cells",
    "2",
    "--epochs",
    "1",
    "--batch-size",
    "128",
    "--out",
];

fn classifier(path: &std::path::Path) {
    printed(
        path,
        &[&CLASSIFIER[..], &["classifier", "--quiet"]].concat(),
    );
}

#[test]
fn the_encoder_of_a_run_or_an_export_is_taken_over_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    classifier(path);
    printed(path, &["export", "classifier", "--out", "exported"]);
    let fitted = |encoder: &str, out: &str| {
        let output = train(path, &fit(&["--encoder", encoder, "--out", out]));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        for part in [
            "took over ",
            "tensors",
            "of cells; fresh: ",
            "stem",
            "classifier",
            "not used: ",
        ] {
            assert!(told.contains(part), "`{part}`: {told}");
        }
        fs::read_to_string(path.join(out).join("metrics.jsonl")).unwrap()
    };
    let loss = |record: &str| record.split("\"seconds\"").next().unwrap().to_string();
    let of_run = fitted("classifier", "one");
    assert_eq!(loss(&of_run), loss(&fitted("exported", "two")));
    printed(path, &fit(&["--out", "fresh", "--quiet"]));
    let fresh = fs::read_to_string(path.join("fresh/metrics.jsonl")).unwrap();
    assert_ne!(loss(&of_run), loss(&fresh));
    // It is no longer needed.
    fs::rename(path.join("classifier"), path.join("away")).unwrap();
    printed(path, &["eval", "one"]);
    printed(path, &["export", "one", "--out", "network"]);

    let wider: Vec<&str> = TINY
        .iter()
        .map(|word| if *word == "2" { "3" } else { word })
        .collect();
    let wider = [
        &["fit"],
        &wider[..],
        &["--encoder", "exported", "--out", "no"],
    ]
    .concat();
    refused(path, &wider, &["`fit.encoder` is `exported`", "3 channels"]);
    let other = [
        &["fit", "snas"],
        &TINY[1..],
        &["--encoder", "exported", "--out", "no"],
    ]
    .concat();
    refused(
        path,
        &other,
        &["`fit.encoder` is `exported`", "other cells"],
    );
    refused(
        path,
        &fit(&["--encoder", "nowhere", "--out", "no"]),
        &["`fit.encoder` is `nowhere`"],
    );
    let scene = ["`fit.encoder` is `network`, a network of the task `scene`"];
    refused(path, &fit(&["--encoder", "network", "--out", "no"]), &scene);
    assert!(!path.join("no").exists());

    // Options of networks that answer with pictures.
    let digits = "exported";
    refused(
        path,
        &["eval", digits, "--mirrored"],
        &["`--mirrored`", "task `image`"],
    );
    refused(
        path,
        &["predict", digits, "x.png", "--out", "there"],
        &["`--out`", "task `image`"],
    );
}
