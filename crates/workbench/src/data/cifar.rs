//! The published binary layout of CIFAR-10: records of one label byte and 3,072 pixel bytes, the
//! red plane first, then green, then blue, each 32 rows of 32.

use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use crate::{Result, WorkbenchError, files};

const RECORD: usize = 1 + 3 * 32 * 32;
const CLASSES: u8 = 10;

/// Mean and deviation of each colour over the 50,000 published training images.
const MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];
const STD: [f32; 3] = [0.2470, 0.2435, 0.2616];

/// Reads the five training files and the test file of `root`, or of the folder
/// `cifar-10-batches-bin` that the published archive unpacks to.
///
/// The published files hold 10,000 records each. Fewer are accepted when the training files agree,
/// so that a reduced copy works and a file cut at the end of a record is still noticed.
pub(super) fn read(root: &Path) -> Result<(Dataset, Dataset)> {
    let unpacked = root.join("cifar-10-batches-bin");
    let folder = if unpacked.is_dir() {
        unpacked
    } else {
        root.to_path_buf()
    };
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let mut first_count = None;
    for number in 1..=5 {
        let path = folder.join(format!("data_batch_{number}.bin"));
        let before = labels.len();
        read_file(&path, &mut images, &mut labels)?;
        let count = labels.len() - before;
        let expected = *first_count.get_or_insert(count);
        if count != expected {
            let valid = format!("as many as in data_batch_1.bin, {expected}");
            return Err(data_error(
                &path,
                "whole file".into(),
                format!("{count} records"),
                valid,
            ));
        }
    }
    let train = dataset(images, labels);

    let (mut images, mut labels) = (Vec::new(), Vec::new());
    read_file(&folder.join("test_batch.bin"), &mut images, &mut labels)?;
    Ok((train, dataset(images, labels)))
}

fn dataset(images: Vec<u8>, labels: Vec<u16>) -> Dataset {
    Dataset {
        name: "cifar10".into(),
        classes: CLASSES.into(),
        image_shape: [3, 32, 32],
        pixel_max: 255,
        images,
        labels,
        mean: MEAN.to_vec(),
        std: STD.to_vec(),
    }
}

fn read_file(path: &PathBuf, images: &mut Vec<u8>, labels: &mut Vec<u16>) -> Result<()> {
    let bytes = files::read(path)?;
    let cut = bytes.len() % RECORD;
    if cut != 0 || bytes.is_empty() {
        let place = format!("record {}", bytes.len() / RECORD + 1);
        let found = format!("{cut} bytes before the end of the file");
        return Err(data_error(
            path,
            place,
            found,
            format!("records of {RECORD} bytes each"),
        ));
    }
    for (index, record) in bytes.chunks_exact(RECORD).enumerate() {
        let label = record[0];
        if label >= CLASSES {
            let valid = format!("a label from 0 to {}", CLASSES - 1);
            let place = format!("record {}", index + 1);
            return Err(data_error(path, place, format!("label {label}"), valid));
        }
        labels.push(label.into());
        images.extend_from_slice(&record[1..]);
    }
    Ok(())
}

fn data_error(path: &Path, place: String, found: String, valid: String) -> WorkbenchError {
    WorkbenchError::Data {
        file: path.display().to_string(),
        place,
        found,
        valid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A record whose pixel at (channel, row, column) is `channel * 80 + row * 2 + column % 2`.
    fn record(label: u8) -> Vec<u8> {
        let pixel = |at: usize| (at / 1024 * 80 + at / 32 % 32 * 2 + at % 2) as u8;
        std::iter::once(label).chain((0..3072).map(pixel)).collect()
    }

    fn tiny() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=5_u8 {
            let content = [record(number), record(9 - number)].concat();
            fs::write(
                folder.path().join(format!("data_batch_{number}.bin")),
                content,
            )
            .unwrap();
        }
        fs::write(folder.path().join("test_batch.bin"), record(7)).unwrap();
        folder
    }

    fn message_after(file: &str, content: &[u8]) -> String {
        let folder = tiny();
        fs::write(folder.path().join(file), content).unwrap();
        read(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn records_become_planes_in_file_order() {
        let (train, test) = read(tiny().path()).unwrap();
        assert_eq!(train.labels(), [1, 8, 2, 7, 3, 6, 4, 5, 5, 4]);
        assert_eq!((test.labels(), test.image_shape()), (&[7][..], [3, 32, 32]));
        // Channel 2, row 5, column 3.
        assert_eq!(train.image(9)[2 * 1024 + 5 * 32 + 3], 171);
    }

    #[test]
    fn the_folder_of_the_published_archive_is_found() {
        let outer = tempfile::tempdir().unwrap();
        fs::rename(tiny().path(), outer.path().join("cifar-10-batches-bin")).unwrap();
        assert_eq!(read(outer.path()).unwrap().0.len(), 10);
    }

    #[test]
    fn a_file_cut_within_a_record_is_named() {
        let message = message_after("data_batch_3.bin", &record(1)[..500]);
        assert!(message.contains("data_batch_3.bin`, record 1: found 500 bytes before the end"));
        assert!(
            message.ends_with("valid is records of 3073 bytes each"),
            "{message}"
        );
    }

    #[test]
    fn a_file_cut_between_records_is_named() {
        let message = message_after("data_batch_4.bin", &record(1));
        assert!(
            message.contains("data_batch_4.bin`, whole file: found 1 records"),
            "{message}"
        );
    }

    #[test]
    fn a_label_out_of_range_is_named() {
        let message = message_after("test_batch.bin", &[record(3), record(10)].concat());
        assert!(
            message.contains("test_batch.bin`, record 2: found label 10; valid is a label from")
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tiny();
        fs::remove_file(folder.path().join("data_batch_5.bin")).unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("cannot read `") && message.contains("data_batch_5.bin"));
    }
}
