//! What a shell knows of the commands, those of single tasks among them.

use std::path::Path;

use train::cli::Cli;
use workbench::cli::examples_of;
use workbench::documents::{commands, documents, line_of};

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
        "report",
        "compare",
        "config",
        "tensorboard",
        "completions",
        "man",
        "sample",
        "scenes",
        "count",
        "count --task=language",
        "count --task=scene",
        "import",
        "import --task=language",
        "import --task=scene",
    ] {
        let asked: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = printed(folder.path(), &asked);
        let (_, below) = help.split_once("Examples:").unwrap();
        for line in examples_of("train", below) {
            if let Err(error) = parsed(&line) {
                panic!("{line:?}: {error}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

fn parsed(line: &[String]) -> Result<(), String> {
    let commands = Cli::commands_for(&line[1..]).map_err(|error| error.to_string())?;
    let matches = commands.try_get_matches_from(line);
    matches.map(drop).map_err(|error| error.to_string())
}

#[test]
fn every_training_of_the_documents_is_a_command_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut count = 0;
    for document in documents(&root).unwrap() {
        let text = std::fs::read_to_string(&document).unwrap();
        for command in commands(&text) {
            let Some(line) = line_of("train", &command) else {
                continue;
            };
            if let Err(error) = parsed(&line) {
                panic!("{}: {command}: {error}", document.display());
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
