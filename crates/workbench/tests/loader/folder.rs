//! Image folders: which files are found, what their pixels become, and what a file that cannot be
//! read does to a batch.

use std::fs;
use std::path::Path;

use burn_flex::Flex;
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use tempfile::TempDir;
use workbench::images::{
    Augment, Batch, Dataset, DatasetId, FolderOptions, OnCorrupt, TrainTest, TrainingCrop,
    load_with, read_image,
};
use workbench::stream::RngKey;

use crate::files::{self, jpeg, normalised, plain_png, png, write};

const SIZE: usize = 8;
const PLANE: usize = SIZE * SIZE;
const KEY: RngKey = RngKey { seed: 3, epoch: 1 };

fn options() -> FolderOptions {
    FolderOptions {
        size: SIZE as u16,
        ..FolderOptions::default()
    }
}

fn skipping() -> FolderOptions {
    FolderOptions {
        on_corrupt: OnCorrupt::Skip,
        ..options()
    }
}

fn open(root: &Path, options: &FolderOptions) -> workbench::Result<TrainTest> {
    load_with(DatasetId::Folder, Some(root), options)
}

fn refusal(root: &Path) -> String {
    open(root, &options()).unwrap_err().to_string()
}

/// The first batch of these indices, images unchanged.
fn first(set: &Dataset, indices: &[usize]) -> workbench::Result<Batch<Flex>> {
    let mut batches = set.batches([indices], None, KEY, 0, &Default::default());
    batches.next().unwrap()
}

fn pixels(batch: Batch<Flex>) -> Vec<f32> {
    batch.images.into_data().to_vec().unwrap()
}

fn labels(batch: &Batch<Flex>) -> Vec<i32> {
    batch.labels.clone().into_data().to_vec().unwrap()
}

/// Checks that every image of a batch has one colour, within `tolerance` of a byte's value.
fn assert_colours(batch: Batch<Flex>, colours: &[[u8; 3]], tolerance: f32) {
    let values = pixels(batch);
    assert_eq!(values.len(), colours.len() * 3 * PLANE);
    for (at, value) in values.into_iter().enumerate() {
        let (image, channel) = (at / (3 * PLANE), at / PLANE % 3);
        let expected = normalised(channel, colours[image][channel]);
        let off = (value - expected).abs() * 255.0 * files::STD[channel];
        assert!(
            off <= tolerance + 1e-3,
            "image {image}, channel {channel}: {value} {expected}"
        );
    }
}

/// Two folders of four classes, with everything that a folder may hold.
fn mixed() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    write(&at("train/кошка/a.jpg"), &jpeg(&[200, 40, 90], [20, 12]));
    write(&at("train/кошка/b.PNG"), &plain_png([10, 20, 30], [9, 31]));
    let whole = jpeg(&[200, 40, 90], [64, 64]);
    write(&at("train/owl/cut.jpeg"), &whole[..whole.len() - 10]);
    write(&at("train/owl/grey.JPG"), &jpeg(&[77], [16, 16]));
    write(&at("train/owl/notes.txt"), b"no image");
    // Half cyan, a quarter magenta, no yellow, a fifth black.
    write(
        &at("train/owl/press.jpg"),
        &jpeg(&[128, 64, 0, 51], [16, 16]),
    );
    write(&at("train/.hidden/x.png"), &plain_png([0; 3], [8, 8]));
    fs::create_dir_all(at("train/empty")).unwrap();
    write(&at("val/кошка/c.png"), &plain_png([1, 2, 3], [8, 8]));
    write(&at("val/zebra/nested/d.png"), &plain_png([4, 5, 6], [8, 8]));
    root
}

#[test]
fn classes_are_sorted_named_and_counted_over_both_folders() {
    let data = open(mixed().path(), &options()).unwrap();
    let names = ["owl", "zebra", "кошка"];
    assert_eq!(data.train.class_names().unwrap(), names);
    assert_eq!(data.test.class_names().unwrap(), names);
    assert_eq!(data.train.classes(), 3);
    assert_eq!(data.train.image_shape(), [3, SIZE, SIZE]);
    assert_eq!(data.train.labels(), [0, 0, 0, 2, 2]);
    assert_eq!(data.test.labels(), [1, 2]);
}

#[test]
fn empty_classes_and_stray_files_are_named_in_notes() {
    let data = open(mixed().path(), &options()).unwrap();
    let [empty, missing, stray] = data.train.notes() else {
        panic!("{:?}", data.train.notes());
    };
    let ending = "train`: folders without an image were left out: `empty`";
    assert!(empty.ends_with(ending), "{empty}");
    let ending = "train`: 1 of 3 classes have no image: `zebra`";
    assert!(missing.ends_with(ending), "{missing}");
    let name = Path::new("owl").join("notes.txt");
    assert!(stray.contains(": 1 files that are no .jpg"), "{stray}");
    assert!(
        stray.ends_with(&format!(": `{}`", name.display())),
        "{stray}"
    );
    let [empty] = data.test.notes() else {
        panic!("{:?}", data.test.notes());
    };
    assert!(
        empty.ends_with("1 of 3 classes have no image: `owl`"),
        "{empty}"
    );
}

#[test]
fn colours_of_every_kind_of_file_have_their_normalised_values() {
    let root = mixed();
    let train = open(root.path(), &options()).unwrap().train;
    // RGB JPEG, RGB PNG, grey JPEG; JPEG rounds a colour to within two steps.
    let batch = first(&train, &[3, 4, 1]).unwrap();
    assert_eq!(labels(&batch), [2, 2, 0]);
    assert_colours(batch, &[[200, 40, 90], [10, 20, 30], [77; 3]], 2.0);
    assert_colours(first(&train, &[4]).unwrap(), &[[10, 20, 30]], 0.0);
    // CMYK: (255 - c)(255 - k) / 255 of each, so 127, 191 and 255 times 204 / 255.
    assert_colours(first(&train, &[2]).unwrap(), &[[102, 153, 204]], 2.0);
}

#[test]
fn deep_grey_and_transparent_png_files_become_rgb() {
    let root = tempfile::tempdir().unwrap();
    let bytes = |name: &str, bytes: Vec<u8>| {
        let path = root.path().join(name);
        write(&path, &bytes);
        let planes = read_image(&path, 3, &options()).unwrap();
        assert_eq!(planes.len(), 3 * PLANE);
        [0, 1, 2].map(|channel| {
            let plane = &planes[channel * PLANE..(channel + 1) * PLANE];
            assert!(plane.iter().all(|value| *value == plane[0]));
            plane[0]
        })
    };
    // 257 is one step of eight bits.
    let deep = ImageBuffer::from_pixel(8, 8, Rgb([257 * 9_u16, 257 * 200 + 100, 65_535]));
    assert_eq!(bytes("deep.png", png(deep)), [9, 200, 255]);
    let deep_grey: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_pixel(8, 8, Luma([257 * 31]));
    assert_eq!(bytes("deep_grey.png", png(deep_grey)), [31; 3]);
    let grey = GrayImage::from_pixel(8, 8, Luma([130]));
    assert_eq!(bytes("grey.png", png(grey)), [130; 3]);
    let clear = RgbaImage::from_pixel(8, 8, Rgba([3, 140, 250, 7]));
    assert_eq!(bytes("clear.png", png(clear)), [3, 140, 250]);
    // ImageNet has a PNG file whose name says JPEG.
    assert_eq!(bytes("png.jpg", plain_png([1, 2, 3], [8, 8])), [1, 2, 3]);
}

#[test]
fn the_centre_is_cut_out_after_resizing_the_shorter_side() {
    // Three bands of ten columns: the middle one alone is the centre's width.
    let band = |column| Rgb([[255, 0, 0], [0, 200, 0], [0, 0, 255]][column as usize / 10]);
    let picture = RgbImage::from_fn(30, 10, |column, _| band(column));
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("bands.png");
    write(&path, &png(picture));
    let whole = FolderOptions {
        shorter_side: Some(SIZE as u16),
        ..options()
    };
    let planes = read_image(&path, 3, &whole).unwrap();
    // The picture shrinks from 10 to 8 pixels, but nothing of the outer bands comes in.
    let expected = [vec![0; PLANE], vec![200; PLANE], vec![0; PLANE]].concat();
    assert_eq!(planes, expected);
}

#[test]
fn random_crops_change_with_the_epoch_and_can_be_turned_off() {
    let ramp = RgbImage::from_fn(40, 40, |column, row| {
        Rgb([6 * column as u8, 6 * row as u8, 0])
    });
    let root = tempfile::tempdir().unwrap();
    for name in ["train/a/x.png", "train/b/x.png", "val/a/x.png"] {
        write(&root.path().join(name), &png(ramp.clone()));
    }
    let values = |options: &FolderOptions, augment: Option<&Augment>, epoch| {
        let train = open(root.path(), options).unwrap().train;
        let key = RngKey { seed: 3, epoch };
        let mut batches = train.batches([[0]], augment, key, 0, &Default::default());
        pixels(batches.next().unwrap().unwrap())
    };
    let changed = Some(&Augment::default());
    let random = options();
    assert_eq!(values(&random, changed, 1), values(&random, changed, 1));
    assert_ne!(values(&random, changed, 1), values(&random, changed, 2));
    assert_ne!(values(&random, changed, 1), values(&random, None, 1));
    // A crop keeps directions: red still rises from left to right, green from top to bottom.
    let crop = values(&random, changed, 1);
    assert!(crop[0] < crop[SIZE - 1] && crop[PLANE] < crop[2 * PLANE - SIZE]);
    let flip = Augment {
        flip: true,
        ..Augment::default()
    };
    let mirrored = (0..20)
        .filter(|&epoch| {
            let values = values(&random, Some(&flip), epoch);
            values[0] > values[SIZE - 1]
        })
        .count();
    assert!((3..=17).contains(&mirrored), "{mirrored}");
    let centre = FolderOptions {
        training_crop: TrainingCrop::Centre,
        ..options()
    };
    assert_eq!(values(&centre, changed, 1), values(&centre, None, 2));
}

#[test]
fn a_folder_that_is_not_divided_gives_a_fifth_of_each_class_to_test() {
    let root = tempfile::tempdir().unwrap();
    for (class, count) in [("bus", 10), ("train", 5)] {
        for number in 0..count {
            let path = root.path().join(class).join(format!("{number}.png"));
            write(&path, &plain_png([number, 0, 0], [8, 8]));
        }
    }
    let data = open(root.path(), &options()).unwrap();
    assert_eq!(data.train.labels(), [vec![0; 8], vec![1; 4]].concat());
    assert_eq!(data.test.labels(), [0, 0, 1]);
    // Disjoint: the red of each file is its number.
    let reds = |set: &Dataset| {
        let all: Vec<usize> = (0..set.len()).collect();
        let batch = first(set, &all).unwrap();
        let labels = labels(&batch);
        let reds = pixels(batch).into_iter().step_by(3 * PLANE);
        let byte = |value: f32| ((value * files::STD[0] + files::MEAN[0]) * 255.0).round() as i32;
        let mut files: Vec<_> = labels.into_iter().zip(reds.map(byte)).collect();
        files.sort();
        files
    };
    let mut files = [reds(&data.train), reds(&data.test)].concat();
    files.sort();
    let all = (0..10).map(|n| (0, n)).chain((0..5).map(|n| (1, n)));
    assert_eq!(files, all.collect::<Vec<_>>());
    assert_eq!(open(root.path(), &options()).unwrap(), data);
}

#[test]
fn folders_without_an_image_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let missing = refusal(&root.path().join("missing"));
    assert!(
        missing.starts_with("cannot read `") && missing.contains("missing"),
        "{missing}"
    );
    fs::create_dir_all(root.path().join("cat")).unwrap();
    fs::create_dir_all(root.path().join("dog")).unwrap();
    let message = refusal(root.path());
    assert!(
        message.contains("found 0 images in 2 class folders"),
        "{message}"
    );
    write(&root.path().join("cat/a.png"), &plain_png([0; 3], [8, 8]));
    let message = refusal(root.path());
    assert!(
        message.contains("found 1 image; valid is 2 or more"),
        "{message}"
    );
    let root = tempfile::tempdir().unwrap();
    write(
        &root.path().join("train/cat/a.png"),
        &plain_png([0; 3], [8, 8]),
    );
    let message = refusal(root.path());
    assert!(
        message.contains("found a folder `train` alone; valid is a folder `val`"),
        "{message}"
    );
    write(&root.path().join("test/cat/note.txt"), b"");
    let message = refusal(root.path());
    assert!(
        message.contains("test`, the folder: found 0 images in 1 class folders"),
        "{message}"
    );
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let root = mixed();
    let refused = |size, shorter_side| {
        let options = FolderOptions {
            size,
            shorter_side,
            ..options()
        };
        open(root.path(), &options).unwrap_err().to_string()
    };
    assert_eq!(
        refused(0, None),
        "configuration: `data.folder.size` is 0; valid: 1 or more pixels"
    );
    assert_eq!(
        refused(32, Some(31)),
        "configuration: `data.folder.shorter_side` is 31; valid: `data.folder.size`, which is 32, or more"
    );
}

#[test]
fn a_corrupt_file_stops_in_one_sentence_that_names_it() {
    let root = mixed();
    let train = open(root.path(), &options()).unwrap().train;
    let message = first(&train, &[4, 0, 1]).unwrap_err().to_string();
    let path = Path::new("train").join("owl").join("cut.jpeg");
    assert!(message.starts_with("image file `"), "{message}");
    let ending = "`: it is cut short; valid is a complete JPEG, PNG, WebP or BMP image of at most 512 \
                  MiB when it is decoded";
    assert!(
        message.ends_with(&format!("{}{ending}", path.display())),
        "{message}"
    );
}

#[test]
fn a_skipped_file_is_replaced_by_the_next_of_the_order_and_counted_once() {
    let root = mixed();
    let train = open(root.path(), &skipping()).unwrap().train;
    let lists = [vec![4, 0], vec![3, 1]];
    let both = |ahead| -> Vec<_> {
        let batches = train.batches::<Flex>(&lists, None, KEY, ahead, &Default::default());
        batches.map(Result::unwrap).collect()
    };
    for ahead in [0, 2] {
        let [one, two] = <[_; 2]>::try_from(both(ahead)).unwrap();
        // Image 0 is corrupt; image 3 follows, in the next batch.
        assert_eq!((labels(&one), labels(&two)), (vec![2, 2], vec![2, 0]));
        assert_colours(one, &[[10, 20, 30], [200, 40, 90]], 2.0);
        assert_colours(two, &[[200, 40, 90], [77; 3]], 2.0);
    }
    // The order begins anew at its end.
    assert_colours(first(&train, &[4, 0]).unwrap(), &[[10, 20, 30]; 2], 0.0);
    let corrupt = train.corrupt_files();
    let [file] = &corrupt[..] else {
        panic!("{corrupt:?}");
    };
    assert!(file.path.ends_with("train/owl/cut.jpeg"));
    assert_eq!(file.problem, "it is cut short");
}

#[test]
fn skipping_ends_in_an_error_where_nothing_can_be_read() {
    let root = mixed();
    let train = open(root.path(), &skipping()).unwrap().train;
    let message = first(&train, &[0, 0]).unwrap_err().to_string();
    assert!(
        message.contains("cut.jpeg`: it is cut short, and no other file of the order can be read"),
        "{message}"
    );
}

#[test]
fn every_kind_of_damage_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let problem = |name: &str, bytes: &[u8]| {
        let path = root.path().join(name);
        write(&path, bytes);
        let message = read_image(&path, 3, &options()).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
        message
    };
    let whole = plain_png([9, 8, 7], [64, 64]);
    let message = problem("cut.png", &whole[..whole.len() / 2]);
    assert!(message.contains("it cannot be decoded ("), "{message}");
    let message = problem("text.png", b"GIF89a, as it were");
    assert!(
        message.contains("its content is not JPEG, PNG, WebP or BMP"),
        "{message}"
    );
    assert!(problem("nothing.jpg", b"").contains("not JPEG, PNG, WebP or BMP"));
    // Wherever a JPEG file is cut, even within its last marker.
    let whole = jpeg(&[1, 2, 3], [24, 24]);
    let lengths = (3..whole.len()).step_by(17);
    for length in lengths.chain(whole.len() - 3..whole.len()) {
        let message = problem("cut.jpg", &whole[..length]);
        assert!(message.contains("it is cut short"), "{length}: {message}");
    }
    let missing = read_image(&root.path().join("missing.png"), 3, &options()).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("missing.png`: it cannot be read ("),
        "{missing}"
    );
}

#[test]
fn divided_sets_share_the_files_and_what_is_known_of_them() {
    let root = mixed();
    let train = open(root.path(), &skipping()).unwrap().train;
    let (one, two) = train.divide(0.5, 1).unwrap();
    assert_eq!((one.len() + two.len(), one.notes().len()), (5, 0));
    for set in [&one, &two] {
        let all: Vec<usize> = (0..set.len()).collect();
        first(set, &all).unwrap();
    }
    assert_eq!(train.corrupt_files().len(), 1);
    assert_eq!(one.corrupt_files(), two.corrupt_files());
}
