//! The memory of a training on text: what is told of it, and that it does not grow with the text.

use std::path::Path;
use std::process::Command;

use super::{corpus, fit};
use crate::memory::told_and_peak;

fn measured(folder: &Path, arguments: &[&str]) -> (f64, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
    told_and_peak(command.args(arguments), folder)
}

#[test]
fn memory_does_not_grow_with_the_number_of_segments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let peak = |sentences: usize, segments: &str| {
        // A sentence is 8 words; four streams in sequences of 10.
        corpus(path, sentences);
        let set = [
            "--set",
            "data.sequences.vary=never",
            "--hidden",
            "48",
            "--out",
            segments,
        ];
        let small: Vec<&str> = fit(&[]);
        let small = small
            .into_iter()
            .filter(|word| !["--hidden", "8"].contains(word));
        let arguments = small.chain(set).collect::<Vec<_>>();
        let (_, peak) = measured(path, &arguments);
        let text = std::fs::read_to_string(path.join("log")).unwrap();
        let steps = format!("steps     {segments} an epoch");
        assert!(text.contains(&steps), "{text}");
        peak
    };
    let (few, many) = (peak(51, "10"), peak(2_501, "500"));
    let more = many / few;
    assert!((0.95..1.05).contains(&more), "{few} MiB, and {many} MiB");
}

#[test]
fn what_is_told_is_within_three_tenths_of_the_peak() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // Many words, so that most of the memory is for logits.
    let words = |count: usize| -> String {
        let word = |at: usize| match at % 9 {
            8 => format!("w{at}\n\n"),
            _ => format!("w{at} "),
        };
        (0..count).map(word).collect()
    };
    std::fs::create_dir(path.join("corpus")).unwrap();
    for (name, count) in [("train", 6_000), ("valid", 400), ("test", 400)] {
        std::fs::write(path.join(format!("corpus/{name}.txt")), words(count)).unwrap();
    }
    for (name, more) in [
        ("derived", &["--hidden", "96", "--batch-size", "32"][..]),
        (
            "parts",
            &[
                "--hidden",
                "96",
                "--batch-size",
                "64",
                "--set",
                "fit.parts=2",
            ],
        ),
        (
            "lstm",
            &[
                "--hidden",
                "192",
                "--batch-size",
                "32",
                "--set",
                "network.cell=lstm",
            ],
        ),
        (
            "small",
            &[
                "--hidden",
                "256",
                "--batch-size",
                "40",
                "--set",
                "data.text.vocabulary=500",
            ],
        ),
    ] {
        let common = ["--data-root", "corpus", "--epochs", "2", "--out", name];
        let arguments = [&["fit", "darts-rnn-v2"], &common[..], more].concat();
        let (told, peak) = measured(path, &arguments);
        eprintln!("{name}: {told:.0} MiB told, {peak:.0} MiB at the peak");
        let near = (0.7..1.3).contains(&(told / peak));
        assert!(near, "{name}: {told} of {peak} MiB");
    }
}
