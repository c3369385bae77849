//! A search that is killed and resumed ends as one that was not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use workbench::record::{SearchEpoch, SearchTiming};

const EPOCHS: usize = 4;

fn command(arguments: &[&str], run: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_search"));
    command
        .args(arguments)
        .arg(run)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn start(run: &Path, method: &str) -> Child {
    let method = format!("search.method={method}");
    let set = [
        &method,
        "search.epochs=4",
        "search.warmup_epochs=1",
        "search.batch_size=32",
        "network.cells=2",
        "network.channels=4",
        "space.nodes=2",
        "data.augment.crop_padding=1",
        "seed=11",
    ];
    let mut arguments = vec!["run"];
    arguments.extend(set.iter().flat_map(|field| ["--set", field]));
    arguments.push("--out");
    command(&arguments, run).spawn().unwrap()
}

fn records(run: &Path) -> Vec<SearchEpoch> {
    let records: Vec<SearchEpoch> = workbench::metrics::read(run.join("metrics.jsonl")).unwrap();
    let timing = SearchTiming {
        search_seconds: 0.0,
        validation_seconds: 0.0,
        examples_per_second: 0.0,
    };
    records
        .into_iter()
        .map(|record| SearchEpoch { timing, ..record })
        .collect()
}

fn lines(run: &Path) -> usize {
    std::fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

#[test]
fn killed_in_the_middle_of_an_epoch_and_resumed_it_ends_the_same() {
    killed_and_resumed("egs");
}

#[test]
fn so_does_another_method() {
    killed_and_resumed("snas");
}

fn killed_and_resumed(method: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    assert!(start(&whole, method).wait().unwrap().success());

    let mut child = start(&broken, method);
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
    // While epoch 2 is drawn or saved or soon after, and well before the end of epoch 3.
    std::thread::sleep(Duration::from_millis(60));
    child.kill().unwrap();
    child.wait().unwrap();
    let done = lines(&broken);
    assert!((2..EPOCHS).contains(&done), "killed after epoch {done}");
    assert!(!broken.join("result.json").exists());
    for picture in ["cells.svg", "loss.svg", "probabilities-normal.svg"] {
        assert!(
            broken.join(picture).exists(),
            "{picture} is drawn on the way"
        );
    }

    assert!(command(&["resume"], &broken).status().unwrap().success());
    let (expected, resumed) = (records(&whole), records(&broken));
    assert_eq!(expected.len(), EPOCHS);
    assert_eq!(expected, resumed);
    let genotype = |run: &Path| std::fs::read(run.join("genotype.json")).unwrap();
    assert_eq!(genotype(&whole), genotype(&broken));
}

#[test]
fn a_checkpoint_cut_short_is_passed_over_for_the_one_before_and_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    assert!(start(&run, "egs").wait().unwrap().success());
    let expected = records(&run);
    let newest = run.join("checkpoints/step-4.ckpt");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 3]).unwrap();
    let output = command(&["resume"], &run)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    assert!(message.contains("step-4.ckpt"), "{message}");
    assert_eq!(records(&run), expected);
}
