//! The memory that a training tells before it begins, beside what it comes to need.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use image::{Rgb, RgbImage};

/// Twelve pictures to learn from and two to test on.
fn pictures(root: &Path, side: u32) {
    for (part, count) in [("train", 6), ("val", 1)] {
        for (class, red) in [("ant", 40), ("bee", 200)] {
            let folder = root.join(part).join(class);
            fs::create_dir_all(&folder).unwrap();
            for index in 0..count {
                let pixel = |x, y| Rgb([red, (x * y) as u8, index]);
                let picture = RgbImage::from_fn(side, side, pixel);
                picture.save(folder.join(format!("{index}.png"))).unwrap();
            }
        }
    }
}

/// Peak resident memory of a process in MiB.
fn peak_mib(status: &Path) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// The number of MiB in `memory    about 1.2 GiB ...`.
fn told_mib(text: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("memory    about "));
    let mut words = line.unwrap_or_else(|| panic!("{text}")).split(' ');
    let number: f64 = words.next().unwrap().parse().unwrap();
    match words.next() {
        Some("GiB") => 1024.0 * number,
        _ => number,
    }
}

/// Trains two epochs of one step each: what was told, and the peak.
fn fit(side: u32, arguments: &[&str], set: &[&str]) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    pictures(&path.join("images"), side);
    let size = format!("data.folder.size={side}");
    let shorter_side = format!("data.folder.shorter_side={side}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
    command.args(["fit", "--data", "folder", "--data-root", "images"]);
    command.args(["--epochs", "2", "--batch-size", "12", "--run", "run"]);
    command.args(arguments);
    for set in [&size as &str, &shorter_side].iter().chain(set) {
        command.args(["--set", set]);
    }
    told_and_peak(&mut command, path)
}

/// Runs a training in a folder: what was told, and the peak.
pub(super) fn told_and_peak(command: &mut Command, path: &Path) -> (f64, f64) {
    let log = path.join("log");
    let command = command.current_dir(path).stdout(Stdio::null());
    let mut child = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let end = loop {
        peak = peak_mib(Path::new(&status)).unwrap_or(peak);
        if let Some(end) = child.try_wait().unwrap() {
            break end;
        }
        sleep(Duration::from_millis(5));
    };
    let text = fs::read_to_string(&log).unwrap();
    assert!(end.success(), "{text}");
    (told_mib(&text), peak)
}

#[test]
fn what_is_told_is_within_three_tenths_of_the_peak() {
    let size = |channels, cells| ["--channels", channels, "--cells", cells];
    for (side, arguments, set) in [
        (64, [&["darts-v2"], &size("16", "5")[..]].concat(), &[][..]),
        (
            64,
            [&["data-m4"], &size("16", "5")[..]].concat(),
            &["fit.parts=3"],
        ),
        (
            48,
            [&["snas"], &size("32", "6")[..]].concat(),
            &[
                "fit.auxiliary_weight=0.4",
                "fit.drop_path=0.2",
                "fit.average_decay=0.9",
            ],
        ),
        (
            160,
            [&["darts-v2"], &size("32", "8")[..]].concat(),
            &["network.form=imagenet"],
        ),
    ] {
        let (told, peak) = fit(side, &arguments, set);
        eprintln!("{arguments:?} {set:?}: {told:.0} MiB told, {peak:.0} MiB at the peak");
        let near = (0.7..1.3).contains(&(told / peak));
        assert!(near, "{arguments:?} {set:?}: {told} of {peak} MiB");
    }
}

#[test]
fn a_training_that_cannot_fit_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_train"))
        .args(["fit", "darts-v2", "--channels", "860", "--cells", "100"])
        .args(["--batch-size", "1400", "--run", "run"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    for part in [
        "a step would need about",
        "are available",
        "--no-memory-check",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!folder.path().join("run").exists());
}
