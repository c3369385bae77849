//! Trainings on a folder of class folders: files that cannot be read are named and counted, and a run
//! does not go on with other classes than it began with.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use image::{Rgb, RgbImage};

fn train(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_train"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = train(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    told(&output)
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], parts: &[&str]) {
    let output = train(folder, arguments);
    let message = told(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "{part} in {message}");
    }
}

/// `train` and `val` with the classes ant and bee, of four and two images.
fn images(root: &Path) {
    for (part, count) in [("train", 4), ("val", 2)] {
        for (class, red) in [("ant", 40), ("bee", 200)] {
            let folder = root.join(part).join(class);
            fs::create_dir_all(&folder).unwrap();
            for index in 0..count {
                let pixel = |x, y| Rgb([red, (x * y) as u8, index]);
                let picture = RgbImage::from_fn(12, 10, pixel);
                picture.save(folder.join(format!("{index}.png"))).unwrap();
            }
        }
    }
}

const FIT: [&str; 24] = [
    "fit",
    "snas",
    "--data",
    "folder",
    "--data-root",
    "images",
    "--channels",
    "2",
    "--cells",
    "1",
    "--epochs",
    "2",
    "--batch-size",
    "2",
    "--set",
    "data.folder.size=8",
    "--set",
    "data.folder.on_corrupt=skip",
    "--set",
    "fit.drop_path=0",
    "--run",
    "run",
    "--seed",
    "3",
];

fn lines_with(text: &str, part: &str) -> usize {
    text.lines().filter(|line| line.contains(part)).count()
}

#[test]
fn files_that_cannot_be_read_are_named_once_and_counted_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    images(&path.join("images"));
    for junk in ["train/ant/9.png", "train/bee/8.jpg", "val/bee/7.png"] {
        fs::write(path.join("images").join(junk), "junk").unwrap();
    }
    fs::write(path.join("images/val/notes.txt"), "no image").unwrap();
    fs::create_dir(path.join("images/val/wasp")).unwrap();
    let text = done(path, &FIT);
    for file in ["ant/9.png", "bee/8.jpg", "bee/7.png"] {
        assert_eq!(lines_with(&text, file), 1, "{file}: {text}");
    }
    assert!(text.contains("3 image files could not be read"), "{text}");
    assert!(
        text.contains("notes.txt") && text.contains("`wasp`"),
        "{text}"
    );

    let text = done(path, &["eval", "run"]);
    assert_eq!(lines_with(&text, "bee/7.png"), 1, "{text}");
    assert!(text.contains("1 image file could not be read"), "{text}");
    // The choice is not bound to the run: a test file that stops it can be skipped later.
    refused(
        path,
        &["eval", "run", "--on-corrupt", "stop"],
        &["bee/7.png"],
    );
    done(path, &["export", "run", "--out", "exported"]);
    let evaluate = ["eval", "exported", "--data-root", "images"];
    refused(path, &evaluate, &["bee/7.png"]);
    done(path, &[&evaluate[..], &["--on-corrupt", "skip"]].concat());
}

#[test]
fn a_run_that_a_file_stopped_goes_on_when_it_may_be_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    images(&path.join("images"));
    fs::write(path.join("images/val/bee/7.png"), "junk").unwrap();
    let stop = FIT.map(|word| match word {
        "data.folder.on_corrupt=skip" => "data.folder.on_corrupt=stop",
        other => other,
    });
    refused(path, &stop, &["bee/7.png"]);
    let config = path.join("run/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"stop\"", "\"skip\"")).unwrap();
    done(path, &["resume", "run"]);
    assert!(path.join("run/result.json").exists());
}

#[test]
fn a_run_is_not_resumed_scored_or_exported_with_other_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let root = path.join("images");
    images(&root);
    done(path, &FIT);
    done(path, &["export", "run", "--out", "good"]);
    let result = fs::read(path.join("run/result.json")).unwrap();
    let check = |parts: &[&str]| {
        for command in [
            &["resume", "run"][..],
            &["eval", "run"],
            &["export", "run", "--out", "bad"],
        ] {
            refused(path, command, parts);
        }
        assert!(!path.join("bad").exists());
        assert_eq!(fs::read(path.join("run/result.json")).unwrap(), result);
    };
    // One that sorts before the others, and one that sorts behind.
    for name in ["aaa", "zzz"] {
        let class = root.join("train").join(name);
        fs::create_dir(&class).unwrap();
        check(&["3 classes", "2 classes"]);
        fs::remove_dir(&class).unwrap();
    }
    for part in ["train", "val"] {
        fs::rename(root.join(part).join("bee"), root.join(part).join("cat")).unwrap();
    }
    check(&["`cat` as class 1", "`bee`"]);
    let evaluate = ["eval", "good", "--data-root", "images"];
    refused(path, &evaluate, &["`cat` as class 1", "`bee`"]);
    for part in ["train", "val"] {
        fs::rename(root.join(part).join("cat"), root.join(part).join("bee")).unwrap();
    }
    // One image less trains another network, though this one is as good as it was.
    fs::remove_file(root.join("train/ant/0.png")).unwrap();
    refused(
        path,
        &["resume", "run"],
        &["7 training images", "8 training"],
    );
    done(path, &["eval", "run"]);

    fs::rename(&root, path.join("moved")).unwrap();
    refused(path, &["eval", "run"], &["images"]);
    done(path, &["eval", "run", "--data-root", "moved"]);
    done(
        path,
        &[
            "export",
            "run",
            "--data-root",
            "moved",
            "--out",
            "moved-too",
        ],
    );
}
