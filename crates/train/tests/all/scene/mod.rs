//! Networks that tell the class of every pixel: trained, exported, asked, and begun with a classifier.

mod begun;
mod commands;
mod refusals;
mod resume;

use std::fs;
use std::path::Path;

use image::RgbImage;
use workbench::scenes::mask_png;

/// A small network on a few stand-in scenes for one epoch.
pub(super) const TINY: [&str; 15] = [
    "darts-v2",
    "--set",
    "task=scene",
    "--channels",
    "2",
    "--cells",
    "2",
    "--crop",
    "32",
    "--batch-size",
    "4",
    "--set",
    "data.scenes={train=12,test=6,size=32}",
    "--set",
    "network.pyramid={channels=4,rates=[1,2],dropout=0.2}",
];

pub(super) fn fit<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["fit"], &TINY[..], &["--epochs", "1"], more].concat()
}

/// Writes an image of these sides and its mask, of which one half is of a class.
pub(super) fn write_pair(image: &Path, mask: &Path, [height, width]: [u32; 2], class: u8) {
    for path in [image, mask] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    let picture = RgbImage::from_fn(width, height, |x, y| {
        [(9 * x) as u8, (7 * y) as u8, 10 * class].into()
    });
    picture.save(image).unwrap();
    let half = |at: u32| if at % width < width / 2 { 0 } else { class };
    let classes: Vec<u8> = (0..width * height).map(half).collect();
    let sides = [height, width].map(|side| side as usize);
    fs::write(mask, mask_png(&classes, sides).unwrap()).unwrap();
}
