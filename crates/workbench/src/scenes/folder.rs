//! A folder of images and their masks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{MaskedFiles, Pair, wrong};
use super::mask::MaskCode;
use super::set::{SceneSet, SceneTrainTest, Source};
use super::{IGNORED, MOST_CLASSES};
use crate::images::image_files_below;
use crate::{Result, WorkbenchError};

/// How a folder of images and masks is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairOptions {
    /// Names of the classes, in the order of the numbers that masks have for them.
    pub classes: Vec<String>,
    /// The folder of the images.
    pub images: String,
    /// The folder of the masks: that of `images/NAME.jpg` is `masks/NAME.png`.
    pub masks: String,
    /// What follows the name of an image in that of its mask.
    pub mask_suffix: String,
    /// The colours (`"#rrggbb"`) that stand for the classes in masks, where their pixels are not the numbers
    /// of classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub colours: Vec<String>,
}

impl Default for PairOptions {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            images: "images".into(),
            masks: "masks".into(),
            mask_suffix: String::new(),
            colours: Vec::new(),
        }
    }
}

/// Names of the part that is learned from and of those that may be judged by.
const TRAINING: &str = "train";
const JUDGING: [&str; 2] = ["val", "test"];
/// Of a folder that is not divided one in so many is judged by.
const TEST_SHARE: f64 = 0.2;
const SPLIT_SEED: u64 = 0;
/// So many masks are looked at before a run begins.
const LOOKED_AT: usize = 8;

impl PairOptions {
    /// Checks the values for a folder that is read.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        let classes = self.classes.len();
        if !(2..=MOST_CLASSES).contains(&classes) {
            let valid = format!(
                "the names of 2 to {MOST_CLASSES} classes in the order of their numbers in the masks, such as \
                 [\"background\", \"cat\"]"
            );
            return Err(WorkbenchError::field(
                "data.folder.classes",
                format!("{:?}", self.classes),
                &valid,
            ));
        }
        for (field, name) in [
            ("data.folder.images", &self.images),
            ("data.folder.masks", &self.masks),
        ] {
            if name.trim().is_empty() {
                return Err(WorkbenchError::field(
                    field,
                    format!("{name:?}"),
                    "the name of a folder",
                ));
            }
        }
        self.code().map(|_| ())
    }

    fn code(&self) -> Result<MaskCode> {
        if self.colours.is_empty() {
            return Ok(MaskCode::Numbers(self.classes.len()));
        }
        let field =
            |found: String, valid: &str| WorkbenchError::field("data.folder.colours", found, valid);
        if self.colours.len() != self.classes.len() {
            let found = format!("{} colours", self.colours.len());
            return Err(field(
                found,
                &format!("{}, one a class", self.classes.len()),
            ));
        }
        let mut colours = Vec::new();
        for text in &self.colours {
            let colour = colour_of(text)
                .ok_or_else(|| field(text.clone(), "colours such as \"#ff0000\""))?;
            if colours.contains(&colour) {
                return Err(field(
                    format!("{text} twice"),
                    "a colour of its own for each class",
                ));
            }
            colours.push(colour);
        }
        Ok(MaskCode::of_colours(&colours))
    }
}

/// The colour that `#rrggbb` stands for.
fn colour_of(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, colour @ ..] = number.to_be_bytes();
    Some(colour)
}

/// Where the images and the masks of a part lie.
#[derive(Debug)]
struct Part {
    images: PathBuf,
    masks: PathBuf,
}

/// The part that is learned from, and the one that is judged by where they are apart.
fn layout(root: &Path, options: &PairOptions) -> Result<(Part, Option<Part>)> {
    let part = |name: &str| {
        let around = Part {
            images: root.join(name).join(&options.images),
            masks: root.join(name).join(&options.masks),
        };
        let inside = Part {
            images: root.join(&options.images).join(name),
            masks: root.join(&options.masks).join(name),
        };
        [around, inside]
            .into_iter()
            .find(|part| part.images.is_dir())
    };
    let judged = || JUDGING.iter().find_map(|name| part(name));
    let whole = Part {
        images: root.join(&options.images),
        masks: root.join(&options.masks),
    };
    match (part(TRAINING), judged()) {
        (Some(train), Some(test)) => Ok((train, Some(test))),
        (None, None) if whole.images.is_dir() => Ok((whole, None)),
        (Some(_), None) => Err(wrong(
            root,
            "the folder",
            "images for training and none to judge by",
            "val beside train, or images without such parts",
        )),
        (None, Some(_)) => Err(wrong(
            root,
            "the folder",
            "images to judge by and none for training",
            "train beside val, or images without such parts",
        )),
        (None, None) => {
            let (images, masks) = (&options.images, &options.masks);
            let valid = format!(
                "train/{images}/NAME.jpg with train/{masks}/NAME.png and the same below val, or {images}/NAME.jpg \
                 with {masks}/NAME.png (`data.folder.images` and `data.folder.masks` are their names)"
            );
            Err(wrong(
                root,
                "the folder",
                format!("no folder {images}"),
                valid,
            ))
        }
    }
}

impl Part {
    /// Every image with its mask.
    fn pairs(&self, options: &PairOptions) -> Result<Vec<Pair>> {
        let images = image_files_below(&self.images)?;
        let mut masks: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for image in images {
            let place = image.strip_prefix(&self.images).unwrap_or(&image);
            let stem = place.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{stem}{}.png", options.mask_suffix);
            let mask = self.masks.join(place).with_file_name(&name);
            if !mask.is_file() {
                let found = format!("no mask `{}`", mask.display());
                return Err(wrong(
                    &image,
                    "the image",
                    found,
                    "a mask for every image, called as the image and ending in .png",
                ));
            }
            if let Some(other) = masks.insert(mask.clone(), image.clone()) {
                let found = format!("another image of the same name, `{}`", other.display());
                return Err(wrong(
                    &image,
                    "the image",
                    found,
                    "a name for each image, as its mask has the same one",
                ));
            }
        }
        for mask in image_files_below(&self.masks)? {
            if !masks.contains_key(&mask) {
                let found = format!("no image of its name in `{}`", self.images.display());
                return Err(wrong(
                    &mask,
                    "the mask",
                    found,
                    "an image for every mask, in a folder of the same name",
                ));
            }
        }
        Ok(masks
            .into_iter()
            .map(|(mask, image)| Pair { image, mask })
            .collect())
    }
}

pub(super) fn read(name: &str, root: &Path, options: &PairOptions) -> Result<SceneTrainTest> {
    options.validate()?;
    let (train, test) = layout(root, options)?;
    let set = |part: &Part| {
        let files = MaskedFiles::new(part.pairs(options)?, options.code()?);
        check_ignored(&files, options)?;
        Ok::<_, WorkbenchError>(SceneSet::new(
            name.into(),
            options.classes.clone(),
            Source::Files(files.into()),
        ))
    };
    let train = set(&train)?;
    if let Some(test) = test {
        let test = set(&test)?;
        return Ok(SceneTrainTest { train, test });
    }
    let (train, test) = train.divide(1.0 - TEST_SHARE, SPLIT_SEED).ok_or_else(|| {
        wrong(
            root,
            "the folder",
            format!("{} images", train.len()),
            "3 or more, of which a fifth is judged by",
        )
    })?;
    Ok(SceneTrainTest { train, test })
}

/// Refuses masks of 0 and [`IGNORED`] alone: who paints an object white means a class by it.
fn check_ignored(files: &MaskedFiles, options: &PairOptions) -> Result<()> {
    if !options.colours.is_empty() {
        return Ok(());
    }
    let mut painted = None;
    for place in 0..files.len().min(LOOKED_AT) {
        let mask = files.mask(place)?;
        if mask.iter().any(|&class| class != 0 && class != IGNORED) {
            return Ok(());
        }
        if mask.contains(&IGNORED) {
            painted.get_or_insert(place);
        }
    }
    match painted {
        None => Ok(()),
        Some(place) => Err(wrong(
            files.mask_path(place),
            "whole file",
            format!(
                "no pixels but of 0 and {IGNORED}, which does not count, and so in the masks beside it"
            ),
            "the numbers of classes, 0 and 1; where white stands for a class, \
             `data.folder.colours = [\"#000000\", \"#ffffff\"]`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::scenes::mask_png;
    use image::{ImageFormat, RgbImage};

    fn options() -> PairOptions {
        PairOptions {
            classes: ["ground", "road"].map(String::from).to_vec(),
            ..PairOptions::default()
        }
    }

    fn write(images: &Path, masks: &Path, name: &str, mask: &[u8; 4]) {
        fs::create_dir_all(images).unwrap();
        fs::create_dir_all(masks).unwrap();
        let picture = RgbImage::from_pixel(2, 2, [1, 2, 3].into());
        picture
            .save_with_format(images.join(format!("{name}.jpg")), ImageFormat::Jpeg)
            .unwrap();
        fs::write(
            masks.join(format!("{name}.png")),
            mask_png(mask, [2, 2]).unwrap(),
        )
        .unwrap();
    }

    fn filled(root: &Path, places: &[[&str; 2]], count: usize) {
        for [images, masks] in places {
            for at in 0..count {
                let name = format!("picture {at}");
                write(
                    &root.join(images),
                    &root.join(masks),
                    &name,
                    &[0, 1, 255, at as u8 % 2],
                );
            }
        }
    }

    fn message(root: &Path, options: &PairOptions) -> String {
        read("folder", root, options).unwrap_err().to_string()
    }

    #[test]
    fn parts_may_lie_around_images_and_masks_or_inside_of_them() {
        for places in [
            [["train/images", "train/masks"], ["val/images", "val/masks"]],
            [
                ["images/train", "masks/train"],
                ["images/test", "masks/test"],
            ],
        ] {
            let root = tempfile::tempdir().unwrap();
            filled(root.path(), &places, 3);
            let data = read("folder", root.path(), &options()).unwrap();
            assert_eq!((data.train.len(), data.test.len()), (3, 3));
            assert_eq!(data.train.scene(1).unwrap().mask, [0, 1, 255, 1]);
            assert_eq!(data.test.class_names(), ["ground", "road"]);
        }
    }

    #[test]
    fn a_fifth_of_a_folder_that_is_not_divided_is_judged_by() {
        let root = tempfile::tempdir().unwrap();
        filled(root.path(), &[["images", "masks"]], 10);
        let data = read("folder", root.path(), &options()).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (8, 2));
        let other = PairOptions {
            images: "img".into(),
            mask_suffix: "_m".into(),
            ..options()
        };
        fs::rename(root.path().join("images"), root.path().join("img")).unwrap();
        for at in 0..10 {
            let [from, to] =
                ["", "_m"].map(|end| root.path().join(format!("masks/picture {at}{end}.png")));
            fs::rename(from, to).unwrap();
        }
        assert_eq!(read("folder", root.path(), &other).unwrap().train.len(), 8);
        let none = message(root.path(), &options());
        assert!(
            none.contains("found no folder images; valid is train/images/NAME.jpg"),
            "{none}"
        );
    }

    #[test]
    fn images_and_masks_without_each_other_are_named() {
        let root = tempfile::tempdir().unwrap();
        filled(root.path(), &[["images", "masks"]], 4);
        let [image, mask] =
            ["images/picture 2.jpg", "masks/picture 2.png"].map(|name| root.path().join(name));
        let away = root.path().join("away");
        fs::rename(&mask, &away).unwrap();
        let text = message(root.path(), &options());
        assert!(
            text.contains("images/picture 2.jpg`, the image: found no mask `"),
            "{text}"
        );
        fs::rename(&away, &mask).unwrap();
        fs::remove_file(image).unwrap();
        let text = message(root.path(), &options());
        assert!(
            text.contains("masks/picture 2.png`, the mask: found no image"),
            "{text}"
        );
    }

    #[test]
    fn parts_without_each_other_are_refused() {
        for (part, expected) in [("train", "none to judge by"), ("val", "none for training")] {
            let root = tempfile::tempdir().unwrap();
            let places = [format!("{part}/images"), format!("{part}/masks")];
            filled(root.path(), &[[&places[0], &places[1]]], 2);
            let text = message(root.path(), &options());
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn masks_that_are_black_and_white_are_pointed_out() {
        let root = tempfile::tempdir().unwrap();
        for at in 0..5 {
            write(
                &root.path().join("images"),
                &root.path().join("masks"),
                &at.to_string(),
                &[0, 0, 255, 255],
            );
        }
        let text = message(root.path(), &options());
        assert!(
            text.contains("masks/0.png`") && text.contains("#ffffff"),
            "{text}"
        );
        // VOC's colour of 255, as these masks have its palette.
        let colours = ["#000000", "#e0e0c0"].map(String::from).to_vec();
        let coloured = PairOptions {
            colours,
            ..options()
        };
        let data = read("folder", root.path(), &coloured).unwrap();
        assert_eq!(data.train.scene(0).unwrap().mask, [0, 0, 1, 1]);
    }

    #[test]
    fn options_that_cannot_be_meant_are_refused() {
        let message = |options: PairOptions| options.validate().unwrap_err().to_string();
        let classes = message(PairOptions::default());
        assert!(
            classes.contains("`data.folder.classes` is []; valid: the names of 2 to 255"),
            "{classes}"
        );
        for (colours, expected) in [
            (&["#000000"][..], "is 1 colours; valid: 2, one a class"),
            (&["#000000", "red"], "is red; valid: colours such as"),
            (&["#000000", "#000000"], "is #000000 twice"),
        ] {
            let colours = colours.iter().map(|colour| colour.to_string()).collect();
            let text = message(PairOptions {
                colours,
                ..options()
            });
            assert!(text.contains(expected), "{text}");
        }
    }
}
