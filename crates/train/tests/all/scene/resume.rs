//! A training on scenes that is killed and resumed ends as one that was not.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use workbench::record::FitEpoch;

use super::TINY;
use crate::fit_commands::printed;

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

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_train"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn records(run: &Path) -> Vec<FitEpoch> {
    let records: Vec<FitEpoch> = workbench::metrics::read(run.join("metrics.jsonl")).unwrap();
    let timeless = |record| FitEpoch {
        seconds: 0.0,
        ..record
    };
    records.into_iter().map(timeless).collect()
}

fn result(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("result.json")).unwrap();
    let mut result: Value = serde_json::from_str(&text).unwrap();
    result["seconds"] = 0.into();
    result
}

fn lines(run: &Path) -> usize {
    fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Kills the process in the midst of the epoch after `epochs`.
fn kill_after(mut child: Child, run: &Path, epochs: usize) {
    let begun = Instant::now();
    while lines(run) < epochs {
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "no epoch {epochs}"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "ended before it was killed"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(30));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !run.join("result.json").exists(),
        "finished before it was killed"
    );
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
