//! A search that is killed and resumed ends as one that was not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use workbench::record::{SearchEpoch, SearchTiming};

/// Of the searches that are killed.
const EPOCHS: usize = 4;

/// The program, for which Ctrl-C is not ignored where it is for the tests, as in a script's background.
fn interruptible(program: &str) -> Command {
    let mut with_default = Command::new("env");
    with_default.arg("--default-signal=INT");
    let known = Command::new("env")
        .args(["--default-signal=INT", "true"])
        .output();
    if known.is_ok_and(|output| output.status.success()) {
        with_default.arg(program);
        return with_default;
    }
    Command::new(program)
}

fn command(arguments: &[&str], run: &Path) -> Command {
    let mut command = interruptible(env!("CARGO_BIN_EXE_search"));
    command
        .args(arguments)
        .arg(run)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn start(run: &Path, method: &str) -> Child {
    begun(run, method, Stdio::null())
}

fn begun(run: &Path, method: &str, stderr: Stdio) -> Child {
    let arguments = arguments(method);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    command(&arguments, run).stderr(stderr).spawn().unwrap()
}

/// Of a search into the folder that follows.
fn arguments(method: &str) -> Vec<String> {
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
    let set = set.iter().flat_map(|field| ["--set", field]);
    let arguments = ["run"].into_iter().chain(set).chain(["--out"]);
    arguments.map(String::from).collect()
}

pub(crate) fn records(run: &Path) -> Vec<SearchEpoch> {
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

/// Kills a search in the midst of the epoch after the second.
pub(crate) fn kill_in_the_third_epoch(mut child: Child, run: &Path) {
    wait_for_epochs(run, &mut child, 2);
    // While epoch 2 is drawn or saved or soon after, and well before the end of the last one.
    std::thread::sleep(Duration::from_millis(60));
    child.kill().unwrap();
    child.wait().unwrap();
    let done = lines(run);
    assert!((2..EPOCHS).contains(&done), "killed after epoch {done}");
    assert!(!run.join("result.json").exists());
}

/// Waits until so many epochs are logged.
fn wait_for_epochs(run: &Path, child: &mut Child, epochs: usize) {
    let begun = Instant::now();
    while lines(run) < epochs {
        assert!(begun.elapsed() < Duration::from_secs(300), "no epoch");
        assert!(child.try_wait().unwrap().is_none(), "ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
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

    kill_in_the_third_epoch(start(&broken, method), &broken);
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

/// As a terminal does when Ctrl-C is pressed.
#[cfg(unix)]
fn interrupt(child: &Child) {
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_search_after_its_epoch_and_says_how_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let mut reference = begun(&whole, "egs", Stdio::null());
    let mut child = begun(&broken, "egs", Stdio::piped());
    wait_for_epochs(&broken, &mut child, 1);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{message}");
    let done = lines(&broken);
    assert!((1..EPOCHS).contains(&done), "ended after epoch {done}");
    let last = message.lines().last().unwrap();
    assert!(
        last.starts_with(&format!(
            "ended by Ctrl-C after epoch {done}, which is saved; "
        )) && last.ends_with(&format!("resume {}", broken.display())),
        "{message}"
    );
    assert!(!message.contains("error: "), "{message}");
    assert!(command(&["resume"], &broken).status().unwrap().success());
    assert!(reference.wait().unwrap().success());
    assert_eq!(records(&whole), records(&broken));
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_it_at_once_and_nothing_saved_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = begun(&run, "egs", Stdio::piped());
    wait_for_epochs(&run, &mut child, 1);
    interrupt(&child);
    // Signals that come before the first was heard count as one.
    std::thread::sleep(Duration::from_millis(20));
    if child.try_wait().unwrap().is_none() {
        interrupt(&child);
    }
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(
        message
            .trim_end()
            .ends_with(&format!("resume {}", run.display())),
        "{message}"
    );
    assert!(command(&["resume"], &run).status().unwrap().success());
    assert_eq!(records(&run).len(), EPOCHS);
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

/// A search on a terminal of its own, of 80 columns and 24 rows.
#[cfg(unix)]
struct OnTerminal {
    child: Child,
    terminal: std::sync::Arc<pty_process::blocking::Pty>,
    /// Reads what it shows until it ends.
    shown: std::thread::JoinHandle<String>,
}

#[cfg(unix)]
fn on_terminal(run: &Path, options: &[&str]) -> OnTerminal {
    use std::io::Read;

    let (terminal, inside) = pty_process::blocking::open().unwrap();
    terminal.resize(pty_process::Size::new(24, 80)).unwrap();
    let child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_search"))
        .args(arguments("egs"))
        .arg(run)
        .args(options)
        .env("TERM", "xterm")
        .spawn(inside)
        .unwrap();
    let terminal = std::sync::Arc::new(terminal);
    let screen = terminal.clone();
    let shown = std::thread::spawn(move || {
        let (mut shown, mut part) = (Vec::new(), [0; 4096]);
        // Nothing is left on a terminal whose last process is gone, which Linux calls an error.
        while let Ok(length @ 1..) = (&*screen).read(&mut part) {
            shown.extend_from_slice(&part[..length]);
        }
        String::from_utf8_lossy(&shown).into_owned()
    });
    OnTerminal {
        child,
        terminal,
        shown,
    }
}

#[cfg(unix)]
#[test]
fn q_ends_the_view_of_a_search_as_ctrl_c_does_and_leaves_the_terminal_in_order() {
    use std::io::Write;

    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let OnTerminal {
        mut child,
        terminal,
        shown,
    } = on_terminal(&broken, &[]);
    wait_for_epochs(&broken, &mut child, 1);
    (&*terminal).write_all(b"q").unwrap();
    let status = child.wait().unwrap();
    let shown = shown.join().unwrap();
    assert_eq!(status.code(), Some(130), "{shown}");
    let (entered, after) = shown.split_once("\x1b[?1049h").unwrap();
    let (view, left) = after.split_once("\x1b[?1049l").unwrap();
    assert!(
        entered.contains("into ") && !entered.contains("1/4"),
        "{entered}"
    );
    // What is drawn anew moves between words, so words are looked for.
    assert!(view.contains("1/4") && view.contains("q q"), "{view}");
    let done = lines(&broken);
    let end = format!("ended by Ctrl-C after epoch {done}, which is saved; ");
    for part in ["supernet", "seconds", &end] {
        assert!(left.contains(part), "no `{part}` in {left}");
    }
    assert!(left.contains("\x1b[?25h"), "the cursor is shown again");
    assert!(start(&whole, "egs").wait().unwrap().success());
    assert!(command(&["resume"], &broken).status().unwrap().success());
    assert_eq!(records(&whole), records(&broken));

    // Lines have no escape codes, on a terminal either.
    let plain = folder.path().join("plain");
    let mut lines = on_terminal(&plain, &["--plain"]);
    assert!(lines.child.wait().unwrap().success());
    let shown = lines.shown.join().unwrap();
    assert!(
        shown.contains(", 0 s left") && !shown.contains('\x1b'),
        "{shown}"
    );
    assert_eq!(records(&whole), records(&plain));
}
