use std::fs;

use serde_json::json;

use super::*;
use crate::checkpoint::RunIdentity;

fn example(step: u64) -> Checkpoint {
    Checkpoint::new(json!({ "step": step, "lr": 0.1 }))
        .with_section("weights", vec![1, 2, 3, step as u8])
        .with_section("empty", vec![])
}

#[test]
fn what_is_saved_comes_back() {
    let run = tempfile::tempdir().unwrap();
    save(run.path(), 7, &example(7)).unwrap();
    let loaded = load_latest(run.path()).unwrap().unwrap();
    assert_eq!(
        (loaded.index, &loaded.checkpoint, &loaded.warning),
        (7, &example(7), &None)
    );
    assert_eq!(loaded.section("weights").unwrap(), [1, 2, 3, 7]);
    let message = loaded.section("alpha").unwrap_err().to_string();
    assert!(
        message.contains("no section `alpha`, only: empty, weights"),
        "{message}"
    );
}

#[test]
fn a_checkpoint_knows_its_configuration_and_backend() {
    let run = tempfile::tempdir().unwrap();
    let identity = RunIdentity {
        fingerprint: "0123456789abcdef".into(),
        backend: "flex".into(),
        processor: "one, AVX2".into(),
        data: json!({ "images": 7 }),
    };
    save(run.path(), 3, &Checkpoint::of_run(&identity, 3)).unwrap();
    let loaded = load_latest(run.path()).unwrap().unwrap();
    assert_eq!(*loaded.data().unwrap(), identity.data);
    loaded.check_config("0123456789abcdef", None).unwrap();
    loaded
        .check_config("fedcba", Some("0123456789abcdef"))
        .unwrap();
    let message = loaded
        .check_config("fedcba", Some("ba98"))
        .unwrap_err()
        .to_string();
    let run = run.path();
    let name = run.display().to_string();
    for piece in [&name, "fingerprint 0123456789ab, expected fedcba"] {
        assert!(message.contains(piece), "{message}");
    }
    assert!(loaded.notes(&identity).is_empty());
    let moved = |backend: &str, processor: &str| {
        loaded.notes(&RunIdentity {
            backend: backend.into(),
            processor: processor.into(),
            ..identity.clone()
        })
    };
    let notes = moved("cuda", "one, AVX2");
    assert!(notes.len() == 1 && notes[0].contains("on flex and goes on on cuda"));
    let notes = moved("flex", "other, AVX-512");
    let kinds = "another processor, one, AVX2, and goes on on other, AVX-512";
    assert!(notes.len() == 1 && notes[0].contains(kinds), "{notes:?}");
    save(run, 4, &example(4)).unwrap();
    let message = load_latest(run).unwrap().unwrap().data().unwrap_err();
    assert!(message.to_string().contains("what the run's data are"));
}

#[test]
fn what_a_killed_process_left_half_written_is_removed() {
    let run = tempfile::tempdir().unwrap();
    save(run.path(), 1, &example(1)).unwrap();
    let left = run.path().join(FOLDER).join(".step-2.ckpt.7-0.tmp");
    fs::write(&left, "half").unwrap();
    save(run.path(), 2, &example(2)).unwrap();
    assert!(!left.exists());
    assert_eq!(load_latest(run.path()).unwrap().unwrap().index, 2);
}

#[test]
fn a_run_without_checkpoints_has_none() {
    let run = tempfile::tempdir().unwrap();
    assert!(load_latest(run.path()).unwrap().is_none());
}

#[test]
fn the_newest_two_are_kept_in_numeric_order() {
    let run = tempfile::tempdir().unwrap();
    for step in [8, 9, 10] {
        save(run.path(), step, &example(step)).unwrap();
    }
    let kept = list(&run.path().join(FOLDER)).unwrap();
    assert_eq!(
        kept.iter().map(|(index, _)| *index).collect::<Vec<_>>(),
        [9, 10]
    );
}

#[test]
fn a_file_from_an_abandoned_future_is_removed() {
    let run = tempfile::tempdir().unwrap();
    for step in [10, 20, 15] {
        save(run.path(), step, &example(step)).unwrap();
    }
    assert_eq!(load_latest(run.path()).unwrap().unwrap().index, 15);
}

#[test]
fn every_cut_and_every_changed_byte_falls_back_with_a_warning() {
    let run = tempfile::tempdir().unwrap();
    save(run.path(), 1, &example(1)).unwrap();
    let path = save(run.path(), 2, &example(2)).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        for damaged in [&whole[..at], &changed] {
            fs::write(&path, damaged).unwrap();
            let loaded = load_latest(run.path()).unwrap().unwrap();
            assert_eq!(loaded.index, 1, "byte {at}");
            let warning = loaded.warning.unwrap();
            assert!(warning.contains("step-2.ckpt") && warning.contains("step-1.ckpt"));
        }
    }
}

#[test]
fn nothing_readable_is_an_error_about_the_newest() {
    let run = tempfile::tempdir().unwrap();
    for step in [1, 2] {
        let path = save(run.path(), step, &example(step)).unwrap();
        fs::write(path, "WBCHK").unwrap();
    }
    let message = load_latest(run.path()).unwrap_err().to_string();
    assert!(
        message.contains("step-2.ckpt`: it is cut short; valid is"),
        "{message}"
    );
}
