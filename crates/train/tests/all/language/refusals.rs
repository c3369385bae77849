//! What is refused, in one sentence.

use std::fs;

use super::{TINY, corpus, fit};
use crate::fit_commands::{printed, refused};

#[test]
fn text_that_cannot_be_learned_from_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 20);
    let file = |name: &str| path.join("corpus").join(name);
    let good = fs::read(file("train.txt")).unwrap();
    let refuse = |expected: &[&str]| refused(path, &fit(&["--out", "no"]), expected);

    fs::write(file("train.txt"), " \n").unwrap();
    refuse(&["corpus", "found no word for training"]);
    fs::write(file("train.txt"), b"the cat\ncaf\xe9\n").unwrap();
    refuse(&["train.txt", "line 2", "not UTF-8"]);
    fs::write(file("train.txt"), &good).unwrap();
    fs::remove_file(file("valid.txt")).unwrap();
    refuse(&["corpus", "found no `valid`"]);
    fs::write(file("valid.txt"), "word\n").unwrap();
    refuse(&["`data.evaluation.validation` is 10", "valid: 1 to 1"]);
    assert!(!path.join("no").exists());
}

#[test]
fn fields_that_do_not_fit_text_or_network_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 20);
    for (options, expected) in [
        (
            &["--bptt", "500"][..],
            "`data.sequences.length` is 500; valid: 1 to 39",
        ),
        (
            &["--batch-size", "100"],
            "`fit.batch_size` is 100; valid: 1 to 53",
        ),
        (&["--hidden", "0"], "`network.hidden` is 0"),
        (
            &["--set", "network.lstm_hidden=9"],
            "`network.lstm_hidden` is 9",
        ),
        (
            &["--set", "network.dropout.output=1.0"],
            "`network.dropout.output` is 1",
        ),
        (
            &["--set", "network.regularisation.temporal=-1.0"],
            "`network.regularisation.temporal` is -1",
        ),
        (
            &["--set", "fit.average_decay=0.9"],
            "`fit.average_after` is 5; valid: 0",
        ),
        (&["--set", "fit.parts=5"], "`fit.parts` is 5; valid: 1 to 4"),
        (&["--set", "network.cell=gru"], "gru"),
        (&["--channels", "3"], "--channels"),
        (
            &["--precision", "bf16"],
            "`fit.precision` is bf16; valid: f32",
        ),
    ] {
        // Without the options of the small network that are given once more.
        let small = TINY.chunks(2).flat_map(|pair| pair.iter().copied());
        let mut arguments = vec!["fit", "darts-rnn-v2", "--out", "no"];
        let small: Vec<&str> = small.skip(1).collect();
        for pair in small.chunks(2).filter(|pair| pair[0] != options[0]) {
            arguments.extend(pair);
        }
        arguments.extend(options);
        refused(path, &arguments, &[expected]);
    }
    assert!(!path.join("no").exists());
}

#[test]
fn other_words_than_the_networks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    corpus(path, 20);
    printed(path, &fit(&["--out", "run", "--quiet"]));
    printed(path, &["export", "run", "--out", "exported"]);
    let other = path.join("other");
    fs::create_dir(&other).unwrap();
    for name in ["train", "valid", "test"] {
        let text = "A quite different text .\n\n".repeat(20);
        fs::write(other.join(format!("{name}.txt")), text).unwrap();
    }
    let differs = ["a vocabulary of 7 words", "a vocabulary of 14 words"];
    let on_other = |command| [command, "run", "--data-root", "other"];
    refused(
        path,
        &[
            &on_other("resume")[..],
            &["--epochs", "2", "--learning-rate", "1"],
        ]
        .concat(),
        &differs,
    );
    refused(path, &on_other("sample"), &differs);
    let penn = path.join("penn");
    fs::create_dir(&penn).unwrap();
    for part in ["train", "valid", "test"] {
        fs::write(penn.join(format!("ptb.{part}.txt")), " a b c \n").unwrap();
    }
    let asked = ["eval", "exported", "--data", "ptb", "--data-root", "penn"];
    refused(
        path,
        &asked,
        &["data set `ptb` has a vocabulary of 4 words"],
    );

    fs::write(path.join("empty.txt"), "\n").unwrap();
    refused(
        path,
        &["predict", "exported", "empty.txt"],
        &["empty.txt", "no word"],
    );
    refused(
        path,
        &["predict", "exported", "run"],
        &["run", "no file of text"],
    );
    refused(
        path,
        &["sample", "exported", "--temperature", "-1"],
        &["`--temperature` is -1; valid: 0 or more"],
    );
    refused(path, &["sample", "nowhere"], &["nowhere"]);
    refused(path, &["eval", "run", "--per-class"], &["--per-class"]);
}

#[test]
fn options_of_another_task_are_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    refused(
        path,
        &["count", "darts-rnn-v2", "--channels", "3"],
        &[
            "`--channels` is an option for the task `image`",
            "of the task `language`",
            "--hidden",
        ],
    );
    refused(
        path,
        &["count", "darts-v2", "--hidden=3"],
        &[
            "`--hidden` is an option for the task `language`",
            "--channels",
        ],
    );
    refused(
        path,
        &["count", "darts-rnn-v2", "--task", "image"],
        &["unknown genotype `darts-rnn-v2`"],
    );
    refused(
        path,
        &["count", "darts-v2", "--task", "sound"],
        &["`sound`", "image, language, scene"],
    );
    refused(
        path,
        &["count", "darts-rnn-v3"],
        &["did you mean `darts-rnn-v"],
    );
    refused(path, &["count", "cell: tanh@7"], &["node 0"]);
}
