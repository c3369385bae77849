//! Picture files: formats, the way a camera was held, sizes that are refused, grey.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use burn_flex::Flex;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use workbench::images::{
    DatasetId, FolderOptions, TrainingCrop, load_with, read_image, read_stretched,
};
use workbench::stream::RngKey;

use crate::files::{jpeg, plain_png, png, write};

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Three rows of two pixels, each of its own red.
fn numbered() -> RgbImage {
    RgbImage::from_fn(2, 3, |column, row| {
        Rgb([20 * (row * 2 + column) as u8 + 10, 100, 200])
    })
}

/// The reds of a file that is read in this size.
fn reds(path: &Path, [height, width]: [u16; 2]) -> Vec<u8> {
    let planes = read_stretched(path, 3, [height, width]).unwrap();
    planes[..usize::from(height) * usize::from(width)].to_vec()
}

/// EXIF data of one entry, the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let header = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    [&header[..], &[orientation, 0, 0, 0], &[0; 4]].concat()
}

/// A PNG file with the data before or behind its pixels.
fn png_with_exif(picture: RgbImage, orientation: u8, behind: bool) -> Vec<u8> {
    let bytes = png(picture);
    let name = if behind { b"IEND" } else { b"IDAT" };
    let at = bytes.windows(4).position(|four| four == name).unwrap() - 4;
    let data = [&b"eXIf"[..], &exif(orientation)].concat();
    let chunk = [
        &(data.len() as u32 - 4).to_be_bytes()[..],
        &data,
        &crc32fast::hash(&data).to_be_bytes(),
    ]
    .concat();
    [&bytes[..at], &chunk, &bytes[at..]].concat()
}

#[test]
fn pictures_are_turned_as_the_camera_was_held() {
    // By the EXIF standard: which edge of the picture its first stored row and column are.
    let standard = [
        (1, "top", "left"),
        (2, "top", "right"),
        (3, "bottom", "right"),
        (4, "bottom", "left"),
        (5, "left", "top"),
        (6, "right", "top"),
        (7, "right", "bottom"),
        (8, "left", "bottom"),
    ];
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("turned.png");
    for (orientation, first_row, first_column) in standard {
        let transposed = ["left", "right"].contains(&first_row);
        let [height, width] = if transposed { [2, 3] } else { [3, 2] };
        let mut expected = vec![0; 6];
        for (row, column) in (0..3).flat_map(|row| [(row, 0), (row, 1)]) {
            let mut at = [0, 0];
            for (edge, stored) in [(first_row, row), (first_column, column)] {
                match edge {
                    "top" => at[0] = stored,
                    "bottom" => at[0] = height - 1 - stored,
                    "left" => at[1] = stored,
                    _ => at[1] = width - 1 - stored,
                }
            }
            expected[at[0] * width + at[1]] = 20 * (row * 2 + column) as u8 + 10;
        }
        for behind in [false, true] {
            write(&path, &png_with_exif(numbered(), orientation, behind));
            let size = [height as u16, width as u16];
            assert_eq!(reds(&path, size), expected, "{orientation} {behind}");
        }
    }
}

/// Left half dark, right half light: light above after a quarter turn to the left.
fn halves() -> RgbImage {
    RgbImage::from_fn(32, 16, |column, _| {
        Rgb([if column < 16 { 10 } else { 240 }; 3])
    })
}

#[test]
fn every_format_is_read_and_turned() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for (name, format) in [
        ("a.jpg", ImageFormat::Jpeg),
        ("a.png", ImageFormat::Png),
        ("a.webp", ImageFormat::WebP),
        ("a.bmp", ImageFormat::Bmp),
    ] {
        write(&at(name), &encoded(halves(), format));
        let reds = reds(&at(name), [2, 4]);
        for (found, expected) in reds.iter().zip([10, 10, 240, 240].repeat(2)) {
            assert!(found.abs_diff(expected) < 40, "{name}: {reds:?}");
        }
    }
    // A segment of a JPEG file behind its first marker.
    let plain = encoded(halves(), ImageFormat::Jpeg);
    let data = [&b"Exif\0\0"[..], &exif(8)].concat();
    let segment = [
        &[0xFF, 0xE1][..],
        &(data.len() as u16 + 2).to_be_bytes(),
        &data,
    ]
    .concat();
    write(
        &at("turned.jpg"),
        &[&plain[..2], &segment, &plain[2..]].concat(),
    );
    // A chunk of an extended WebP file, with and without the mark of such a segment before the data.
    let simple = encoded(halves(), ImageFormat::WebP);
    for (name, mark) in [("turned.webp", &b""[..]), ("marked.webp", b"Exif\0\0")] {
        let data = [mark, &exif(8)].concat();
        let chunk = |name: &[u8], data: &[u8]| {
            let padding = vec![0; data.len() % 2];
            [name, &(data.len() as u32).to_le_bytes(), data, &padding].concat()
        };
        // Flag of EXIF data, width and height less one in three bytes each.
        let extended = chunk(b"VP8X", &[8, 0, 0, 0, 31, 0, 0, 15, 0, 0]);
        let content = [
            &b"WEBP"[..],
            &extended,
            &simple[12..],
            &chunk(b"EXIF", &data),
        ]
        .concat();
        write(&at(name), &chunk(b"RIFF", &content));
    }
    for name in ["turned.jpg", "turned.webp", "marked.webp"] {
        let reds = reds(&at(name), [4, 2]);
        for (found, expected) in reds.iter().zip([240, 240, 240, 240, 10, 10, 10, 10]) {
            assert!(found.abs_diff(expected) < 40, "{name}: {reds:?}");
        }
    }
    // The same in every epoch of a set.
    let turned = png_with_exif(halves(), 8, false);
    for name in ["train/a/0.png", "train/b/0.png", "val/a/0.png"] {
        write(&at("set").join(name), &turned);
    }
    let options = FolderOptions {
        size: 8,
        shorter_side: Some(8),
        ..FolderOptions::default()
    };
    let data = load_with(DatasetId::Folder, Some(&at("set")), &options).unwrap();
    let key = RngKey { seed: 0, epoch: 0 };
    let batch = data
        .train
        .batch::<Flex>(&[0], None, key, &Default::default());
    let values: Vec<f32> = batch.images.into_data().to_vec().unwrap();
    assert!(values[0] > 1.0 && values[63] < -1.0, "{:?}", &values[..64]);
}

#[test]
fn files_that_are_cut_short_are_noticed_in_every_format() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("cut");
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
        let whole = encoded(halves(), format);
        for length in [whole.len() / 3, whole.len() * 2 / 3, whole.len() - 5] {
            // A PNG file has twelve bytes behind its pixels.
            if format == ImageFormat::Png && length + 12 > whole.len() {
                continue;
            }
            write(&path, &whole[..length]);
            let message = read_stretched(&path, 3, [4, 4]).unwrap_err().to_string();
            let said = ["cut short", "cannot be decoded"]
                .iter()
                .any(|part| message.contains(part));
            assert!(said, "{format:?} {length}: {message}");
        }
    }
}

#[test]
fn pictures_that_would_fill_the_memory_are_refused_by_their_headers() {
    let root = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8], expected: &str| {
        let path = root.path().join(name);
        write(&path, bytes);
        let message = read_image(&path, 3, &FolderOptions::default())
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{name}: {message}");
        assert!(
            message.contains("of at most 512 MiB when it is decoded"),
            "{message}"
        );
    };
    let mut bytes = plain_png([1, 2, 3], [8, 8]);
    bytes[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let checksum = crc32fast::hash(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&checksum);
    refused(
        "a.png",
        &bytes,
        "it has 60000x60000 pixels, which take 10299 MiB",
    );

    // Many pixels of one byte become three times as many.
    let mut bytes = png(GrayImage::from_pixel(8, 8, Luma([1])));
    bytes[16..24].copy_from_slice(&[0, 0, 0x4E, 0x20, 0, 0, 0x4E, 0x20]);
    let checksum = crc32fast::hash(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&checksum);
    refused(
        "grey.png",
        &bytes,
        "it has 20000x20000 pixels, which take 1144 MiB",
    );

    let mut bytes = jpeg(&[1, 2, 3], [16, 16]);
    let frame = bytes
        .windows(2)
        .position(|two| two == [0xFF, 0xC0])
        .unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    refused("a.jpg", &bytes, "it has 65535x65535 pixels");

    let mut bytes = encoded(halves(), ImageFormat::WebP);
    let start = bytes.windows(4).position(|four| four == b"VP8L").unwrap() + 9;
    // Width and height less one, of 14 bits each.
    let sides = (15_999_u32 | 15_999 << 14).to_le_bytes();
    bytes[start..start + 4].copy_from_slice(&sides);
    refused("a.webp", &bytes, "it has 16000x16000 pixels");

    let mut bytes = encoded(halves(), ImageFormat::Bmp);
    bytes[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
    bytes[22..26].copy_from_slice(&60_000_u32.to_le_bytes());
    refused("a.bmp", &bytes, "it has 60000x60000 pixels");

    let path = root.path().join("film.jpg");
    File::create(&path).unwrap().set_len(600 << 20).unwrap();
    let message = read_image(&path, 3, &FolderOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("film.jpg`: it has 600 MiB"), "{message}");
}

#[test]
fn folders_may_be_read_in_grey() {
    let root = tempfile::tempdir().unwrap();
    for name in ["train/a/0.png", "train/b/0.png", "val/a/0.png"] {
        write(&root.path().join(name), &plain_png([255, 0, 0], [8, 8]));
    }
    let options = FolderOptions {
        size: 8,
        channels: 1,
        ..FolderOptions::default()
    };
    let data = load_with(DatasetId::Folder, Some(root.path()), &options).unwrap();
    assert_eq!(data.train.image_shape(), [1, 8, 8]);
    let key = RngKey { seed: 0, epoch: 0 };
    let batch = data
        .train
        .batch::<Flex>(&[0, 1], None, key, &Default::default());
    assert_eq!(batch.images.dims(), [2, 1, 8, 8]);
    let values: Vec<f32> = batch.images.into_data().to_vec().unwrap();
    // The share of red in the brightness by ITU-R BT.709.
    let expected = (0.2126 - 0.449) / 0.226;
    assert!(
        values.iter().all(|value| (value - expected).abs() < 0.02),
        "{values:?}"
    );
    let wrong = FolderOptions {
        channels: 2,
        ..options
    };
    let message = load_with(DatasetId::Folder, Some(root.path()), &wrong).unwrap_err();
    assert_eq!(
        message.to_string(),
        "configuration: `data.folder.channels` is 2; valid: 1 (grey) or 3 (colour)"
    );
}

#[test]
fn pictures_that_stay_the_same_are_decoded_once() {
    let root = tempfile::tempdir().unwrap();
    let read = |crop| {
        for name in ["train/a/0.png", "train/b/0.png", "val/a/0.png"] {
            write(&root.path().join(name), &plain_png([9, 8, 7], [40, 30]));
        }
        let options = FolderOptions {
            size: 8,
            training_crop: crop,
            ..FolderOptions::default()
        };
        let data = load_with(DatasetId::Folder, Some(root.path()), &options).unwrap();
        let changed = Some(&Default::default());
        let values = |epoch| {
            let key = RngKey { seed: 0, epoch };
            let lists = [[0, 1]];
            let mut batches =
                data.train
                    .batches::<Flex>(lists, changed, key, 0, &Default::default());
            let batch = batches.next().unwrap();
            batch.map(|batch| batch.images.into_data().to_vec::<f32>().unwrap())
        };
        let first = values(0).unwrap();
        fs::remove_dir_all(root.path().join("train")).unwrap();
        (first, values(1))
    };
    let (first, second) = read(TrainingCrop::Centre);
    assert_eq!(second.unwrap(), first);
    assert!(read(TrainingCrop::Random).1.is_err());
}
