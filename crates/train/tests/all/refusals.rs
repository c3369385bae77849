//! What the commands refuse, and what stops them.

use std::process::Command;

use crate::fit_commands::{fit, refused, train};

#[test]
fn bad_input_gets_one_sentence_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("typo.toml"), "[fit]\nepoch = 3\n").unwrap();
    std::fs::write(
        path.join("bad.txt"),
        "normal: sep_conv_3x2@0\nreduce: skip_connect@0\n",
    )
    .unwrap();
    std::fs::write(path.join("weights.bin"), "x").unwrap();
    let before = std::fs::read_dir(path).unwrap().count();
    let cases: [(&[&str], &[&str]); 24] = [
        (
            &["fit", "--result", "no/such/result.json"],
            &["--result", "no/such", "exist"],
        ),
        (
            &["fit", "--channels", "99999999999"],
            &["network.channels", "99999999999", "2 to 1024"],
        ),
        (
            &["count", "darts-v2", "--image", "9999999999x9999999999"],
            &["image size", "9999999999", "4096"],
        ),
        (
            &["count", "darts-v2", "--classes", "18446744073709551615"],
            &["network.classes", "65535"],
        ),
        (
            &["fit", "--set", "data.validation=0.0001"],
            &["data.validation", "0.0001", "1437"],
        ),
        (&["fit", "darts-v3"], &["darts-v3", "did you mean `darts-v"]),
        (&["fit", "absent.json"], &["absent.json"]),
        (
            &["fit", "bad.txt"],
            &["bad.txt", "sep_conv_3x2", "did you mean `sep_conv_3x3`"],
        ),
        (
            &["fit", "--config", "typo.toml"],
            &["typo.toml", "did you mean `epochs`"],
        ),
        (&["fit", "--data", "digit"], &["digit", "digits"]),
        (
            &["fit", "--batch-size", "5000"],
            &["fit.batch_size", "5000", "1437"],
        ),
        (
            &["fit", "--precision", "bf16", "--backend", "flex"],
            &["fit.precision", "bf16", "flex"],
        ),
        (
            &["fit", "--set", "network.form=imagenet"],
            &["8x8", "64x64"],
        ),
        (&["fit", "--seeds", "2,0..3"], &["seeds", "each seed once"]),
        (&["fit", "--set", "name= "], &["`name` is", "a word"]),
        (
            &["fit", "--epochs", "1.5"],
            &["`fit.epochs` is 1.5; valid: a whole number of 0 or more"],
        ),
        (
            &["fit", "--set", "weights.learning_rate=fast"],
            &["`weights.learning_rate` is \"fast\"; valid: a schedule such as"],
        ),
        (
            &["fit", "--learning-rate", "fast"],
            &["`weights.learning_rate.from` is \"fast\"; valid: a number"],
        ),
        (
            &[
                "fit",
                "--data",
                "folder",
                "--set",
                "data.folder.shorter_side=3",
            ],
            &["`data.folder.shorter_side` is 3", "48"],
        ),
        (&["config"], &["--print-default", "--check FILE"]),
        (&["resume", "absent"], &["absent", "does not exist"]),
        (&["eval", "absent"], &["absent", "does not exist"]),
        (
            &["count", "darts-v2", "--classes", "1"],
            &["network.classes", "1", "2 to 65535"],
        ),
        (
            &[
                "import",
                "weights.bin",
                "snas",
                "--channels",
                "4",
                "--cells",
                "4",
                "--classes",
                "5",
                "--mean",
                "0,0,0",
                "--std",
                "1,1,1",
                "--out",
                "x",
            ],
            &["weights.bin", ".safetensors"],
        ),
    ];
    for (arguments, expected) in cases {
        refused(path, arguments, expected);
    }
    assert_eq!(
        std::fs::read_dir(path).unwrap().count(),
        before,
        "a refusal writes nothing"
    );
}

/// A file system of this many bytes, for the superuser of Linux.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_a_training_with_one_sentence_and_what_was_saved_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    // Enough for the configuration and the log, not for a checkpoint.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user cannot mount a small file system");
        return;
    }
    let output = train(folder.path(), &fit(&["--run", "small/run", "--quiet"]));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    let names: Vec<String> = std::fs::read_dir(small.join("run/checkpoints"))
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    let unmounted = Command::new("umount").arg(&small).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    assert!(
        message.contains("step-1.ckpt") && message.contains("No space left"),
        "{message}"
    );
    assert!(names.is_empty(), "no part of a checkpoint stays: {names:?}");
}

/// The superuser may write to a read-only folder, but not on a read-only file system.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_run_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = folder.path().join("fixed");
    std::fs::create_dir(&fixed).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k,ro", "tmpfs"])
        .arg(&fixed)
        .output();
    if mounted.is_ok_and(|output| output.status.success()) {
        let output = train(folder.path(), &fit(&["--run", "fixed/run"]));
        assert!(
            Command::new("umount")
                .arg(&fixed)
                .status()
                .unwrap()
                .success()
        );
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(
            message.contains("fixed/run") && message.contains("Read-only"),
            "{message}"
        );
    } else {
        let mut permissions = std::fs::metadata(&fixed).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&fixed, permissions).unwrap();
        refused(
            folder.path(),
            &fit(&["--run", "fixed/run"]),
            &["fixed/run", "denied"],
        );
    }
}
