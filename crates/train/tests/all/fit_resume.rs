//! A training that is killed and resumed ends as one that was not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::killed::{lines, records, result};

const EPOCHS: usize = 4;

/// The program, for which Ctrl-C is not ignored where it is for the tests, as in a script's background.
fn interruptible(program: &str) -> Command {
    let mut with_default = Command::new("env");
    with_default.arg("--default-signal=INT");
    let known = Command::new("env")
        .args(["--default-signal=INT", "true"])
        .output();
    if known.is_ok_and(|output| output.status.success()) {
        with_default.arg(program);
        return with_default;
    }
    Command::new(program)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = interruptible(env!("CARGO_BIN_EXE_train"));
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// With everything that has state or is drawn: momentum, averaging, the best epoch, drop-path, changes
/// to images, held-out images.
fn start(run: &Path) -> Child {
    let set = [
        "fit.epochs=4",
        "fit.batch_size=48",
        "fit.parts=2",
        "fit.drop_path=0.3",
        "fit.average_decay=0.9",
        "fit.patience=3",
        "fit.label_smoothing=0.1",
        "weights.warmup_epochs=1",
        "data.validation=0.2",
        "data.augment.crop_padding=1",
        "network.cells=2",
        "network.channels=2",
        "seed=11",
    ];
    let mut arguments = vec!["fit", "snas", "--run", run.to_str().unwrap()];
    arguments.extend(set.iter().flat_map(|field| ["--set", field]));
    command(&arguments).spawn().unwrap()
}

fn resume(run: &Path) -> Command {
    command(&["resume", run.to_str().unwrap()])
}

#[test]
fn killed_and_resumed_or_its_checkpoint_cut_short_it_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    assert!(start(&whole).wait().unwrap().success());
    let (expected, outcome) = (records(&whole), result(&whole));
    assert_eq!(expected.len(), EPOCHS);

    let mut child = start(&broken);
    let begun = Instant::now();
    while lines(&broken) < 2 {
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "no second epoch"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "ended before it was killed"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines(&broken) < EPOCHS && !broken.join("result.json").exists());
    for picture in ["loss.svg", "accuracy.svg"] {
        assert!(
            broken.join(picture).exists(),
            "{picture} is drawn on the way"
        );
    }
    assert!(resume(&broken).status().unwrap().success());
    assert_eq!(records(&broken), expected);
    assert_eq!(result(&broken), outcome);

    // The newest checkpoint is cut short: the one before is used, and it says so.
    let newest = whole.join("checkpoints/step-4.ckpt");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 3]).unwrap();
    let output = resume(&whole).stderr(Stdio::piped()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("step-4.ckpt") && message.contains("step-3.ckpt"),
        "{message}"
    );
    assert_eq!(records(&whole), expected);
    assert_eq!(result(&whole), outcome);
}

/// As a terminal does when Ctrl-C is pressed.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_training_after_its_epoch_and_it_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    assert!(start(&whole).wait().unwrap().success());
    let mut child = start(&broken);
    while lines(&broken) < 1 {
        assert!(child.try_wait().unwrap().is_none(), "ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(lines(&broken) < EPOCHS && !broken.join("result.json").exists());
    assert!(resume(&broken).status().unwrap().success());
    assert_eq!(records(&broken), records(&whole));
    assert_eq!(result(&broken), result(&whole));
}

#[test]
fn with_patience_the_weights_of_the_best_epoch_are_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, set: [&str; 2]| {
        let path = folder.path().join(name);
        let common = [
            "data.validation=0.2",
            "network.cells=2",
            "network.channels=2",
            // Too fast, so that the error goes up and down.
            r#"weights.learning_rate={shape="constant", value=0.5}"#,
        ];
        let mut arguments = vec!["fit", "snas", "--run", path.to_str().unwrap()];
        arguments.extend(common.iter().chain(&set).flat_map(|field| ["--set", field]));
        assert!(command(&arguments).status().unwrap().success());
        (records(&path), result(&path))
    };
    let (records, stopped) = run("stopped", ["fit.epochs=20", "fit.patience=2"]);
    let errors: Vec<f64> = records
        .iter()
        .map(|record| record.validation.unwrap().value)
        .collect();
    let lowest = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let best = 1 + errors.iter().position(|&error| error == lowest).unwrap();
    assert_eq!(errors.len(), best + 2, "stopped two epochs after {best}");
    assert_eq!(stopped["epochs"], errors.len());
    assert_eq!(stopped["result_epoch"], best);

    // A training that ends with that epoch has the same network.
    let epochs = format!("fit.epochs={best}");
    let (_, ended) = run("ended", [&epochs, "fit.patience=0"]);
    assert_eq!(ended["result_epoch"], best);
    assert_eq!(stopped["test_loss"], ended["test_loss"]);
}
