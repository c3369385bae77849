//! What the binary prints and leaves behind.

use std::path::Path;
use std::process::{Command, Output};

use workbench::run_folder::RunFolder;

pub(super) fn search(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_search"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// One cell of two nodes for one epoch: a second or two.
pub(super) const TINY: [&str; 12] = [
    "--epochs",
    "1",
    "--set",
    "network.cells=1",
    "--set",
    "network.channels=2",
    "--set",
    "space.nodes=2",
    "--set",
    "search.warmup_epochs=0",
    "--set",
    "search.batch_size=128",
];

pub(super) fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = search(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert_eq!(message.trim().lines().count(), 1, "one sentence: {message}");
    message
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn any_genotype_that_train_counts_is_drawn_as_svg_and_as_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let cells = "Genotype(normal=[('conv_1x1', 0), ('conv_1x1', 0), ('skip_connect', 1), ('skip_connect', 0)], normal_concat=[3], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)])";
    std::fs::write(
        path.join("two.py"),
        format!("A = {cells}\nB = {}\n", cells.replace("[3]", "[2, 3]")),
    )
    .unwrap();
    for (index, genotype) in ["darts-v2", "nasnet-a", "two.py#A", "two.py#B"]
        .into_iter()
        .enumerate()
    {
        let out = format!("{index}.svg");
        let output = search(path, &["draw", genotype, &out]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{genotype}: {message}");
        let svg = std::fs::read_to_string(path.join(&out)).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.contains("concat"),
            "{genotype}"
        );
    }
    // The second node alone makes up the output of A: one line less.
    let dashes = |name: &str| {
        let svg = std::fs::read_to_string(path.join(name)).unwrap();
        svg.matches("stroke-dasharray=\"3 3\"").count()
    };
    assert_eq!(dashes("2.svg") + 1, dashes("3.svg"));
    for out in ["x.png", "x", "svg"] {
        let message = refused(path, &["draw", "darts-v2", out]);
        assert!(
            message.contains(&format!("picture `{out}`")) && message.contains("`svg`"),
            "{message}"
        );
        assert!(!path.join(out).exists());
    }
    let message = refused(path, &["draw", "two.py", "x.svg"]);
    assert!(message.contains("holds 2 genotypes"), "{message}");
}

#[test]
fn a_run_leaves_its_folder_and_can_be_shown_drawn_and_not_resumed_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut arguments = vec!["run", "--out", "tiny"];
    arguments.extend(TINY);
    let output = search(path, &arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "supernet",
        "child",
        "gap",
        "skips     ",
        "pools     ",
        "entropy",
        "undecided is 2.08",
        "\nnormal    ",
        "\nreduction ",
        " operations: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for line in [
        "data      digits: 719 images for weights, 718 for logits and validation, 360 for",
        "          test",
        "classes   10",
        "images    1 channel, 8x8 pixels",
        "steps     5 an epoch, 5 in 1 epochs",
        "entropy   2.08 nats where nothing is decided, 0 where all is",
        " epoch   loss  error % error % points  normal  reduce  temp. seconds",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    let end = told.trim_end();
    assert!(
        told.contains("\nfiles     accuracy.svg, cells.svg, "),
        "{told}"
    );
    assert!(end.ends_with("fit tiny"), "{told}");
    let run = RunFolder::open(path.join("tiny")).unwrap();
    assert_eq!(
        names(run.path()),
        [
            "accuracy.svg",
            "cells.svg",
            "checkpoints",
            "child",
            "config.toml",
            "gap.svg",
            "genotype.json",
            "loss.svg",
            "metrics.jsonl",
            "probabilities-normal.svg",
            "probabilities-reduce.svg",
            "report.html",
            "report.json",
            "result.json"
        ]
    );

    let shown = search(path, &["show", "tiny"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), text);
    assert_eq!(names(&run.child()), ["config.json", "model.safetensors"]);
    for cells in ["tiny/genotype.json", "tiny"] {
        let drawn = search(path, &["draw", cells, "again.svg"]);
        assert!(drawn.status.success());
        assert_eq!(
            std::fs::read(path.join("again.svg")).unwrap(),
            std::fs::read(run.cells()).unwrap()
        );
        std::fs::remove_file(path.join("again.svg")).unwrap();
    }

    let log = std::fs::read(run.metrics()).unwrap();
    let config = std::fs::read_to_string(run.config()).unwrap();
    std::fs::write(run.config(), config.replace("epochs = 1", "epochs = 2")).unwrap();
    let message = refused(path, &["resume", "tiny"]);
    assert!(message.contains("another configuration"), "{message}");
    assert_eq!(
        std::fs::read(run.metrics()).unwrap(),
        log,
        "nothing written is lost"
    );
    let message = refused(path, &["run", "--out", "tiny"]);
    assert!(message.contains("exists already"), "{message}");
}

#[test]
fn the_default_configuration_prints_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let printed = search(path, &["config", "--print-default"]);
    std::fs::write(path.join("mine.toml"), &printed.stdout).unwrap();
    let checked = search(path, &["config", "--check", "mine.toml"]);
    assert!(checked.status.success());
    std::fs::write(path.join("mine.toml"), "[search]\nepochs = 0").unwrap();
    let message = refused(path, &["config", "--check", "mine.toml"]);
    assert!(message.contains("search.epochs"), "{message}");
}

#[test]
fn seeds_are_searched_kept_and_the_best_of_them_is_picked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let run = |seeds: &'static str| {
        let mut arguments = vec![
            "run", "--seeds", seeds, "--out", "all", "--method", "random",
        ];
        arguments.extend(TINY);
        arguments
    };
    let told = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let output = search(path, &run("1,2"));
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(
        names(&path.join("all")),
        ["report.html", "seed-1", "seed-2"]
    );
    let log = std::fs::read(path.join("all/seed-2/metrics.jsonl")).unwrap();
    // What a process leaves that is killed at once.
    std::fs::create_dir(path.join("all/seed-3")).unwrap();

    // Again with one more: what is finished is not touched.
    std::fs::remove_file(path.join("all/seed-1/result.json")).unwrap();
    let output = search(path, &run("1..4"));
    assert!(output.status.success(), "{}", told(&output));
    assert!(
        told(&output).contains("seed-2 is finished"),
        "{}",
        told(&output)
    );
    assert_eq!(
        names(&path.join("all")),
        ["report.html", "seed-1", "seed-2", "seed-3"]
    );
    assert!(path.join("all/seed-1/result.json").exists());
    assert_eq!(
        std::fs::read(path.join("all/seed-2/metrics.jsonl")).unwrap(),
        log
    );
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let table = &table[table.rfind("runs      all").unwrap()..];
    let rows: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        rows,
        ["runs", "data", "", "seed", "1", "2", "3", "mean", "s.d."]
    );
    assert!(told(&output).trim_end().ends_with("best all"));
    let shown = search(path, &["show", "all"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), table);
    let mut other = run("2");
    other.extend(["--set", "weights.momentum=0.5"]);
    assert!(refused(path, &other).contains("other settings"));

    let output = search(path, &["best", "all", "--epochs", "1", "--cells", "2"]);
    assert!(output.status.success(), "{}", told(&output));
    let read = |name: &str| std::fs::read_to_string(path.join("all").join(name)).unwrap();
    let best: serde_json::Value = serde_json::from_str(&read("best.json")).unwrap();
    let candidates = best["candidates"].as_array().unwrap();
    let error = |run: &serde_json::Value| run["retrained"]["validation_error"].as_f64().unwrap();
    let least = candidates.iter().map(error).fold(f64::INFINITY, f64::min);
    let picked = candidates
        .iter()
        .find(|run| run["run"] == best["best"])
        .unwrap();
    assert_eq!((candidates.len(), error(picked)), (3, least));
    assert!(
        read("best.json").lines().count() < 60,
        "{}",
        read("best.json")
    );
    let picked_run = format!("fit all/{}", best["best"].as_str().unwrap());
    assert!(told(&output).trim_end().ends_with(&picked_run));
    let shown = search(path, &["show", "all"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let chosen = format!(
        "best      {}, by best.json\n",
        best["best"].as_str().unwrap()
    );
    assert!(shown.ends_with(&chosen), "{shown}");
    assert_eq!(
        read("genotype.json"),
        read(&format!("{}/genotype.json", best["best"].as_str().unwrap()))
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("seed-3") && text.contains("\nbest      seed-"),
        "{text}"
    );
}

#[test]
fn a_warm_up_that_leaves_nothing_to_search_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec!["--out", "run"];
    arguments.extend(TINY);
    arguments.extend(["--set", "search.warmup_epochs=1"]);
    let output = search(folder.path(), &arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && message.contains("the architecture is not trained"),
        "{message}"
    );
}

/// Arguments of a tiny search, and further ones.
fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run"], &TINY[..], more].concat()
}

fn succeeds(folder: &Path, arguments: &[&str]) {
    let output = search(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {message}");
}

/// Data that are no copy of the bundled ones: they are found where they are, or not at all.
fn data_folder(parent: &Path, name: &str) -> std::path::PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/digits.csv.gz");
    std::fs::create_dir_all(parent.join(name)).unwrap();
    std::fs::copy(file, parent.join(name).join("digits.csv.gz")).unwrap();
    parent.join(name)
}

#[test]
fn a_run_finds_its_data_from_anywhere_and_where_they_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path(), folder.path().join("other"));
    std::fs::create_dir(&other).unwrap();
    let data = data_folder(path, "data");
    let start = ["--data-root", "data", "--seeds", "3", "--out", "all"];
    succeeds(path, &tiny(&start));
    let run = path.join("all/seed-3");
    let config = || std::fs::read_to_string(run.join("config.toml")).unwrap();
    let root = |path: &Path| format!("root = \"{}\"", path.display());
    assert!(config().contains(&root(&data)), "{}", config());
    let run = run.to_str().unwrap();
    let unfinished = || std::fs::remove_file(path.join("all/seed-3/result.json")).unwrap();
    unfinished();
    succeeds(&other, &["resume", run]);

    let moved = path.join("moved");
    std::fs::rename(&data, &moved).unwrap();
    let message = refused(path, &["resume", run]);
    assert!(message.contains("digits.csv.gz"), "{message}");
    unfinished();
    succeeds(&other, &["resume", run, "--data-root", "../moved"]);
    assert!(config().contains("moved"), "{}", config());
    succeeds(path, &["resume", run]);
    // The same settings wherever the data lie: finished, begun, and among others.
    let again = ["--data-root", "moved", "--seeds", "3..5", "--out", "all"];
    succeeds(path, &tiny(&again));
    unfinished();
    succeeds(path, &tiny(&["--seeds", "3", "--out", "all"]));
    std::fs::remove_dir_all(moved).unwrap();
    succeeds(
        path,
        &[
            "best",
            "all",
            "--epochs",
            "1",
            "--data-root",
            data_folder(path, "c").to_str().unwrap(),
        ],
    );
}

#[test]
fn a_finished_search_is_extended_and_is_then_the_longer_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let constant = [
        "--set",
        "search.temperature={shape=\"constant\",value=2.0}",
        "--set",
        "weights.learning_rate={shape=\"constant\",value=0.05}",
    ];
    let longer = [&constant[..], &["--epochs", "2", "--out", "longer"]].concat();
    let run = |words: &[&str]| {
        let mut arguments = vec!["run"];
        arguments.extend(&TINY[2..]);
        arguments.extend(words);
        succeeds(path, &arguments);
    };
    run(&longer);
    run(&[&constant[..], &["--epochs", "1", "--out", "short"]].concat());
    succeeds(path, &["resume", "short", "--epochs", "2"]);
    let records = |name: &str| {
        let file = path.join(name).join("metrics.jsonl");
        let records: Vec<serde_json::Value> = workbench::metrics::read(file).unwrap();
        let bare = |mut record: serde_json::Value| {
            record["timing"] = serde_json::Value::Null;
            record
        };
        records.into_iter().map(bare).collect::<Vec<_>>()
    };
    assert_eq!(records("short"), records("longer"));
    let child = |name: &str| std::fs::read(path.join(name).join("child/model.safetensors"));
    assert_eq!(child("short").unwrap(), child("longer").unwrap());
    assert!(path.join("short/result-epoch-1.json").exists());
    let message = refused(path, &["resume", "short", "--epochs", "1"]);
    assert!(
        message.contains("`--epochs` is 1; valid is more than the 2 epochs"),
        "{message}"
    );

    run(&["--epochs", "1", "--out", "ending"]);
    let message = refused(path, &["resume", "ending", "--epochs", "2"]);
    for part in [
        "`weights.learning_rate` is a cosine from 0.1 to 0.001 over 1 epochs",
        "--learning-rate 0.001",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let named = [
        "resume",
        "ending",
        "--epochs",
        "2",
        "--learning-rate",
        "0.01",
    ];
    let message = refused(path, &named);
    assert!(
        message.contains("`search.temperature` is linear from 5 to 1"),
        "{message}"
    );
    let schedule = "{shape=\"linear\", from=1.0, to=0.5}";
    succeeds(path, &[&named[..], &["--temperature", schedule]].concat());
    let last = records("ending").pop().unwrap();
    assert_eq!(
        (last["learning_rate"].as_f64(), last["temperature"].as_f64()),
        (Some(0.01), Some(0.5))
    );
}
