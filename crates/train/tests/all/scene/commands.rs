//! What the commands print and leave behind.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{TINY, fit, write_pair};
use crate::fit_commands::{printed, refused, train};
use crate::page;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The classes of a mask that was written.
fn classes(path: &Path) -> ([u32; 2], Vec<u8>) {
    let data = fs::read(path).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(data))
        .read_info()
        .unwrap();
    assert_eq!(reader.info().color_type, png::ColorType::Indexed);
    assert_eq!(reader.info().palette.as_ref().unwrap()[3..6], [128, 0, 0]);
    let mut classes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut classes).unwrap();
    (reader.info().size().into(), classes)
}

#[test]
fn a_network_is_trained_scored_exported_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let text = printed(path, &fit(&["--out", "run", "--quiet"]));
    assert!(text.contains(" on stand-in scenes (seed 0"), "{text}");
    let result = json(&path.join("run/result.json"));
    assert_eq!(result["task"], "scene");
    let value = result["test_mIoU"].as_f64().unwrap();
    assert!(
        result["test_mIoU_by_class"]["digit 3"].is_number(),
        "{result}"
    );
    assert!(path.join("run/miou.svg").is_file());
    let page = page::read(&path.join("run/report.html"));
    assert!(page.contains("class=\"panels\"") && page.contains("mIoU of each class"));

    let scored = printed(path, &["eval", "run"]);
    let line = format!("test mIoU {value:.2} %, loss ");
    assert!(
        scored.starts_with(&line) && scored.contains("(6 images)"),
        "{scored}"
    );
    printed(path, &["export", "run", "--out", "exported"]);
    assert_eq!(printed(path, &["eval", "exported"]), scored);
    let by_class = printed(path, &["eval", "exported", "--per-class"]);
    for part in [
        "pixels",
        "mIoU %",
        "background",
        "digit 9",
        "pixel accuracy ",
    ] {
        assert!(by_class.contains(part), "{by_class}");
    }
    let views = printed(
        path,
        &["eval", "exported", "--scales", "0.75,1,1.25", "--mirrored"],
    );
    assert!(
        views.starts_with("test mIoU ") && views != scored,
        "{views}"
    );

    let made = printed(
        path,
        &["scenes", "--out", "made", "--count", "3", "--size", "33"],
    );
    assert_eq!(made, "wrote 3 stand-in scenes to made\n");
    // Other data with the network's classes, whole and of odd sizes.
    let scored = printed(
        path,
        &[
            "eval",
            "exported",
            "--data",
            "folder",
            "--data-root",
            "made",
        ],
    );
    assert!(scored.contains("on folder (1 images)"), "{scored}");
    let answers = printed(path, &["predict", "exported", "made/images"]);
    let names = ["_mask", "_overlay"].map(|end| format!("made/images/scene-0001{end}.png"));
    let written = format!("; wrote {} and {}\n", names[0], names[1]);
    assert!(
        answers.lines().count() == 3 && answers.contains(&written),
        "{answers}"
    );
    let (sides, found) = classes(&path.join(&names[0]));
    assert_eq!(sides, [33, 33]);
    assert!(found.iter().all(|class| *class < 11));
    // What was written is no image to ask about, and is not written over.
    let again = train(path, &["predict", "exported", "made/images"]);
    let message = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(message.contains("3 of 3 files got no answer"), "{message}");
    let elsewhere = [
        "predict",
        "run",
        "made/images/scene-0001.png",
        "--out",
        "new/answers",
        "--json",
    ];
    let answer: Value = serde_json::from_str(&printed(path, &elsewhere)).unwrap();
    assert_eq!(answer["sides"], serde_json::json!([33, 33]));
    let mask = answer["mask"].as_str().unwrap();
    assert_eq!(classes(&path.join(mask)).1, found);
}

#[test]
fn any_size_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(path, &fit(&["--out", "run", "--quiet"]));
    for [height, width] in [[8, 8], [9, 61], [65, 33]] {
        let name = format!("{height}.png");
        write_pair(
            &path.join(&name),
            &path.join("unused.png"),
            [height, width],
            1,
        );
        printed(
            path,
            &["predict", "run", &name, "--mirrored", "--scales", "0.5,1"],
        );
        let (sides, found) = classes(&path.join(format!("{height}_mask.png")));
        assert_eq!(
            (sides, found.len() as u32),
            ([width, height], width * height)
        );
    }
    write_pair(
        &path.join("small.png"),
        &path.join("unused.png"),
        [7, 40],
        1,
    );
    refused(
        path,
        &["predict", "run", "small.png"],
        &["small.png", "7x40 pixels", "8"],
    );
}

#[test]
fn the_plain_encoder_and_cells_at_random_are_trained_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(path, &fit(&["--out", "cells", "--quiet"]));
    let plain = [
        "--set",
        "network.encoder=plain",
        "--out",
        "plain",
        "--quiet",
    ];
    printed(path, &fit(&plain));
    let config = fs::read_to_string(path.join("plain/config.toml")).unwrap();
    assert!(config.contains("name = \"fit-scenes-plain\""), "{config}");
    let weights = |run: &str| {
        json(&path.join(run).join("result.json"))["weights"]
            .as_f64()
            .unwrap()
    };
    assert!((weights("plain") / weights("cells") - 1.0).abs() < 0.2);
    let scored = printed(path, &["eval", "plain"]);
    printed(path, &["export", "plain", "--out", "exported"]);
    assert_eq!(printed(path, &["eval", "exported"]), scored);

    let random = [
        &["fit", "random-3"],
        &TINY[1..],
        &["--epochs", "1", "--out", "random", "--quiet"],
    ]
    .concat();
    printed(path, &random);
    assert_ne!(
        json(&path.join("random/result.json"))["genotype"],
        json(&path.join("cells/result.json"))["genotype"]
    );
    // A run's cells are of its task.
    let again = [
        &["fit", "random"],
        &TINY[3..],
        &["--epochs", "1", "--out", "again", "--quiet"],
    ]
    .concat();
    printed(path, &again);
    assert_eq!(json(&path.join("again/result.json"))["task"], "scene");
}

#[test]
fn an_export_is_imported_again_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(
        path,
        &fit(&[
            "--set",
            "fit.auxiliary_weight=0.4",
            "--out",
            "run",
            "--quiet",
        ]),
    );
    printed(path, &["export", "run", "--out", "exported"]);
    let shape = "--channels 2 --cells 2 --classes 11 --stem-stride 2 --output-stride 4 --pyramid-channels 4 --rates 1,2";
    let shape: Vec<&str> = shape.split(' ').collect();
    let import = [
        "import",
        "exported/model.safetensors",
        "darts-v2",
        "--task",
        "scene",
    ];
    printed(path, &[&import[..], &shape, &["--out", "again"]].concat());
    assert_eq!(
        fs::read(path.join("again/model.safetensors")).unwrap(),
        fs::read(path.join("exported/model.safetensors")).unwrap()
    );
    printed(path, &["scenes", "--out", "made", "--count", "1"]);
    let answer = |network, out| {
        printed(path, &["predict", network, "made/images", "--out", out]);
        classes(&path.join(out).join("scene-0000_mask.png"))
    };
    assert_eq!(answer("again", "one"), answer("exported", "two"));

    let count = |more: &[&str]| {
        let table = printed(
            path,
            &[&["count", "darts-v2", "--task", "scene"], more].concat(),
        );
        let weights = |line: &str| {
            line.split_whitespace()
                .rev()
                .nth(1)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        let head = ["pyramid", "head", "classifier"];
        let head = table
            .lines()
            .filter(|line| head.iter().any(|part| line.starts_with(part)));
        (
            head.map(weights).sum::<u64>(),
            weights(table.lines().last().unwrap()),
        )
    };
    // The head that is published, after 768 channels.
    assert_eq!(count(&[]).0, 6_628_117);
    let result = json(&path.join("run/result.json"));
    assert_eq!(result["weights"], count(&shape).1);
}

#[test]
fn voc_and_folders_of_masks_are_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let home = path.join("data/VOCdevkit/VOC2012");
    for name in ["2007_1", "2007_2", "2007_3", "2008_4", "2008_5"] {
        let mask = home.join(format!("SegmentationClass/{name}.png"));
        write_pair(
            &home.join(format!("JPEGImages/{name}.jpg")),
            &mask,
            [37, 50],
            15,
        );
    }
    let lists = home.join("ImageSets/Segmentation");
    fs::create_dir_all(&lists).unwrap();
    fs::write(lists.join("train.txt"), "2007_1\n2007_2\n2007_3\n2008_4\n").unwrap();
    fs::write(lists.join("val.txt"), "2008_5\n").unwrap();
    let voc = fit(&["--data-root", "data", "--out", "voc"]);
    let output = train(path, &voc);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("voc2012: 4 images for weights, 1 for test"),
        "{told}"
    );
    assert!(told.contains("21: background, aeroplane"), "{told}");
    // Photographs are resized and mirrored.
    let config = fs::read_to_string(path.join("voc/config.toml")).unwrap();
    assert!(
        config.contains("flip = true") && config.contains("crop = 32"),
        "{config}"
    );
    assert!(printed(path, &["eval", "voc", "--per-class"]).contains("person"));

    for at in 0..6 {
        let mask = path.join(format!("own/masks/{at}.png"));
        write_pair(
            &path.join(format!("own/images/{at}.png")),
            &mask,
            [20 + at, 31],
            1,
        );
    }
    let own = [
        "--data-root",
        "own",
        "--set",
        "data.folder.classes=[\"ground\", \"road\"]",
        "--quiet",
    ];
    printed(path, &fit(&[&own[..], &["--out", "run"]].concat()));
    let result = json(&path.join("run/result.json"));
    assert_eq!(result["data"], "folder");
    assert!(result["test_mIoU_by_class"]["road"].is_number());
    printed(path, &["export", "run", "--out", "exported"]);
    let scored = printed(
        path,
        &["eval", "exported", "--data-root", "own", "--per-class"],
    );
    assert!(
        scored.contains("road") && scored.contains("on folder (1 images)"),
        "{scored}"
    );
}
