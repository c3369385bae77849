//! PASCAL VOC 2012 as it is published: JPEG images, masks whose pixels are numbers of classes, and lists of
//! names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{MaskedFiles, Pair, wrong};
use super::mask::MaskCode;
use super::set::{SceneSet, SceneTrainTest, Source};
use crate::{Result, files};

const CLASSES: [&str; 21] = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

const LISTS: &str = "ImageSets/Segmentation";
const AUGMENTED: &str = "SegmentationClassAug";
const ARCHIVES: [&str; 2] = [
    "VOCtrainval_11-May-2012.tar",
    "VOCtrainval_11-May-2012.tar.gz",
];

/// Which list of names is learned from; `val` is what is judged by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VocList {
    /// The augmented list (`trainaug`) where it is there, and `train` otherwise.
    #[default]
    Best,
    /// 1,464 images.
    Train,
    /// 10,582 images, with masks of the Semantic Boundaries Dataset in `SegmentationClassAug`.
    Trainaug,
    /// 2,913 images, those that are judged by among them.
    Trainval,
}

/// How PASCAL VOC is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VocOptions {
    /// The list of training images.
    pub list: VocList,
}

/// Whether a folder holds the set, or a folder that holds it.
pub(super) fn is_in(root: &Path) -> bool {
    home(root).is_some()
}

fn home(root: &Path) -> Option<PathBuf> {
    let folders = ["", "VOC2012", "VOCdevkit/VOC2012"].map(|inner| root.join(inner));
    folders
        .into_iter()
        .find(|folder| folder.join(LISTS).is_dir())
}

pub(super) fn read(name: &str, root: &Path, options: VocOptions) -> Result<SceneTrainTest> {
    let home = home(root).ok_or_else(|| {
        let packed = ARCHIVES.iter().find(|archive| root.join(archive).is_file());
        let found = match packed {
            Some(archive) => format!("{archive}, which is still packed"),
            None => format!("no folder {LISTS}"),
        };
        let valid = "the unpacked folder VOC2012, with JPEGImages, SegmentationClass and ImageSets";
        wrong(root, "the folder", found, valid)
    })?;
    let list = match options.list {
        VocList::Best if list_path(&home, "trainaug").is_file() => "trainaug",
        VocList::Best | VocList::Train => "train",
        VocList::Trainaug => "trainaug",
        VocList::Trainval => "trainval",
    };
    let (train, test) = (pairs(&home, list)?, pairs(&home, "val")?);
    let judged: BTreeSet<&PathBuf> = test.iter().map(|pair| &pair.image).collect();
    let seen = train
        .iter()
        .filter(|pair| judged.contains(&pair.image))
        .count();
    let set = |pairs| {
        let files = MaskedFiles::new(pairs, MaskCode::Numbers(CLASSES.len()));
        let classes = CLASSES.map(String::from).to_vec();
        SceneSet::new(name.into(), classes, Source::Files(files.into()))
    };
    let count = test.len();
    let (mut train, test) = (set(train), set(test));
    train
        .notes
        .push(format!("training images are those of {LISTS}/{list}.txt"));
    if seen > 0 {
        train.notes.push(format!(
            "{seen} of the {count} images that are judged by are learned from, too"
        ));
    }
    Ok(SceneTrainTest { train, test })
}

fn list_path(home: &Path, list: &str) -> PathBuf {
    home.join(LISTS).join(format!("{list}.txt"))
}

/// The files of a list. A line is a name; in some copies of the augmented list it is the path of an image
/// and that of its mask.
fn pairs(home: &Path, list: &str) -> Result<Vec<Pair>> {
    let path = list_path(home, list);
    let text = files::read_to_string(&path)?;
    let mut pairs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(entry) = line.split_whitespace().next() else {
            continue;
        };
        let place = format!("line {}", number + 1);
        let name = Path::new(entry)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let existing = |folder: &str, ending: &str| {
            let file = home.join(folder).join(format!("{name}.{ending}"));
            file.is_file().then_some(file)
        };
        let missing = |file: String| {
            let found = format!("the name `{name}`, of which there is no file {file}");
            let valid = format!(
                "names of images in JPEGImages with masks in SegmentationClass or {AUGMENTED}"
            );
            wrong(&path, place.clone(), found, valid)
        };
        let image = existing("JPEGImages", "jpg")
            .ok_or_else(|| missing(format!("JPEGImages/{name}.jpg")))?;
        let augmented = existing(AUGMENTED, "png").filter(|_| list == "trainaug");
        let mask = augmented.or_else(|| existing("SegmentationClass", "png"));
        let mask = mask.ok_or_else(|| missing(format!("SegmentationClass/{name}.png")))?;
        pairs.push(Pair { image, mask });
    }
    match pairs.is_empty() {
        false => Ok(pairs),
        true => Err(wrong(
            &path,
            "whole file",
            "no name",
            "the name of an image a line",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::scenes::IGNORED;
    use crate::scenes::mask_png;
    use image::{ImageFormat, RgbImage};

    /// A folder in the published layout: three training images, two more of the augmented list, one to
    /// judge by.
    fn tiny() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("VOCdevkit/VOC2012");
        for folder in ["JPEGImages", "SegmentationClass", AUGMENTED, LISTS] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        for (at, name) in [
            "2007_000001",
            "2007_000002",
            "2007_000003",
            "2008_000004",
            "2008_000005",
            "2009_000006",
        ]
        .into_iter()
        .enumerate()
        {
            let picture = RgbImage::from_pixel(5, 3, [40 * at as u8, 90, 200].into());
            let path = home.join(format!("JPEGImages/{name}.jpg"));
            picture.save_with_format(path, ImageFormat::Jpeg).unwrap();
            let class = at as u8 + 15;
            let mask = [
                0, 0, 255, class, class, 0, 0, 255, class, class, 0, 0, 255, 255, 255,
            ];
            let folder = if (3..5).contains(&at) {
                AUGMENTED
            } else {
                "SegmentationClass"
            };
            let mask = mask_png(&mask, [3, 5]).unwrap();
            fs::write(home.join(folder).join(format!("{name}.png")), mask).unwrap();
        }
        for (list, names) in [
            ("train", "2007_000001\n2007_000002\n2007_000003\n"),
            ("val", "2009_000006\r\n\r\n"),
            (
                "trainval",
                "2007_000001\n2007_000002\n2007_000003\n2009_000006\n",
            ),
        ] {
            fs::write(list_path(&home, list), names).unwrap();
        }
        root
    }

    fn home_of(root: &tempfile::TempDir) -> PathBuf {
        root.path().join("VOCdevkit/VOC2012")
    }

    fn read_list(root: &Path, list: VocList) -> Result<SceneTrainTest> {
        read("voc2012", root, VocOptions { list })
    }

    #[test]
    fn images_masks_and_lists_are_read_as_published() {
        let root = tiny();
        for root in [root.path(), &root.path().join("VOCdevkit"), &home_of(&root)] {
            assert!(is_in(root));
            let data = read_list(root, VocList::Best).unwrap();
            assert_eq!((data.train.len(), data.test.len()), (3, 1));
            assert_eq!(data.train.class_names()[15], "person");
            assert_eq!(data.train.class_names().len(), 21);
            let scene = data.train.scene(1).unwrap();
            assert_eq!(
                (scene.sides(), data.train.sides(1).unwrap()),
                ([3, 5], [3, 5])
            );
            assert_eq!(scene.mask[..5], [0, 0, IGNORED, 16, 16]);
            assert_eq!(data.test.scene(0).unwrap().mask[4], 20);
            let [red, ..] = scene.image.get_pixel(0, 0).0;
            assert!(red.abs_diff(40) < 8, "{red}");
        }
    }

    #[test]
    fn the_augmented_list_is_taken_where_it_is_there() {
        let root = tiny();
        let list = list_path(&home_of(&root), "trainaug");
        for line in [
            "2008_000004\n2007_000001\n2008_000005",
            "/JPEGImages/2008_000004.jpg /SegmentationClassAug/2008_000004.png",
        ] {
            fs::write(&list, line).unwrap();
            let data = read_list(root.path(), VocList::Best).unwrap();
            assert_eq!(data.train.len(), line.lines().count());
            assert_eq!(data.train.scene(0).unwrap().mask[4], 18);
            assert!(data.train.notes()[0].contains("trainaug.txt"));
        }
        assert_eq!(
            read_list(root.path(), VocList::Train).unwrap().train.len(),
            3
        );
        let both = read_list(root.path(), VocList::Trainval).unwrap();
        assert!(both.train.notes()[1].contains("1 of the 1 images that are judged by"));
    }

    #[test]
    fn a_missing_file_of_a_list_is_named() {
        let root = tiny();
        let message = |list| read_list(root.path(), list).unwrap_err().to_string();
        fs::write(
            list_path(&home_of(&root), "trainaug"),
            "\n2008_000004\n2011_000009\n",
        )
        .unwrap();
        let image = message(VocList::Trainaug);
        let expected = "trainaug.txt`, line 3: found the name `2011_000009`, of which there is no file \
                        JPEGImages/2011_000009.jpg; valid is";
        assert!(image.contains(expected), "{image}");
        fs::remove_file(home_of(&root).join("SegmentationClass/2007_000002.png")).unwrap();
        let mask = message(VocList::Train);
        assert!(
            mask.contains("line 2") && mask.contains("SegmentationClass/2007_000002.png"),
            "{mask}"
        );
        fs::remove_file(list_path(&home_of(&root), "train")).unwrap();
        let list = message(VocList::Train);
        assert!(
            list.contains("cannot read") && list.contains("train.txt"),
            "{list}"
        );
        fs::write(list_path(&home_of(&root), "val"), "\n").unwrap();
        fs::write(list_path(&home_of(&root), "trainaug"), "2008_000004").unwrap();
        let empty = message(VocList::Trainaug);
        assert!(
            empty.contains("val.txt`, whole file: found no name"),
            "{empty}"
        );
    }

    #[test]
    fn a_folder_without_the_set_is_named() {
        let root = tempfile::tempdir().unwrap();
        let message = || {
            read_list(root.path(), VocList::Best)
                .unwrap_err()
                .to_string()
        };
        assert!(
            message().contains("found no folder ImageSets/Segmentation; valid is the unpacked")
        );
        fs::write(root.path().join(ARCHIVES[0]), "x").unwrap();
        assert!(message().contains("which is still packed"));
    }
}
