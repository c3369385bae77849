//! The memory that a search tells before it begins, beside what it comes to need.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use image::{Rgb, RgbImage};

/// Twelve pictures for weights and twelve for logits, and four to test on.
fn pictures(root: &Path, side: u32) {
    for (part, count) in [("train", 12), ("val", 2)] {
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

/// Searches two epochs of one step each: what was told, and the peak.
fn search(set: &[&str]) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    pictures(&path.join("images"), 48);
    let common = [
        "data.root=images",
        "data.folder.size=48",
        "data.folder.shorter_side=48",
        "search.warmup_epochs=0",
        "search.batch_size=12",
    ];
    let set: Vec<&str> = common.iter().chain(set).copied().collect();
    told_and_peak(path, &["--data", "folder"], &set)
}

/// Searches two epochs in a folder: what was told, and the peak.
fn told_and_peak(path: &Path, options: &[&str], set: &[&str]) -> (f64, f64) {
    let log = path.join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_search"));
    command
        .args(["--epochs", "2", "--out", "run"])
        .args(options);
    for set in set {
        command.args(["--set", set]);
    }
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
    for set in [
        &["network.channels=8", "network.cells=3"][..],
        &["network.channels=16", "network.cells=5"],
        &[
            "network.channels=8",
            "network.cells=4",
            "search.execution=dense",
        ],
        &[
            "network.channels=16",
            "network.cells=6",
            "search.checkpoint_cells=true",
        ],
        &[
            "network.channels=8",
            "network.cells=5",
            "search.method=darts",
        ],
        &[
            "network.channels=8",
            "network.cells=5",
            "search.method=gdas",
        ],
        &[
            "network.channels=8",
            "network.cells=4",
            "architecture.sampling=per-node",
        ],
    ] {
        let (told, peak) = search(set);
        eprintln!("{set:?}: {told:.0} MiB told, {peak:.0} MiB at the peak");
        assert!(
            (0.7..1.3).contains(&(told / peak)),
            "{set:?}: {told} of {peak} MiB"
        );
    }
}

#[test]
fn of_text_it_is_too() {
    // Words that are all different, so that there are many.
    let words = |count: usize| -> String { (0..count).map(|at| format!("w{at} ")).collect() };
    for set in [
        &["network.hidden=64", "search.batch_size=32"][..],
        &["network.hidden=256", "data.text.vocabulary=500"],
        &["network.hidden=128", "search.execution=dense"],
        &["network.hidden=128", "search.method=darts"],
        &["network.hidden=128", "architecture.sampling=per-edge"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("text")).unwrap();
        for (name, count) in [("train", 2_200), ("valid", 1_600), ("test", 100)] {
            fs::write(folder.path().join(format!("text/{name}.txt")), words(count)).unwrap();
        }
        let common = [
            "data.root=text",
            "data.sequences={ length = 30, vary = \"never\" }",
            "data.evaluation={ validation = 8, test = 8 }",
            "search.batch_size=48",
            "search.warmup_epochs=0",
        ];
        let set: Vec<&str> = common.iter().chain(set).copied().collect();
        let (told, peak) = told_and_peak(folder.path(), &["--task", "language"], &set);
        eprintln!("{set:?}: {told:.0} MiB told, {peak:.0} MiB at the peak");
        assert!(
            (0.7..1.3).contains(&(told / peak)),
            "{set:?}: {told} of {peak} MiB"
        );
    }
}

#[test]
fn of_scenes_it_is_too() {
    for set in [
        &[][..],
        &["search.execution=dense"],
        &[
            "network.pyramid.channels=128",
            "network.stem_stride=4",
            "network.output_stride=8",
        ],
        &["network.output_stride=2", "search.batch_size=8"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let common = [
            "data.scenes={ train = 32, test = 4, size = 64 }",
            "data.weights_fraction=0.5",
            "search.warmup_epochs=0",
        ];
        let set: Vec<&str> = common.iter().chain(set).copied().collect();
        let (told, peak) = told_and_peak(folder.path(), &["--task", "scene"], &set);
        eprintln!("{set:?}: {told:.0} MiB told, {peak:.0} MiB at the peak");
        assert!(
            (0.7..1.3).contains(&(told / peak)),
            "{set:?}: {told} of {peak} MiB"
        );
    }
}

#[test]
fn a_search_that_cannot_fit_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_search"))
        .args([
            "--set",
            "network.channels=1024",
            "--set",
            "network.cells=100",
        ])
        .args(["--set", "search.batch_size=700", "--out", "run"])
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
