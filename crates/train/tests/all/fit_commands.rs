//! What the commands print and leave behind.

use std::path::Path;
use std::process::{Command, Output};

pub(super) fn train(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_train"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

pub(super) fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = train(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {message}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn refused(folder: &Path, arguments: &[&str], expected: &[&str]) {
    let output = train(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert_eq!(message.trim().lines().count(), 1, "one sentence: {message}");
    for part in expected {
        assert!(
            message.contains(part),
            "{arguments:?} should name `{part}`: {message}"
        );
    }
}

fn torch(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch");
    folder.join(name).display().to_string()
}

/// A network of two small cells for one epoch: a second or two.
const TINY: [&str; 9] = [
    "darts-v2",
    "--channels",
    "2",
    "--cells",
    "2",
    "--epochs",
    "1",
    "--batch-size",
    "128",
];

const SNAS: &str = "\
normal: sep_conv_3x3@0 sep_conv_3x3@1 | skip_connect@0 dil_conv_3x3@1
reduce: max_pool_3x3@0 max_pool_3x3@1 | skip_connect@2 max_pool_3x3@1
";

pub(super) fn fit<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["fit"], &TINY[..], more].concat()
}

#[test]
fn a_network_is_trained_scored_exported_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let text = printed(
        path,
        &fit(&["--out", "run", "--result", "result.json", "--quiet"]),
    );
    assert!(
        text.starts_with("test error ") && text.contains(" on digits (seed 0"),
        "{text}"
    );
    let result = std::fs::read_to_string(path.join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let error = format!("test error {:.2} %", result["test_error"].as_f64().unwrap());
    assert!(text.starts_with(&error), "{text}");

    // The same error from the checkpoint and from the export.
    let scored = printed(path, &["eval", "run"]);
    assert!(scored.starts_with(&error), "{scored}");
    printed(path, &["export", "run", "--out", "exported"]);
    assert_eq!(printed(path, &["eval", "exported"]), scored);
    // Images are normalised as the export says, not as their data set would be.
    let config = path.join("exported/config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&text).unwrap();
    other["image"]["mean"] = serde_json::json!([0.9]);
    std::fs::write(&config, other.to_string()).unwrap();
    assert_ne!(printed(path, &["eval", "exported"]), scored);
    std::fs::write(&config, text).unwrap();

    // A grey and a colour file of other sizes than the network's.
    let picture = image::RgbImage::from_fn(20, 16, |x, y| image::Rgb([(x * y) as u8, 90, 200]));
    picture.save(path.join("a.png")).unwrap();
    image::DynamicImage::from(picture)
        .to_luma8()
        .save(path.join("b.jpg"))
        .unwrap();
    let answers = printed(path, &["predict", "exported", "a.png", "b.jpg"]);
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 2);
    for (line, name) in lines.iter().zip(["a.png", "b.jpg"]) {
        assert!(line.starts_with(&format!("{name}: class ")), "{line}");
        let probability: f32 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((0.1..=1.0).contains(&probability), "{line}");
    }

    refused(
        path,
        &["export", "run", "--out", "exported"],
        &["exported", "exists already"],
    );
    refused(path, &fit(&["--run", "run"]), &["run", "exists already"]);
    std::fs::write(
        path.join("cut.png"),
        &std::fs::read(path.join("a.png")).unwrap()[..60],
    )
    .unwrap();
    refused(
        path,
        &["predict", "exported", "cut.png"],
        &["cut.png", "complete JPEG, PNG"],
    );
    // A decoder that fills in what is missing says nothing of it.
    let whole = std::fs::read(path.join("b.jpg")).unwrap();
    std::fs::write(path.join("cut.jpg"), &whole[..whole.len() * 2 / 3]).unwrap();
    refused(
        path,
        &["predict", "exported", "cut.jpg"],
        &["cut.jpg", "cut short"],
    );
    refused(
        path,
        &["predict", "exported", "absent.png"],
        &["absent.png"],
    );

    let weights = path.join("exported/model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    refused(
        path,
        &["predict", "exported", "a.png"],
        &["model.safetensors", "cut short"],
    );
    for entry in std::fs::read_dir(path.join("run/checkpoints")).unwrap() {
        std::fs::write(entry.unwrap().path(), "WBCHK").unwrap();
    }
    refused(path, &["eval", "run"], &["step-1.ckpt", "cut short"]);
}

#[test]
fn a_network_of_pytorch_is_imported_and_refused_where_it_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (weights, genotype) = (torch("network.pt"), torch("genotype.txt"));
    let import = |classes: &str, out: &str, expected: Option<&[&str]>| {
        let arguments = [
            "import",
            &weights,
            &genotype,
            "--channels",
            "4",
            "--cells",
            "4",
            "--classes",
            classes,
            "--image",
            "16x16",
            "--mean",
            "0.5,0.5,0.5",
            "--std",
            "0.2,0.2,0.2",
            "--out",
            out,
        ];
        match expected {
            Some(expected) => refused(path, &arguments, expected),
            None => drop(printed(path, &arguments)),
        }
    };
    import("5", "five", None);
    // As of pixels from 0 to 255.
    for (option, value) in [("--mean", "120"), ("--std", "60"), ("--mean", "-0.1")] {
        let other = |option: &str| {
            if option == "--mean" {
                "--std"
            } else {
                "--mean"
            }
        };
        let arguments = [
            "import",
            &weights,
            &genotype,
            "--channels",
            "4",
            "--cells",
            "4",
            "--classes",
            "5",
            "--image",
            "16x16",
            other(option),
            "0.5,0.5,0.5",
            option,
            &format!("0.5,{value},0.5"),
            "--out",
            "foreign",
        ];
        refused(path, &arguments, &[option, value, "divide it by 255"]);
    }
    assert!(!path.join("foreign").exists());
    import("7", "seven", Some(&["classifier", "[5", "[7"]));
    assert!(!path.join("seven").exists());
    // It sees colour and knows five classes; digits are grey and ten.
    refused(
        path,
        &["eval", "five", "--data", "digits"],
        &["1 channels and 8x8", "3 channels and 16x16"],
    );
    refused(path, &["eval", "five"], &["--data"]);

    let config = std::fs::read_to_string(path.join("five/config.json")).unwrap();
    let foreign = config.replacen("0.2", "60.0", 1);
    std::fs::write(path.join("five/config.json"), foreign).unwrap();
    image::GrayImage::new(16, 16)
        .save(path.join("a.png"))
        .unwrap();
    refused(path, &["predict", "five", "a.png"], &["image.std", "60"]);
    let other = config.replace("\"classes\": 5", "\"classes\": 10");
    assert_ne!(config, other);
    std::fs::write(path.join("five/config.json"), other).unwrap();
    refused(
        path,
        &["predict", "five", "a.png"],
        &["classifier", "[5", "[10"],
    );
}

#[test]
fn the_default_configuration_prints_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let text = printed(path, &["config", "--print-default"]);
    std::fs::write(path.join("mine.toml"), text).unwrap();
    let checked = printed(path, &["config", "--check", "mine.toml"]);
    assert_eq!(checked, "mine.toml is valid\n");
    std::fs::write(path.join("mine.toml"), "[fit]\nepochs = 0").unwrap();
    refused(path, &["config", "--check", "mine.toml"], &["fit.epochs"]);
    refused(
        path,
        &["config", "--print-default", "--task", "imag"],
        &["imag", "did you mean `image`"],
    );
}

#[test]
fn seeds_are_trained_one_after_the_other_and_kept_wherever_their_data_lie() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/digits.csv.gz");
    std::fs::create_dir(path.join("data")).unwrap();
    std::fs::copy(file, path.join("data/digits.csv.gz")).unwrap();
    let seeds = |more: &[&'static str]| {
        let all = ["--seeds", "1..3", "--out", "all", "--quiet"];
        printed(path, &fit(&[&all[..], more].concat()))
    };
    let first = seeds(&["--data-root", "data"]);
    assert!(
        first.contains("(seed 1,") && first.contains("(seed 2,"),
        "{first}"
    );
    let last: Vec<&str> = first.lines().rev().take(2).collect();
    assert!(
        last[0].starts_with("s.d. ") && last[1].starts_with("mean "),
        "{first}"
    );
    let checkpoint = path.join("all/seed-1/checkpoints/step-1.ckpt");
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::rename(path.join("data"), path.join("moved")).unwrap();
    // One finished, one without its end.
    std::fs::remove_file(path.join("all/seed-2/result.json")).unwrap();
    assert_eq!(seeds(&["--data-root", "moved"]), first);
    assert_eq!(std::fs::read(&checkpoint).unwrap(), bytes);

    // The run that went on knows where its data are, from anywhere; the other is told.
    let elsewhere = path.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let run = |seed: &str| path.join("all").join(seed).display().to_string();
    printed(&elsewhere, &["resume", &run("seed-2")]);
    refused(path, &["resume", &run("seed-1")], &["digits.csv.gz"]);
    printed(
        &elsewhere,
        &["resume", &run("seed-1"), "--data-root", "../moved"],
    );
    printed(path, &["eval", &run("seed-1")]);
}

#[test]
fn a_finished_training_is_extended_and_is_then_the_longer_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let constant = r#"weights.learning_rate={shape="constant",value=0.05}"#;
    let run = |epochs: &'static str, out: &'static str, set: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|field| ["--set", field]).collect();
        let sizes = ["fit", "snas", "--channels", "2", "--cells", "2", "--quiet"];
        let run = ["--epochs", epochs, "--out", out];
        printed(path, &[&sizes[..], &run, &set].concat())
    };
    let longer = run("2", "longer", &[constant]);
    run("1", "short", &[constant]);
    let extended = printed(path, &["resume", "short", "--epochs", "2", "--quiet"]);
    assert_eq!(extended, longer);
    assert!(path.join("short/result-epoch-1.json").exists());
    refused(
        path,
        &["resume", "short", "--epochs", "1"],
        &["`--epochs` is 1; valid is more than the 2 epochs that are done"],
    );

    run("1", "ending", &["fit.drop_path=0.2"]);
    refused(
        path,
        &["resume", "ending", "--epochs", "3"],
        &[
            "`weights.learning_rate` is a cosine from 0.05 to 0 over 1 epochs",
            "`--learning-rate 0`",
        ],
    );
    let schedule = r#"{shape="linear", from=0.01, to=0.001}"#;
    let output = train(
        path,
        &[
            "resume",
            "ending",
            "--epochs",
            "3",
            "--learning-rate",
            schedule,
        ],
    );
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("`drop_path` depends on the number of epochs"),
        "{message}"
    );
    let records: Vec<workbench::record::FitEpoch> =
        workbench::metrics::read(path.join("ending/metrics.jsonl")).unwrap();
    let rate = |epoch: usize| records[epoch].learning_rate;
    // Over the two epochs that were added alone.
    assert_eq!(records.len(), 3);
    assert!((rate(1) - 0.0055).abs() < 3e-4 && (rate(2) - 0.001).abs() < 3e-4);
}

#[test]
fn a_training_goes_on_in_its_folder_and_is_kept_when_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("cells.txt"), SNAS).unwrap();
    // Taken from a file by the configuration, as from the command line.
    let base = [
        "fit",
        "--set",
        "genotype=cells.txt",
        "--channels",
        "2",
        "--cells",
        "2",
        "--epochs",
        "1",
        "--quiet",
        "--run",
        "run",
    ];
    let fit = |more: &[&'static str]| [&base[..], more].concat();
    // An empty folder is what a process leaves that is killed at once.
    std::fs::create_dir(path.join("run")).unwrap();
    let first = printed(path, &fit(&["--continue"]));
    let checkpoint = path.join("run/checkpoints/step-1.ckpt");
    let bytes = std::fs::read(&checkpoint).unwrap();
    assert_eq!(printed(path, &fit(&["--continue"])), first);
    assert_eq!(std::fs::read(&checkpoint).unwrap(), bytes);
    std::fs::remove_file(path.join("run/result.json")).unwrap();
    assert_eq!(printed(path, &fit(&["--continue"])), first);
    refused(
        path,
        &fit(&["--continue", "--seed", "1"]),
        &["run", "other settings"],
    );
    refused(path, &fit(&[]), &["run", "exists already"]);
}

/// A reader that has seen enough, such as `head -1`, is no fault.
#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_train"))
        .args(["count", "darts-v2"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && message.is_empty(), "{message}");
}

#[test]
fn counts_are_the_published_ones() {
    let folder = tempfile::tempdir().unwrap();
    let text = printed(folder.path(), &["count", "darts-v2", "--auxiliary"]);
    let total = text.lines().last().unwrap();
    let numbers: Vec<&str> = total.split_whitespace().collect();
    assert_eq!(numbers[..2], ["all", "3825768"], "{total}");
    assert!(
        text.contains("cells.0.preprocess0") && text.contains("pointwise"),
        "{text}"
    );
}
