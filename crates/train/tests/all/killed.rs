//! Trainings that are killed, and what they leave.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use workbench::record::FitEpoch;

/// Starts the program in a folder.
pub(crate) fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_train"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What was logged, without times.
pub(crate) fn records(run: &Path) -> Vec<FitEpoch> {
    let records: Vec<FitEpoch> = workbench::metrics::read(run.join("metrics.jsonl")).unwrap();
    let timeless = |record| FitEpoch {
        seconds: 0.0,
        ..record
    };
    records.into_iter().map(timeless).collect()
}

/// The result, without its time.
pub(crate) fn result(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("result.json")).unwrap();
    let mut result: Value = serde_json::from_str(&text).unwrap();
    result["seconds"] = 0.into();
    result
}

/// Epochs that were logged.
pub(crate) fn lines(run: &Path) -> usize {
    fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Kills the process in the midst of the epoch after `epochs`.
pub(crate) fn kill_after(mut child: Child, run: &Path, epochs: usize) {
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
