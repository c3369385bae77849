//! What the binary refuses, and how it says so.

use std::path::Path;

use crate::command_line::{names, refused};

#[test]
fn bad_input_gets_one_sentence_exit_code_2_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("typo.toml"), "[weights]\nmomentun = 0.9\n").unwrap();
    std::fs::write(
        path.join("bad.txt"),
        "normal: sep_conv_3x2@0\nreduce: skip_connect@0\n",
    )
    .unwrap();
    std::fs::create_dir(path.join("cut")).unwrap();
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/digits.csv.gz");
    let bytes = std::fs::read(whole).unwrap();
    std::fs::write(path.join("cut/digits.csv.gz"), &bytes[..bytes.len() / 2]).unwrap();

    std::fs::create_dir(path.join("fit")).unwrap();
    std::fs::write(path.join("fit/config.toml"), "genotype = 'x'\n[fit]\n").unwrap();
    let before = names(path);
    let cases: [(&[&str], &[&str]); 28] = [
        (&["--seeds", "4..0"], &["seeds", "4..0", "0..4"]),
        (&["best", "cut"], &["cut", "no finished search"]),
        (&["best", "cut", "--epochs", "0"], &["epochs", "1 or more"]),
        (&["--method", "dart"], &["dart", "did you mean `darts`"]),
        (
            &["--method", "gdas", "--set", "architecture.draws=4"],
            &["architecture.draws", "4", "1 with", "gdas"],
        ),
        (&["--config", "absent.toml"], &["absent.toml"]),
        (
            &["--config", "typo.toml"],
            &["typo.toml", "momentun", "did you mean `momentum`"],
        ),
        (
            &["--set", "architecture.draws=0"],
            &["architecture.draws", "0", "1 or more"],
        ),
        (
            &[
                "--set",
                "search.temperature={shape=\"constant\",value=-1.0}",
            ],
            &["search.temperature", "-1", "positive"],
        ),
        (&["--set", "data.root=cut"], &["digits.csv.gz", "found"]),
        (&["--data", "digit"], &["digit", "digits"]),
        (
            &["draw", "bad.txt", "out.svg"],
            &["bad.txt", "sep_conv_3x2", "did you mean `sep_conv_3x3`"],
        ),
        (&["--backend", "rocket"], &["rocket", "flex"]),
        (
            &["--backend", "flex", "--precision", "bf16"],
            &["search.precision", "bf16", "valid: f32 on backend `flex`"],
        ),
        (&["resume", "absent"], &["absent", "does not exist"]),
        (&["--seeds", "1,1"], &["`seeds` is 1,1", "each seed once"]),
        (&["--set", "name="], &["`name` is \"\"", "a word"]),
        (
            &["--epochs", "many"],
            &["`search.epochs` is \"many\"; valid: a whole number of 0 or more"],
        ),
        (
            &["--seed", "-1"],
            &["`seed` is -1; valid: a whole number of 0 or more"],
        ),
        (
            &["--batch-size", "0.5"],
            &["`search.batch_size` is 0.5; valid: a whole number"],
        ),
        (
            &["--set", "search.temperature=3"],
            &["`search.temperature` is 3; valid: a schedule such as { shape ="],
        ),
        (
            &["--data", "folder", "--set", "data.folder.size=0"],
            &["`data.folder.size` is 0"],
        ),
        (
            &["--channels", "wide"],
            &["`network.channels` is \"wide\"; valid: a whole number"],
        ),
        (&["--set", "extension.after=1"], &["[extension]", "`of`"]),
        (
            &["resume", "fit"],
            &[
                "`fit` is of a training, not of a search",
                "train resume fit",
            ],
        ),
        (&["show", "fit"], &["search draw fit"]),
        (&["draw", "cut", "x.svg"], &["`cut` holds no cells"]),
        (
            &["--set", "search.batch_size=5000"],
            &["search.batch_size", "5000", "2 to"],
        ),
    ];
    for (arguments, expected) in cases {
        let message = refused(path, arguments);
        for part in expected {
            assert!(
                message.contains(part),
                "{arguments:?} should name `{part}`: {message}"
            );
        }
    }
    if !cfg!(feature = "cuda") {
        let message = refused(path, &["--backend", "cuda"]);
        assert!(message.contains("not compiled in") && message.contains("--features cuda"));
    }
    assert_eq!(names(path), before, "a refusal writes nothing");
}
