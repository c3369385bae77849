//! What is refused, in one sentence.

use std::fs;
use std::path::Path;

use image::{GrayImage, ImageBuffer, Luma, RgbImage};

use super::{fit, write_pair};
use crate::fit_commands::{printed, refused};

/// A folder of eight images, of which the test changes one.
fn data(root: &Path) {
    for at in 0..8 {
        let [image, mask] =
            ["images", "masks"].map(|kind| root.join(format!("own/{kind}/{at}.png")));
        write_pair(&image, &mask, [40, 40], 1 + at as u8 % 2);
    }
}

const OWN: [&str; 7] = [
    "--quiet",
    "--data-root",
    "own",
    "--set",
    "data.folder.classes=[\"ground\", \"road\", \"tree\"]",
    "--out",
    "no",
];

#[test]
fn files_that_do_not_belong_together_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    data(path);
    let refuse = |expected: &[&str]| {
        refused(path, &fit(&OWN), expected);
        let _ = fs::remove_dir_all(path.join("no"));
    };
    let mask = |at: u32| path.join(format!("own/masks/{at}.png"));
    let restore = |at: u32| {
        let image = path.join(format!("own/images/{at}.png"));
        write_pair(&image, &mask(at), [40, 40], 1);
    };
    // Whichever of them are learned from: all are changed alike.
    let each = |write: &dyn Fn(&Path), expected: &[&str]| {
        (0..8).for_each(|at| write(&mask(at)));
        refuse(expected);
        (0..8).for_each(restore);
    };
    let rgb = |path: &Path| RgbImage::new(40, 40).save(path).unwrap();
    each(
        &rgb,
        &[
            "own/masks/",
            ".png`",
            "red, green and blue",
            "numbers of classes",
            "data.folder.colours",
        ],
    );
    let deep = |path: &Path| ImageBuffer::<Luma<u16>, _>::new(40, 40).save(path).unwrap();
    each(&deep, &["own/masks/", "16 bits", "8 bits or less"]);
    let small = |path: &Path| GrayImage::from_pixel(40, 39, Luma([1])).save(path).unwrap();
    each(
        &small,
        &["own/masks/", "40x39 pixels", "40x40, the size of its image"],
    );
    let unknown = |path: &Path| GrayImage::from_pixel(40, 40, Luma([3])).save(path).unwrap();
    each(
        &unknown,
        &["own/masks/", "row 1, column 1", "class 3", "0 to 2"],
    );
    let white = |path: &Path| {
        GrayImage::from_pixel(40, 40, Luma([255]))
            .save(path)
            .unwrap()
    };
    each(&white, &["own/masks/", "0 and 255", "#ffffff"]);

    let colours = [
        "--set",
        "data.folder.colours=[\"#000000\", \"#800001\", \"#008000\"]",
    ];
    refused(
        path,
        &fit(&[&OWN[..], &colours].concat()),
        &["own/masks/", "colour #800000", "#800001"],
    );
    let _ = fs::remove_dir_all(path.join("no"));

    fs::remove_file(mask(3)).unwrap();
    refuse(&["own/images/3.png", "no mask", "own/masks/3.png"]);
    restore(3);
    fs::remove_file(path.join("own/images/5.png")).unwrap();
    refuse(&["own/masks/5.png", "no image"]);
}

#[test]
fn fields_that_do_not_fit_data_or_network_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (set, expected) in [
        ("data.set=voc2012", "DATA_DIR"),
        ("data.set=pascal", "unknown value `pascal`"),
        (
            "data.scenes.size=8",
            "`data.scenes.size` is 8; valid: 32 to 192",
        ),
        (
            "network.output_stride=16",
            "`network.output_stride` is 16; valid: 2, 4, 8",
        ),
        (
            "weights.learning_rate={shape=\"poly\", from=0.1, to=0.0}",
            "unknown field `to`",
        ),
    ] {
        refused(path, &fit(&["--set", set, "--out", "no"]), &[expected]);
    }
    let large = ["--set", "data.scenes.train=3", "--out", "no"];
    refused(
        path,
        &fit(&large),
        &["`fit.batch_size` is 4; valid: 1 to 3"],
    );
    refused(path, &fit(&["--hidden", "3"]), &["--hidden", "--crop"]);
    assert!(!path.join("no").exists());

    printed(path, &fit(&["--out", "run", "--quiet"]));
    refused(
        path,
        &["eval", "run", "--scales", "99"],
        &["`--scales` is 99; valid: factors"],
    );
    refused(path, &["eval", "run", "--data", "folder"], &["DATA_DIR"]);
    fs::write(path.join("text.png"), "no picture").unwrap();
    refused(
        path,
        &["predict", "run", "text.png"],
        &["text.png", "JPEG, PNG"],
    );
    fs::write(path.join("true_mask.png"), "kept").unwrap();
    RgbImage::new(16, 16).save(path.join("true.png")).unwrap();
    refused(
        path,
        &["predict", "run", "true.png"],
        &["true_mask.png", "exists already", "--out"],
    );
    assert_eq!(
        fs::read_to_string(path.join("true_mask.png")).unwrap(),
        "kept"
    );
    let other = ["resume", "run", "--epochs", "2", "--learning-rate", "0.1"];
    let config = path.join("run/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("train = 12", "train = 13")).unwrap();
    refused(
        path,
        &other,
        &["has 13 training images", "12 training images"],
    );
}
