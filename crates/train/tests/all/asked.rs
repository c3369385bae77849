//! What a network is asked: files, folders of them, how it does class by class; and runs that are not
//! finished.

use std::path::Path;

use serde_json::Value;

use crate::fit_commands::{fit, printed, refused, train};

fn picture(path: &Path, shade: u8) {
    let colour = |x: u32, y: u32| image::Rgb([(x * y) as u8, shade, 200]);
    image::RgbImage::from_fn(20, 16, colour).save(path).unwrap();
}

/// A folder with a tiny run, `run`, and its export, `exported`.
fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    printed(folder.path(), &fit(&["--run", "run", "--quiet"]));
    printed(folder.path(), &["export", "run", "--out", "exported"]);
    folder
}

#[test]
fn files_and_folders_are_answered_and_one_that_cannot_be_is_named() {
    let folder = trained();
    let path = folder.path();
    std::fs::create_dir_all(path.join("pictures/more")).unwrap();
    picture(&path.join("pictures/b.png"), 90);
    picture(&path.join("pictures/a.PNG"), 30);
    picture(&path.join("pictures/more/c.png"), 200);
    std::fs::write(path.join("pictures/notes.txt"), "no picture").unwrap();

    let answers = printed(path, &["predict", "exported", "pictures"]);
    let files: Vec<&str> = answers
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(
        files,
        ["pictures/a.PNG", "pictures/b.png", "pictures/more/c.png"]
    );
    // A run answers as its export does.
    assert_eq!(printed(path, &["predict", "run", "pictures"]), answers);
    // So does a search whose child it is.
    std::fs::create_dir(path.join("search")).unwrap();
    std::fs::write(
        path.join("search/config.toml"),
        "task = \"image\"\n[search]\n",
    )
    .unwrap();
    let without = ["search", "not finished"];
    refused(path, &["predict", "search", "pictures"], &without);
    std::fs::write(path.join("search/result.json"), "{}").unwrap();
    printed(path, &["export", "run", "--out", "search/child"]);
    assert_eq!(printed(path, &["predict", "search", "pictures"]), answers);

    let three = ["predict", "exported", "pictures/b.png", "--top", "3"];
    let text = printed(path, &three);
    assert_eq!(text.matches("class ").count(), 3, "{text}");
    let line = printed(path, &[&three[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(json["file"], "pictures/b.png");
    let classes = json["classes"].as_array().unwrap();
    let probability = |class: &Value| class["probability"].as_f64().unwrap();
    assert_eq!(classes.len(), 3);
    assert!(classes.is_sorted_by(|a, b| probability(a) >= probability(b)));
    let first = format!("pictures/b.png: class {}, probability", classes[0]["class"]);
    assert!(text.starts_with(&first), "{text} {line}");
    let all = printed(
        path,
        &["predict", "exported", "pictures/b.png", "--top", "99"],
    );
    assert_eq!(all.matches("class ").count(), 10);
    let output = train(path, &["predict", "exported", "pictures", "--top", "0"]);
    assert_eq!(output.status.code(), Some(2));

    std::fs::write(path.join("pictures/bad.png"), "no picture").unwrap();
    let output = train(path, &["predict", "exported", "pictures", "absent.png"]);
    let (told, answered) = (
        String::from_utf8_lossy(&output.stderr).into_owned(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    );
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!(answered, answers, "the others are answered as before");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains("pictures/bad.png"));
    assert!(lines[1].contains("absent.png"), "{told}");
    assert_eq!(lines[2], "error: 2 of 5 files got no answer");
    let output = train(path, &["predict", "exported", "pictures", "--json"]);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let failed: Vec<&Value> = lines
        .iter()
        .filter(|line| line.get("error").is_some())
        .collect();
    assert_eq!((lines.len(), failed.len()), (4, 1));
    assert_eq!(failed[0]["file"], "pictures/bad.png");

    std::fs::create_dir(path.join("empty")).unwrap();
    refused(
        path,
        &["predict", "exported", "empty"],
        &["empty", "no image file"],
    );
}

#[test]
fn a_network_whose_weights_are_no_numbers_is_refused_by_name() {
    let folder = trained();
    let path = folder.path();
    picture(&path.join("a.png"), 90);
    let weights = path.join("exported/model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut broken = bytes.clone();
        let last = broken.len() - 4;
        broken[last..].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&weights, &broken).unwrap();
        let expected = ["network `exported` has ", name, "finite"];
        refused(path, &["predict", "exported", "a.png"], &expected);
        refused(path, &["eval", "exported"], &expected);
    }
    // Finite weights whose sums are not.
    let mut large = bytes;
    let header = u64::from_le_bytes(large[..8].try_into().unwrap()) as usize;
    for value in large[8 + header..].chunks_exact_mut(4) {
        value.copy_from_slice(&f32::MAX.to_le_bytes());
    }
    std::fs::write(&weights, &large).unwrap();
    let output = train(path, &["predict", "exported", "a.png"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("a.png") && told.contains("no numbers"),
        "{told}"
    );
}

#[test]
fn classes_are_told_apart_in_the_result_and_on_request() {
    let folder = trained();
    let path = folder.path();
    let result = std::fs::read_to_string(path.join("run/result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    let count = |row: &Value| -> u64 {
        let row = row.as_object().unwrap().values();
        row.map(|count| count.as_u64().unwrap()).sum()
    };
    let rows = result["confusion"].as_object().unwrap();
    assert_eq!(rows.len(), 10);
    let examples: u64 = rows.values().map(count).sum();
    let right: u64 = rows
        .iter()
        .map(|(class, row)| row.get(class).map_or(0, |count| count.as_u64().unwrap()))
        .sum();
    assert_eq!(examples, 360);
    let error = 100.0 * (examples - right) as f64 / examples as f64;
    assert!((error - result["test_error"].as_f64().unwrap()).abs() < 1e-9);
    let of_three = result["test_error_by_class"]["3"].as_f64().unwrap();

    let plain = printed(path, &["eval", "run"]);
    let text = printed(path, &["eval", "run", "--per-class"]);
    assert!(text.starts_with(&plain), "{text}");
    assert_eq!(text.lines().count(), 1 + 1 + 10, "{text}");
    let three: Vec<&str> = text.lines().nth(5).unwrap().split_whitespace().collect();
    assert_eq!(three[0], "3");
    assert_eq!(three[2], format!("{of_three:.2}"));
    let text = printed(path, &["eval", "exported", "--confusion"]);
    let rows: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(rows.len(), 10, "{text}");
    let sum: u64 = rows
        .iter()
        .flat_map(|row| row.split_whitespace().skip(1))
        .filter_map(|count| count.parse::<u64>().ok())
        .sum();
    assert_eq!(sum, 360, "{text}");
}

#[test]
fn a_run_that_is_not_finished_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    picture(&path.join("a.png"), 90);
    printed(
        path,
        &[
            "fit",
            "darts-v2",
            "--channels",
            "2",
            "--cells",
            "2",
            "--epochs",
            "2",
            "--batch-size",
            "128",
            "--run",
            "run",
            "--quiet",
        ],
    );
    let told = |arguments: &[&str]| {
        let output = train(path, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        told
    };
    assert_eq!(told(&["eval", "run"]), "");
    // As a process leaves it that is killed in its second epoch.
    std::fs::remove_file(path.join("run/checkpoints/step-2.ckpt")).unwrap();
    std::fs::remove_file(path.join("run/result.json")).unwrap();
    for arguments in [
        &["eval", "run"][..],
        &["export", "run", "--out", "exported"],
        &["predict", "run", "a.png"],
    ] {
        let note = told(arguments);
        assert!(
            note.contains("`run` is not finished: the network is that of epoch 1 of 2;")
                && note.contains("resume run"),
            "{arguments:?}: {note}"
        );
    }
}

#[test]
fn a_training_says_what_it_begins_with_and_what_it_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = fit(&["--run", "run", "--set", "data.validation=0.2"]);
    let output = train(folder.path(), &arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    for line in [
        "data      digits: 1150 images for weights, 287 for validation, 360 for test",
        "classes   10",
        "images    1 channel, 8x8 pixels",
        "steps     8 an epoch, 8 in 1 epochs",
        " epoch   loss error %       loss    error %     rate seconds",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    let files = "files     accuracy.svg, checkpoints/, config.toml, ";
    assert!(told.lines().any(|line| line.starts_with(files)), "{told}");
    let end: Vec<&str> = told.lines().rev().take(2).collect();
    assert!(end[1].ends_with("predict run FILE"), "{told}");
    assert!(end[0].ends_with("export run --out run-exported"), "{told}");
}
