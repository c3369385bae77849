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
    // Whoever trains the run's cells anew trains them on its pictures.
    let again = [
        "fit",
        "run",
        "--epochs",
        "1",
        "--channels",
        "2",
        "--cells",
        "1",
    ];
    let text = done(
        path,
        &[&again[..], &["--batch-size", "2", "--out", "again"]].concat(),
    );
    assert_eq!(lines_with(&text, "the data are those of run;"), 1);
    assert_eq!(lines_with(&text, "bee/7.png"), 1, "{text}");
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
        fs::copy(root.join("train/ant/0.png"), class.join("0.png")).unwrap();
        check(&["3 classes", "2 classes"]);
        fs::remove_dir_all(&class).unwrap();
    }
    for part in ["train", "val"] {
        fs::rename(root.join(part).join("bee"), root.join(part).join("cat")).unwrap();
    }
    check(&["`cat` as class 1", "`bee`"]);
    let evaluate = ["eval", "good", "--data-root", "images"];
    refused(
        path,
        &evaluate,
        &["a class `cat`", "the classes `ant`, `bee`"],
    );
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

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = train(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Pictures of this many classes `ant`, `bee` and `cow` below a folder.
fn pictures(root: &Path, classes: usize, count: u8) {
    for (class, red) in [("ant", 40), ("bee", 200), ("cow", 120)]
        .iter()
        .take(classes)
    {
        let folder = root.join(class);
        fs::create_dir_all(&folder).unwrap();
        for index in 0..count {
            let picture = RgbImage::from_fn(12, 10, |x, y| Rgb([*red, (x * y) as u8, index]));
            picture.save(folder.join(format!("{index}.png"))).unwrap();
        }
    }
}

#[test]
fn a_folder_to_judge_by_is_scored_whole_and_its_classes_go_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // The data are not divided: a fifth is for test.
    pictures(&path.join("images"), 3, 10);
    let held_out = path.join("held-out");
    pictures(&held_out, 3, 7);
    done(path, &FIT);
    done(path, &["export", "run", "--out", "net"]);
    let own = printed(path, &["eval", "run"]);
    assert!(own.contains("(6 images)"), "{own}");
    fs::create_dir(path.join("two")).unwrap();
    for class in ["bee", "cow"] {
        fs::rename(held_out.join(class), path.join("two").join(class)).unwrap();
    }
    pictures(&held_out, 3, 7);
    for network in ["run", "net"] {
        let eval = |more: &[&str]| printed(path, &[&["eval", network], more].concat());
        for named in [&["--data", "folder"][..], &[]] {
            let score = |root: &str| eval(&[named, &["--data-root", root]].concat());
            assert!(score("held-out").contains("(21 images)"));
            assert!(score("two").contains("(14 images)"));
            // What the network was trained on is no test of it, wherever it lies.
            assert_eq!(score("images"), own);
            pictures(&path.join("copy"), 3, 10);
            assert_eq!(score("copy"), own);
        }
        let whole = eval(&["--data", "folder", "--data-root", "held-out"]);
        let parts = ["ant", "bee", "cow"].map(|class| {
            let part = path.join(format!("part-{network}"));
            fs::create_dir(&part).unwrap();
            fs::rename(held_out.join(class), part.join(class)).unwrap();
            let root = format!("part-{network}");
            let scored = eval(&["--data", "folder", "--data-root", &root]);
            fs::rename(part.join(class), held_out.join(class)).unwrap();
            fs::remove_dir(&part).unwrap();
            error_of(&scored)
        });
        // As many images of each class: the error of all is the mean of theirs.
        let mean = parts.iter().sum::<f64>() / 3.0;
        assert!((error_of(&whole) - mean).abs() < 0.02, "{whole} {parts:?}");
    }
    fs::rename(path.join("two/cow"), path.join("two/dog")).unwrap();
    let refusal = ["a class `dog`", "the classes `ant`, `bee`, `cow`"];
    for network in ["run", "net"] {
        refused(
            path,
            &["eval", network, "--data", "folder", "--data-root", "two"],
            &refusal,
        );
    }
    // The run's own data are gone, and others are there.
    fs::remove_dir_all(path.join("images")).unwrap();
    let text = printed(path, &["eval", "run", "--data-root", "copy"]);
    assert_eq!(text, own);
}

fn error_of(text: &str) -> f64 {
    text.split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn the_parts_of_a_folder_become_no_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let fit = |root: &str, run: &str| {
        FIT.map(|word| match word {
            "images" => root.to_string(),
            "run" => run.to_string(),
            other => other.to_string(),
        })
    };
    pictures(&path.join("fruits/Training"), 3, 4);
    pictures(&path.join("fruits/Test"), 3, 2);
    let words = fit("fruits", "run-fruits");
    done(path, &words.each_ref().map(String::as_str));
    done(path, &["export", "run-fruits", "--out", "net"]);
    let config = fs::read_to_string(path.join("net/config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(
        config["class_names"],
        serde_json::json!(["ant", "bee", "cow"])
    );

    pictures(&path.join("other/train"), 2, 4);
    pictures(&path.join("other/val/images"), 3, 2);
    fs::rename(
        path.join("other/val/images/ant"),
        path.join("other/val/images/ape"),
    )
    .unwrap();
    fs::remove_dir_all(path.join("other/val/images/bee")).unwrap();
    let words = fit("other", "run-other");
    refused(
        path,
        &words.each_ref().map(String::as_str),
        &[
            "other/val",
            "images of `ape`, `cow`, none of which trains",
            "`ant`, `bee`",
        ],
    );
    assert!(!path.join("run-other").exists());
}

#[test]
fn a_folder_alone_is_enough_to_train_and_predict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    pictures(&path.join("photos"), 2, 6);
    let fit = [
        "fit",
        "snas",
        "--data-root",
        "photos",
        "--epochs",
        "1",
        "--run",
        "run",
    ];
    // The rest is chosen to fit two dozen pictures; smaller here, to be quick.
    let smaller = [
        "--channels",
        "2",
        "--set",
        "data.folder.size=16",
        "--set",
        "data.folder.channels=1",
    ];
    done(path, &[&fit[..], &smaller].concat());
    let config = fs::read_to_string(path.join("run/config.toml")).unwrap();
    for line in [
        "set = \"folder\"",
        "batch_size = 2",
        "channels = 1",
        "name = \"fit-folder\"",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    done(path, &["export", "run", "--out", "net"]);
    let answer = printed(path, &["predict", "net", "photos/ant/0.png"]);
    assert!(
        answer.contains("class ") && answer.contains("probability"),
        "{answer}"
    );
    assert_eq!(
        printed(path, &["eval", "run"]),
        printed(path, &["eval", "net", "--data-root", "photos"])
    );
}
