//! What the folders of a data set are taken for: parts, classes, what an archive put around them.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use workbench::images::{Dataset, DatasetId, FolderOptions, TrainTest, load_test, load_with};

use crate::files::{plain_png, write};

fn options() -> FolderOptions {
    FolderOptions {
        size: 8,
        ..FolderOptions::default()
    }
}

fn open(root: &Path) -> workbench::Result<TrainTest> {
    load_with(DatasetId::Folder, Some(root), &options())
}

fn refusal(root: &Path) -> String {
    open(root).unwrap_err().to_string()
}

/// A root with these files; each is a picture, but for those that end in `.txt`, which are empty, and
/// for folders, whose names end in `/`.
fn folder(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    add(root.path(), files);
    root
}

fn add(root: &Path, files: &[&str]) {
    for (number, file) in files.iter().enumerate() {
        let path = root.join(file);
        match file {
            file if file.ends_with('/') => fs::create_dir_all(path).unwrap(),
            file if file.ends_with(".txt") => write(&path, b""),
            _ => write(&path, &plain_png([number as u8, 0, 0], [8, 8])),
        }
    }
}

/// Four pictures of each of the classes `a` and `b` in this folder.
fn classes(folder: &str) -> Vec<String> {
    let files = ["a/0", "a/1", "a/2", "a/3", "b/0", "b/1", "b/2", "b/3"];
    let files = files.iter();
    files.map(|file| format!("{folder}{file}.png")).collect()
}

fn add_classes(root: &Path, folder: &str) {
    let files = classes(folder);
    add(root, &files.iter().map(String::as_str).collect::<Vec<_>>());
}

fn names(set: &Dataset) -> Vec<&str> {
    set.class_names()
        .unwrap()
        .iter()
        .map(String::as_str)
        .collect()
}

#[test]
fn parts_are_told_from_classes_by_any_name() {
    for [train, test] in [
        ["train", "val"],
        ["Train", "Val"],
        ["TRAIN", "TEST"],
        ["Training", "Test"],
        ["training_set", "test_set"],
        ["train_images", "Validation"],
        ["trainset", "dev"],
        ["train2017", "val2017"],
        ["Training Data", "held-out"],
        // The folder of the archive around them, and each part around itself.
        ["fruits/fruits-360/Training", "fruits/fruits-360/Test"],
        ["seg_train/seg_train", "seg_test/seg_test"],
        ["train/images", "valid/images"],
    ] {
        let root = tempfile::tempdir().unwrap();
        add_classes(root.path(), &format!("{train}/"));
        add(
            root.path(),
            &[&format!("{test}/a/x.png"), &format!("{test}/b/x.png")],
        );
        let data = open(root.path()).unwrap();
        assert_eq!(names(&data.train), ["a", "b"], "{train}");
        assert_eq!((data.train.len(), data.test.len()), (8, 2), "{train}");
        assert!(data.train.notes().is_empty(), "{:?}", data.train.notes());
    }
}

#[test]
fn what_is_beside_the_parts_is_named() {
    let root = folder(&["test/x.png", "annotations/x.txt", "val/a/x.png"]);
    add_classes(root.path(), "train/");
    let data = open(root.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (8, 1));
    let [note] = data.train.notes() else {
        panic!("{:?}", data.train.notes());
    };
    let ending = "`train` trains, `val` is judged by, and the other folders were left out: \
                  `annotations`, `test`";
    assert!(note.ends_with(ending), "{note}");
}

#[test]
fn parts_without_classes_or_without_each_other_are_refused() {
    for (files, expected) in [
        (
            &["train/a0.png", "train/b0.png", "val/a/0.png", "val/b/0.png"][..],
            "train`, the folder: found 2 images in no class folder; valid is a folder for each",
        ),
        (
            &["train/a/0.png", "train/b/0.png", "val/0.png"],
            "val`, the folder: found 1 images in no class folder",
        ),
        (
            &["train/0.png", "test/0.png"],
            "train`, the folder: found 1 images in no class folder",
        ),
        (
            &["train/0.png", "test/0.png", "labels/x.txt"],
            "train`, the folder: found 1 images in no class folder",
        ),
        (
            &["train/a/0.png", "train/b/0.png"],
            "found a folder `train` alone; valid is a folder `val` or `test` beside it, or `",
        ),
        (
            &["Validation/a/0.png", "Validation/b/0.png"],
            "found a folder `Validation` alone; valid is a folder `train` beside it",
        ),
        (
            &["a/0.png", "b/0.png", "test/a/0.png"],
            "found a folder `test` alone",
        ),
        (
            &["a/0.png", "b/0.png", "test/0.png"],
            "found a folder `test` alone",
        ),
        (
            &["train/a/0.png", "Training/a/0.png", "val/a/0.png"],
            "found 2 folders of one part, `Training`, `train`",
        ),
        (&["0.png", "1.png"], "found 2 images in no class folder"),
        (
            &["train/a/0.png", "train/b/0.png", "val/c/0.png"],
            "val`, the folder: found images of `c`, none of which trains; valid is class folders named as those of the training part, `a`, `b`",
        ),
        (
            &["a/0.png", "a/1.png", "b/"],
            "found images of one class, `a`; valid is a folder of images for each of 2",
        ),
    ] {
        let root = folder(files);
        let message = refusal(root.path());
        assert!(message.contains(expected), "{files:?}: {message}");
    }
}

#[test]
fn classes_may_be_called_as_parts_are_beside_others() {
    for (files, expected) in [
        (
            ["bus/0.png", "bus/1.png", "train/0.png", "train/1.png"],
            ["bus", "train"],
        ),
        (
            [
                "invalid/0.png",
                "invalid/1.png",
                "valid/0.png",
                "valid/1.png",
            ],
            ["invalid", "valid"],
        ),
        (
            [
                "test tube/0.png",
                "test tube/1.png",
                "train station/0.png",
                "train station/1.png",
            ],
            ["test tube", "train station"],
        ),
    ] {
        let root = folder(&files);
        let data = open(root.path()).unwrap();
        assert_eq!(names(&data.train), expected);
    }
}

#[test]
fn folders_of_one_name_in_every_class_are_pointed_out() {
    let root = tempfile::tempdir().unwrap();
    add_classes(root.path(), "first/");
    add_classes(root.path(), "second/");
    let data = open(root.path()).unwrap();
    assert_eq!(names(&data.train), ["first", "second"]);
    let [note] = data.train.notes() else {
        panic!("{:?}", data.train.notes());
    };
    let ending = "each of the class folders `first`, `second` holds the folders `a`, `b`; if these are \
                  the classes, call the others `train` and `val`";
    assert!(note.ends_with(ending), "{note}");
}

#[test]
fn litter_and_empty_folders_are_no_classes() {
    let root = folder(&[
        "__MACOSX/a/x.png",
        "@eaDir/x.png",
        ".hidden/x.png",
        "empty/",
        "hollow/inner/note.txt",
        "a/__MACOSX/y.png",
    ]);
    add_classes(root.path(), "");
    let data = open(root.path()).unwrap();
    assert_eq!(names(&data.train), ["a", "b"]);
    assert_eq!(data.train.len() + data.test.len(), 8);
    let notes = data.train.notes();
    let ending = "folders without an image were left out: `empty`, `hollow`";
    assert!(notes[0].ends_with(ending), "{notes:?}");
}

#[cfg(unix)]
#[test]
fn linked_folders_are_read_once_and_never_upwards() {
    use std::os::unix::fs::symlink;

    let elsewhere = folder(&["more/4.png", "more/5.png", "more/inner/6.png"]);
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    add_classes(root.path(), "");
    symlink(elsewhere.path().join("more"), at("a/more")).unwrap();
    symlink(elsewhere.path().join("more"), at("a/again")).unwrap();
    symlink(root.path(), at("b/up")).unwrap();
    symlink(at("b"), at("b/self")).unwrap();
    // A class may be a link as a whole, and a link may lead nowhere.
    symlink(elsewhere.path().join("more"), at("c")).unwrap();
    symlink(at("gone"), at("b/gone")).unwrap();
    let data = open(root.path()).unwrap();
    let count = |label| {
        let sets = [data.train.labels(), data.test.labels()].concat();
        sets.iter().filter(|found| **found == label).count()
    };
    assert_eq!([count(0), count(1), count(2)], [7, 4, 3]);
    let notes = data.train.notes().join("\n");
    let expected = "3 linked folders that lead to a folder above or to one that was read already were \
                    left out: `a/more`, `b/self`, `b/up`";
    assert!(notes.contains(expected), "{notes}");
    assert!(notes.contains("`b/gone`"), "{notes}");
}

/// The layout in which Tiny ImageNet is published.
fn tiny_imagenet() -> TempDir {
    let root = folder(&[
        "train/n01/images/n01_0.JPEG",
        "train/n01/images/n01_1.JPEG",
        "train/n01/n01_boxes.txt",
        "train/n02/images/n02_0.JPEG",
        "train/n02/images/n02_1.JPEG",
        "val/images/val_0.JPEG",
        "val/images/val_1.JPEG",
        "val/images/val_2.JPEG",
        "test/images/test_0.JPEG",
        "wnids.txt",
    ]);
    let labels = "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t0\t0\t1\t1\r\n\nval_2.JPEG\tn02\t1\t1\t2\t2\n";
    fs::write(root.path().join("val/val_annotations.txt"), labels).unwrap();
    root
}

#[test]
fn the_labels_of_tiny_imagenet_are_read() {
    let root = tiny_imagenet();
    let data = open(root.path()).unwrap();
    assert_eq!(names(&data.train), ["n01", "n02"]);
    assert_eq!(data.train.labels(), [0, 0, 1, 1]);
    assert_eq!(data.test.labels(), [0, 1, 1]);
    let around = tempfile::tempdir().unwrap();
    fs::rename(root.path(), around.path().join("tiny-imagenet-200")).unwrap();
    assert_eq!(open(around.path()).unwrap().test.len(), 3);
    let val = around.path().join("tiny-imagenet-200/val");
    let held_out = load_test(DatasetId::Folder, Some(&val), &options(), None).unwrap();
    assert_eq!((names(&held_out), held_out.len()), (vec!["n01", "n02"], 3));
}

#[test]
fn wrong_labels_of_tiny_imagenet_are_named() {
    for (line, expected) in [
        (
            "val_0.JPEG",
            "line 1: found one field; valid is a file's name and its class",
        ),
        (
            "val_9.JPEG\tn01",
            "line 1: found `val_9.JPEG`; valid is a file of `",
        ),
        (
            "val_0.JPEG\tn01\nval_0.JPEG\tn02",
            "line 2: found `val_0.JPEG`; valid is a file of `",
        ),
        (
            "val_0.JPEG\tn07",
            "found images of `n07`, none of which trains",
        ),
    ] {
        let root = tiny_imagenet();
        fs::write(root.path().join("val/val_annotations.txt"), line).unwrap();
        let message = refusal(root.path());
        assert!(message.contains(expected), "{message}");
    }
    // Without them the folder of all images is no class that trains.
    let root = tiny_imagenet();
    fs::remove_file(root.path().join("val/val_annotations.txt")).unwrap();
    let message = refusal(root.path());
    assert!(
        message.contains("found images of `images`, none of which trains"),
        "{message}"
    );
    // Images that no line names are left out.
    let root = tiny_imagenet();
    fs::write(
        root.path().join("val/val_annotations.txt"),
        "val_0.JPEG\tn02",
    )
    .unwrap();
    let data = open(root.path()).unwrap();
    let note = data.test.notes().last().unwrap();
    let part =
        "2 images in no class folder were left out: `images/val_1.JPEG`, `images/val_2.JPEG`";
    assert!(note.contains(part), "{note}");
}

#[test]
fn a_folder_to_judge_by_is_scored_whole_but_for_what_was_trained_on() {
    let root = tempfile::tempdir().unwrap();
    add_classes(root.path(), "");
    let score = |root: &Path, trained: Option<&str>| {
        load_test(DatasetId::Folder, Some(root), &options(), trained).unwrap()
    };
    assert_eq!(score(root.path(), None).len(), 8);
    assert_eq!(score(root.path(), Some("other")).len(), 8);
    // The very files of a training, wherever they lie.
    let description = |root: &Path| {
        let train = open(root).unwrap().train;
        workbench::images::DataDescription::of(&train).file_names
    };
    let trained = description(root.path()).unwrap();
    let moved = tempfile::tempdir().unwrap();
    add_classes(moved.path(), "photos/");
    assert_eq!(description(moved.path()).unwrap(), trained);
    assert_eq!(
        score(moved.path(), Some(&trained)),
        open(moved.path()).unwrap().test
    );
    // One file less is another folder.
    fs::remove_file(moved.path().join("photos/a/3.png")).unwrap();
    assert_eq!(score(moved.path(), Some(&trained)).len(), 7);

    let around = folder(&["test/images/a/0.png", "test/images/b/0.png"]);
    assert_eq!(names(&score(around.path(), None)), ["a", "b"]);

    // Parts: the one to judge by, alone or beside the one that trains.
    let parts = folder(&["val/a/0.png", "val/b/0.png", "val/b/1.png"]);
    assert_eq!(score(parts.path(), None).len(), 3);
    add_classes(parts.path(), "train/");
    assert_eq!(score(parts.path(), None).len(), 3);
    assert_eq!(score(&parts.path().join("train"), None).len(), 8);
    assert_eq!(description(parts.path()), None);
}

#[test]
fn labels_follow_the_names_that_a_network_has() {
    let root = folder(&["b/0.png", "b/1.png", "d/0.png"]);
    let set = load_test(DatasetId::Folder, Some(root.path()), &options(), None).unwrap();
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
    };
    let mapped = set.labelled_by(&names(&["d", "a", "b"])).unwrap();
    assert_eq!((mapped.labels(), mapped.classes()), (&[2, 2, 0][..], 3));
    let note = mapped.notes().last().unwrap();
    assert_eq!(note, "1 of the network's 3 classes have no image: `a`");
    let message = set
        .labelled_by(&names(&["a", "b"]))
        .unwrap_err()
        .to_string();
    let expected = "data set `folder` has images of a class `d`; valid is what the network was trained \
                    on, the classes `a`, `b`";
    assert_eq!(message, expected);
}
