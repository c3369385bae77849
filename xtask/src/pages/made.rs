//! A page of every kind: small runs of every task, their seeds and comparisons, and experiments.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use workbench::documents::documents;
use workbench::files::{read_to_string, write_atomic};

use crate::passed::BackendOptions;

/// Settings of a search or training that takes seconds.
const IMAGES: [&str; 8] = [
    "--epochs=2",
    "--channels=2",
    "--cells=1",
    "--batch-size=128",
    "--set",
    "search.warmup_epochs=1",
    "--set",
    "space.nodes=2",
];
const IMAGE_TRAINING: [&str; 4] = ["--epochs=2", "--channels=4", "--cells=2", "--batch-size=64"];
const LANGUAGE: [&str; 8] = [
    "--task=language",
    "--epochs=2",
    "--hidden=8",
    "--batch-size=8",
    "--set",
    "data.text.vocabulary=300",
    "--set",
    "data.evaluation={validation=2, test=2}",
];
const SCENES: [&str; 10] = [
    "--task=scene",
    "--epochs=2",
    "--channels=2",
    "--cells=2",
    "--crop=32",
    "--batch-size=4",
    "--set",
    "data.scenes={train=24, test=8, size=48}",
    "--set",
    "network.pyramid={channels=4, rates=[1, 2]}",
];
const WARM: [&str; 2] = ["--set", "search.warmup_epochs=1"];

/// Makes runs in a folder, keeping those that are there, and names their pages.
pub fn pages(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let folder = &folder.canonicalize()?;
    let text = |name: &str| folder.join(name).display().to_string();
    let mut pages = Vec::new();

    write_texts(&folder.join("texts"))?;
    let texts = format!("--data-root={}", text("texts"));
    let language = [&LANGUAGE[..], &[&texts]].concat();
    let tasks: [(&str, Vec<&str>, Vec<&str>); 3] = [
        ("image", IMAGES.to_vec(), IMAGE_TRAINING.to_vec()),
        ("language", [&language[..], &WARM].concat(), language),
        ("scenes", [&SCENES[..], &WARM].concat(), SCENES.to_vec()),
    ];
    for (task, search, train) in &tasks {
        let (searched, trained) = (format!("{task}-search"), format!("{task}-training"));
        let (searched, trained) = (text(&searched), text(&trained));
        once(&mut pages, "search", &["run"], search, &searched)?;
        once(&mut pages, "train", &["fit", &searched], train, &trained)?;
    }
    for (package, cells, settings) in [
        ("search", &[][..], &IMAGES[..]),
        ("train", &["darts-v2"], &IMAGE_TRAINING),
    ] {
        let command = [&["portability", "--steps=4"], cells].concat();
        let run = text(&format!("portability-of-{package}"));
        once(&mut pages, package, &command, settings, &run)?;
    }

    let (_, search, train) = &tasks[0];
    let searched = text("seeds-of-searches");
    let seeds = ["run", "--seeds=0..3"];
    once(&mut pages, "search", &seeds, search, &searched)?;
    let trained = text("seeds-of-trainings");
    let seeds = ["fit", "darts-v2", "--seeds=0..3"];
    once(&mut pages, "train", &seeds, train, &trained)?;
    for (package, runs, name) in [
        ("search", &searched, "comparison-of-searches.html"),
        ("train", &trained, "comparison-of-trainings.html"),
    ] {
        let [first, second] = [0, 1].map(|seed| format!("{runs}/seed-{seed}"));
        let out = format!("--out={}", text(name));
        let arguments = ["compare", &first, &second, &out].map(String::from);
        finished(BackendOptions::default().run(package, &arguments))?;
        pages.push(folder.join(name));
    }

    let table = text("gap-table");
    experiment(&[
        "gap-table",
        "--seeds=0,1",
        "--methods=egs-m4,darts,random",
        "--epochs=2",
        "--channels=2",
        "--cells=1",
        "--batch-size=128",
        "--retrain-epochs=1",
        "--retrain-channels=4",
        "--retrain-cells=2",
        &format!("--runs={table}"),
        &format!("--out={table}"),
    ])?;
    pages.push(folder.join("gap-table/report.html"));

    let contest = folder.join("contest");
    std::fs::create_dir_all(&contest)
        .with_context(|| format!("cannot create {}", contest.display()))?;
    for (name, content) in [
        ("contest.toml", CONTEST),
        ("search.toml", CONTEST_SEARCH),
        ("train.toml", CONTEST_TRAINING),
    ] {
        write_atomic(
            contest.join(name),
            content.replace("FOLDER", &text("contest")),
        )?;
    }
    let rules = contest.join("contest.toml").display().to_string();
    experiment(&["contest", &rules, &format!("--runs={}", text("contest"))])?;
    pages.push(contest.join("report.html"));
    Ok(pages)
}

/// Starts a run, unless it has a page already, and names that.
fn once(
    pages: &mut Vec<PathBuf>,
    package: &str,
    command: &[&str],
    settings: &[&str],
    run: &str,
) -> anyhow::Result<()> {
    let page = Path::new(run).join("report.html");
    if !page.exists() {
        let out = format!("--out={run}");
        let words = [command, settings, &[&out]].concat();
        let words = words.into_iter().map(String::from).collect();
        BackendOptions::default().finish(package, words, &[])?;
    }
    pages.push(page);
    Ok(())
}

/// Runs an experiment of this program.
fn experiment(arguments: &[&str]) -> anyhow::Result<()> {
    eprintln!("cargo xtask {}", arguments.join(" "));
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    finished(command)
}

fn finished(mut command: Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// A text to learn from: the documents of the project, which are at hand.
fn write_texts(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (number, document) in documents(&root)?.iter().enumerate() {
        let text = read_to_string(document)?;
        write_atomic(folder.join(format!("{number}.txt")), text)?;
    }
    Ok(())
}

const CONTEST: &str = r#"title = "A small contest on digits"
remarks = ["Runs of seconds, which make a page of its kind and say nothing of cells."]
search = "FOLDER/search.toml"
train = "FOLDER/train.toml"
seeds = [0, 1]

[[contestant]]
name = "egs"
label = "EGS, M = 4"
search = []

[[contestant]]
name = "random"
label = "random cells"
genotype = "random-{seed}"

[ranking]
search = "egs"
cells = "random"
"#;

const CONTEST_SEARCH: &str = "[search]\nepochs = 2\nwarmup_epochs = 1\nbatch_size = 128\n\
    [network]\nchannels = 2\ncells = 1\n";

const CONTEST_TRAINING: &str = "[fit]\nepochs = 1\n[network]\nchannels = 4\ncells = 2\n";
