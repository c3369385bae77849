//! What a search leaves, and what the commands make of its folder.

use std::path::Path;
use std::process::{Command, Output};

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn train(folder: &Path, arguments: &[&str]) -> (String, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_train"));
    let output = run(program, folder, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (told, printed) = (text(&output.stderr), text(&output.stdout));
    assert!(output.status.success(), "{arguments:?}: {told}");
    (printed, told)
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_train"));
    let output = run(program, folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert_eq!(message.trim().lines().count(), 1, "one sentence: {message}");
    message
}

/// A search of two epochs on pools and convolutions, in `search` of the folder. The other binary of the
/// workspace lies beside the one that is tested, where all are built.
fn search(folder: &Path) -> Option<serde_json::Value> {
    let program = Path::new(env!("CARGO_BIN_EXE_train")).with_file_name("search");
    if !program.exists() {
        eprintln!("skipped: `{}` is not built", program.display());
        return None;
    }
    let arguments = [
        "--epochs",
        "2",
        "--channels",
        "2",
        "--cells",
        "3",
        "--batch-size",
        "48",
        "--seed",
        "5",
        "--data-root",
        "data",
        "--set",
        "search.warmup_epochs=0",
        "--set",
        "space.nodes=2",
        "--set",
        "architecture.normalization=sum",
        "--out",
        "search",
        "--quiet",
    ];
    let output = run(&program, folder, &arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    let text = std::fs::read_to_string(folder.join("search/result.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_search_gives_its_child_and_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/digits.csv.gz");
    std::fs::create_dir(path.join("data")).unwrap();
    std::fs::copy(file, path.join("data/digits.csv.gz")).unwrap();
    let Some(result) = search(path) else {
        return;
    };
    assert!(
        result["genotype"].as_str().unwrap().contains("_pool_3x3"),
        "{result}"
    );

    // The score that the search printed, to the last digit of it, and the one with running statistics.
    let (scored, _) = train(path, &["eval", "search"]);
    let lines: Vec<&str> = scored.lines().collect();
    let expected = format!(
        "test error {:.2} %, loss ",
        result["child_test_error"].as_f64().unwrap()
    );
    assert!(lines[0].starts_with(&expected), "{scored} {result}");
    assert!(lines[0].ends_with("with the statistics of each batch, as the search scores it"));
    assert!(
        lines[1].contains("with the running statistics that it inherits"),
        "{scored}"
    );
    assert_eq!(lines.len(), 2);

    let (_, told) = train(path, &["export", "search", "--out", "child"]);
    assert!(
        told.contains("a search's child with inherited weights"),
        "{told}"
    );
    assert_eq!(train(path, &["eval", "child"]).0, scored);
    let other = path.join("other");
    std::fs::create_dir(&other).unwrap();
    assert_eq!(train(&other, &["eval", "../search"]).0, scored);
    image::GrayImage::new(16, 16)
        .save(path.join("a.png"))
        .unwrap();
    let (_, told) = train(path, &["predict", "search/child", "a.png"]);
    assert!(told.contains("averages over other architectures"), "{told}");

    // Its cells, by the folder as by the file.
    let counted = |cells: &str| train(path, &["count", cells, "--channels", "4", "--cells", "3"]).0;
    assert_eq!(counted("search"), counted("search/genotype.json"));
    let sizes = [
        "--channels",
        "2",
        "--cells",
        "3",
        "--epochs",
        "1",
        "--quiet",
    ];
    let fit = |words: &[&str]| train(path, &[&["fit"], words, &sizes].concat());
    // The folder brings its data too, a file of cells does not.
    let (fitted, told) = fit(&["search", "--out", "by-folder"]);
    assert!(
        told.contains("note: the data are those of search; --data names others"),
        "{told}"
    );
    let (by_file, told) = fit(&["search/genotype.json", "--out", "by-file"]);
    assert!(by_file == fitted && told.is_empty(), "{by_file} {told}");
    let root = |run: &str| {
        let text = std::fs::read_to_string(path.join(run).join("config.toml")).unwrap();
        let config: toml::Table = text.parse().unwrap();
        config["data"].get("root").cloned()
    };
    assert!(root("by-folder").is_some() && root("by-folder") == root("search"));
    assert_eq!(root("by-file"), None);
    let (stated, told) = fit(&["search", "--data", "digits", "--out", "stated"]);
    assert!(stated == fitted && told.is_empty(), "{stated} {told}");
    assert_eq!(root("stated"), None);
    assert_eq!(counted("by-folder"), counted("search"));

    let message = refused(path, &["resume", "search"]);
    for part in [
        "is of a search, not of a training",
        "search/genotype.json",
        "search resume search",
    ] {
        assert!(message.contains(part), "{message}");
    }
    std::fs::remove_dir_all(path.join("search/child")).unwrap();
    let message = refused(path, &["eval", "search"]);
    assert!(
        message.contains("left no child") && message.contains("train fit search"),
        "{message}"
    );
    std::fs::remove_file(path.join("search/result.json")).unwrap();
    let message = refused(path, &["export", "search", "--out", "x"]);
    assert!(message.contains("is not finished"), "{message}");
    assert!(!path.join("x").exists());
}
