//! A training on scenes that is killed and resumed ends as one that was not.

use std::fs;

use super::TINY;
use crate::fit_commands::printed;
use crate::killed::{kill_after, records, result, spawn};

const EPOCHS: usize = 20;

/// With everything that has state or is drawn: crops, dropout, drop-path, both heads, passes, an average,
/// patience, a warm-up, and an encoder that is begun with.
fn arguments(out: &str) -> Vec<&str> {
    let more = [
        "--set",
        "data.scenes={train=48,test=6,size=32}",
        "--set",
        "data.augment={scale=[0.5,1.5],flip=true}",
        "--set",
        "data.validation=0.25",
        "--set",
        "fit.auxiliary_weight=0.4",
        "--set",
        "fit.drop_path=0.3",
        "--set",
        "fit.parts=2",
        "--set",
        "fit.average_decay=0.5",
        "--set",
        "fit.patience=30",
        "--set",
        "weights.warmup_epochs=1",
        "--epochs",
        "20",
        "--encoder",
        "classifier",
        "--out",
        out,
    ];
    [&["fit"], &TINY[..], &more].concat()
}

#[test]
fn killed_twice_it_ends_the_same_and_no_longer_needs_its_encoder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let classifier =
        "fit darts-v2 --channels 2 --cells 2 --epochs 1 --batch-size 128 --out classifier --quiet";
    printed(path, &classifier.split(' ').collect::<Vec<_>>());
    printed(path, &[&arguments("whole")[..], &["--quiet"]].concat());
    let expected = records(&path.join("whole"));
    assert_eq!(expected.len(), EPOCHS);

    let run = path.join("broken");
    kill_after(spawn(path, &arguments("broken")), &run, 1);
    fs::rename(path.join("classifier"), path.join("away")).unwrap();
    kill_after(spawn(path, &["resume", "broken"]), &run, 3);
    printed(path, &["resume", "broken", "--quiet"]);
    assert_eq!(records(&run), expected);
    assert_eq!(result(&run), result(&path.join("whole")));
    let export = |run: &str, out: &str| {
        printed(path, &["export", run, "--out", out]);
        fs::read(path.join(out).join("model.safetensors")).unwrap()
    };
    assert_eq!(export("broken", "one"), export("whole", "two"));
}
