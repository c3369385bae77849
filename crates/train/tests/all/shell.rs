//! What a shell knows of the commands, those of single tasks among them.

use train::cli::Cli;
use workbench::cli::examples_of;

use crate::fit_commands::{fit, printed};

#[test]
fn completions_and_man_pages_have_the_commands_of_all_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let script = printed(path, &["completions", "bash"]);
    printed(path, &["man", "--out", "man1"]);
    for command in ["fit", "export", "count", "sample", "scenes"] {
        assert!(script.contains(&format!("train,{command})")), "{command}");
        assert!(
            path.join(format!("man1/train-{command}.1")).is_file(),
            "{command}"
        );
    }
    let export = std::fs::read_to_string(path.join("man1/train-export.1")).unwrap();
    assert!(export.contains("Examples:"));
}

#[test]
fn every_example_of_the_help_is_a_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for command in [
        "",
        "fit",
        "resume",
        "eval",
        "export",
        "predict",
        "config",
        "tensorboard",
        "completions",
        "man",
    ] {
        let asked: Vec<&str> = [command, "--help"]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let help = printed(folder.path(), &asked);
        let (_, below) = help.split_once("Examples:").unwrap();
        for line in examples_of("train", below) {
            if let Err(error) = Cli::commands().try_get_matches_from(&line) {
                panic!("{line:?}: {error}");
            }
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn curves_of_a_training_are_an_event_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(path, &fit(&["--run", "run", "--quiet"]));
    let said = printed(path, &["tensorboard", "run", "--out", "logs"]);
    assert_eq!(
        said,
        "wrote logs/run/events.out.tfevents.metrics; curves: 7, epochs: 1\nto look at them: tensorboard --logdir \
         logs\n"
    );
}
