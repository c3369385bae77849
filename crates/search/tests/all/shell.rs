//! What a shell knows of the commands: completions, man pages, help, colours and exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Parser;
use search::cli::Cli;
use workbench::cli::examples_of;
use workbench::documents::{commands, documents, line_of};

fn search(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_search"))
        .args(arguments)
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = search(arguments, &[]);
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_has_completions_of_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for word in ["resume", "tensorboard", "no-memory-check", "print-default"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let refused = search(&["completions", "csh"], &[]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("possible values: bash"), "{message}");
}

#[cfg(unix)]
#[test]
fn bash_completes_a_command_and_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("search.bash");
    std::fs::write(&script, printed(&["completions", "bash"])).unwrap();
    let complete = "source \"$0\" && COMP_WORDS=(search tens) COMP_CWORD=1 && _search search tens search \
                    && echo \"${COMPREPLY[@]}\" && COMP_WORDS=(search resume --learn) COMP_CWORD=2 \
                    && _search search --learn resume && echo \"${COMPREPLY[@]}\"";
    let Ok(output) = Command::new("bash")
        .args(["-c", complete])
        .arg(&script)
        .output()
    else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "tensorboard\n--learning-rate\n", "{output:?}");
}

#[test]
fn man_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    let said = printed(&["man", "--out", &out.display().to_string()]);
    let pages = std::fs::read_dir(&out).unwrap().count();
    assert!(
        said.starts_with(&format!("wrote {pages} pages; ")),
        "{said}"
    );
    let page = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    assert!(page("search.1").contains("Exit codes:"));
    assert!(page("search-tensorboard.1").contains("Examples:"));
}

#[test]
fn help_teaches_by_example_and_says_what_exit_codes_mean() {
    let help = printed(&["--help"]);
    let below = help.split_once("Examples:").unwrap().1;
    assert!(below.contains("search --data-root photos"), "{below}");
    for code in ["  0 ", "  2 ", "  70 ", "  130 "] {
        assert!(below.contains(code), "{below}");
    }
    assert!(!printed(&["-h"]).contains("Examples:"));
    assert!(printed(&["resume", "--help"]).contains("Examples:"));
}

#[test]
fn every_example_of_the_help_is_a_command_line() {
    let mut count = 0;
    for command in [
        "",
        "run",
        "resume",
        "show",
        "report",
        "compare",
        "best",
        "score",
        "draw",
        "config",
        "tensorboard",
        "completions",
        "man",
    ] {
        let asked: Vec<&str> = [command, "--help"]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let help = printed(&asked);
        let (_, below) = help.split_once("Examples:").unwrap();
        for line in examples_of("search", below) {
            if let Err(error) = Cli::try_parse_from(&line) {
                panic!("{line:?}: {error}");
            }
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_search_of_the_documents_is_a_command_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut count = 0;
    for document in documents(&root).unwrap() {
        let text = std::fs::read_to_string(&document).unwrap();
        for command in commands(&text) {
            let Some(line) = line_of("search", &command) else {
                continue;
            };
            if let Err(error) = Cli::try_parse_from(&line) {
                panic!("{}: {command}: {error}", document.display());
            }
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn no_color_is_kept_to_and_what_is_piped_has_no_colours() {
    let escapes = |output: Output| {
        let bytes = [output.stdout, output.stderr].concat();
        bytes.contains(&0x1b)
    };
    let forced = ("CLICOLOR_FORCE", "1");
    assert!(escapes(search(&["--help"], &[forced])));
    assert!(!escapes(search(&["--help"], &[forced, ("NO_COLOR", "1")])));
    assert!(!escapes(search(&["--help"], &[])));
    // A wrong word is shown in colours too.
    assert!(escapes(search(&["--sed", "1"], &[forced])));
    assert!(!escapes(search(
        &["--sed", "1"],
        &[forced, ("NO_COLOR", "1")]
    )));
    // Tables and progress have none to begin with.
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").display().to_string();
    let tiny = [
        "--epochs",
        "1",
        "--cells",
        "1",
        "--channels",
        "2",
        "--batch-size",
        "128",
        "--set",
        "space.nodes=2",
        "--set",
        "search.warmup_epochs=0",
        "--out",
        &run,
    ];
    let output = search(&tiny, &[forced]);
    assert!(output.status.success(), "{output:?}");
    assert!(!escapes(output));

    let written = printed(&["tensorboard", &run]);
    assert!(
        written.contains("events.out.tfevents.metrics; curves: ")
            && written.contains(", epochs: 1\n"),
        "{written}"
    );
    assert!(written.contains("tensorboard --logdir "), "{written}");
}

#[test]
fn output_that_nobody_reads_to_its_end_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_search"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
