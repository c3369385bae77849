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

/// Steps, names and values of the points of a file, and how often it says that a session starts.
fn read(path: &Path) -> (Vec<(u64, String, f32)>, usize) {
    let bytes = std::fs::read(path).unwrap();
    let (mut rest, mut points, mut starts) = (&bytes[..], Vec::new(), 0);
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u64::from_le_bytes(*length) as usize;
        let message = &after[4..4 + length];
        rest = &after[4 + length + 4..];
        // The time has nine bytes; a step and what it is of follow, or the version of the file.
        if message[9] != 0x10 {
            continue;
        }
        assert!(message[10] < 0x80, "steps of the tests have a byte");
        match message[11] {
            0x3a => starts += 1,
            kind => {
                assert_eq!(kind, 0x2a);
                let value = &message[15..];
                let end = 2 + usize::from(value[1]);
                let tag = String::from_utf8(value[2..end].to_vec()).unwrap();
                let height = f32::from_le_bytes(value[end + 1..].try_into().unwrap());
                points.push((message[10].into(), tag, height));
            }
        }
    }
    (points, starts)
}

fn epoch(epoch: u64) -> Value {
    json!({"epoch": epoch, "train_loss": 1.0 / epoch as f64, "seconds": 1.0})
}

/// Makes the log that of so many epochs, as a session does.
fn log(run: &RunFolder, epochs: u64) {
    let lines = (1..=epochs).map(|number| format!("{}\n", epoch(number)));
    std::fs::write(run.metrics(), lines.collect::<String>()).unwrap();
}

fn losses(path: &Path) -> Vec<u64> {
    let points = read(path).0.into_iter();
    let losses = points.filter(|(_, tag, _)| tag == "loss/train");
    losses.map(|(step, ..)| step).collect()
}

#[test]
fn a_file_grows_epoch_by_epoch_and_a_resume_leaves_no_point_twice() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(folder.path().join("mine")).unwrap();
    log(&run, 0);
    let mut live = LiveEvents::start(&run).unwrap();
    let first = run.path().join(NAME);
    let mut before = std::fs::read(&first).unwrap();
    for number in 1..=3 {
        log(&run, number);
        live.epoch(&epoch(number)).unwrap();
        let now = std::fs::read(&first).unwrap();
        assert!(now.starts_with(&before) && now.len() > before.len());
        before = now;
    }
    assert_eq!(losses(&first), [1, 2, 3]);
    assert_eq!(read(&first).1, 1);

    // Killed between its log and its checkpoint, so that the third epoch is searched again.
    log(&run, 2);
    let mut live = LiveEvents::start(&run).unwrap();
    let second = run.path().join(format!("{NAME}.0001"));
    assert!(!first.exists());
    assert_eq!(losses(&second), [1, 2]);
    log(&run, 3);
    live.epoch(&epoch(3)).unwrap();
    std::fs::write(run.result(), "{\"result_epoch\":2,\"test_error\":3.5}").unwrap();
    live.end().unwrap();
    assert_eq!(losses(&second), [1, 2, 3]);
    let (points, starts) = read(&second);
    assert_eq!(starts, 1);
    assert_eq!(points.last().unwrap(), &(2, "error/test".into(), 3.5));

    // The command `tensorboard` writes in its place.
    assert_eq!(write_events(&run, None).unwrap().path, second);
    assert_eq!(losses(&second), [1, 2, 3]);
}

#[test]
fn a_conversion_in_the_midst_of_a_run_leaves_no_point_twice() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(folder.path().join("mine")).unwrap();
    log(&run, 1);
    let mut live = LiveEvents::start(&run).unwrap();
    log(&run, 2);
    write_events(&run, None).unwrap();
    live.epoch(&epoch(2)).unwrap();
    log(&run, 3);
    live.epoch(&epoch(3)).unwrap();
    assert_eq!(losses(&run.path().join(format!("{NAME}.0001"))), [1, 2, 3]);
}

#[test]
fn what_cannot_be_written_is_told_once_and_ends_nothing() {
    use crate::record::{FitEpoch, Metric, Score};
    use crate::session::Reporter;

    #[derive(Default)]
    struct Told(Vec<String>);
    impl Reporter<FitEpoch> for Told {
        fn step(&mut self, _: usize, _: Option<f64>) {}
        fn note(&mut self, text: &str) {
            self.0.push(text.into());
        }
        fn epoch(&mut self, record: &FitEpoch) {
            self.0.push(format!("epoch {}", record.epoch));
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(folder.path().join("mine")).unwrap();
    log(&run, 0);
    // A folder of the name that the file would have.
    std::fs::create_dir(run.path().join(format!("{NAME}.0001"))).unwrap();
    std::fs::write(run.path().join(NAME), "").unwrap();
    let mut told = Told::default();
    let mut recording = Recording::start::<FitEpoch>(&run, &mut told);
    for epoch in [1, 2] {
        recording.epoch(&FitEpoch {
            epoch,
            learning_rate: 0.1,
            metric: Metric::ERROR,
            train: Score {
                loss: 1.0,
                value: 50.0,
            },
            validation: None,
            seconds: 1.0,
            extra: Default::default(),
        });
    }
    recording.finish::<FitEpoch>();
    assert_eq!(told.0[1..], ["epoch 1", "epoch 2"]);
    let note = &told.0[0];
    assert!(
        note.starts_with("the event file for TensorBoard is no longer brought up to date: cannot "),
        "{note}"
    );
}
