//! The published binary layouts of CIFAR-10 and CIFAR-100: records of one or two label bytes and
//! 3,072 pixel bytes, the red plane first, then green, then blue, each 32 rows of 32.

use std::path::Path;
use std::sync::Arc;

use super::dataset::{Dataset, Images};
use crate::{Result, WorkbenchError, files};

const PIXELS: usize = 3 * 32 * 32;

const PYTHON: &str = "the Python version";
const MATLAB: &str = "the Matlab version";
const ARCHIVE: &str = "an archive that is still packed";

/// One of the two sets.
pub(super) struct Layout {
    name: &'static str,
    /// The folder that the published archive unpacks to.
    folder: &'static str,
    training: &'static [&'static str],
    test: &'static str,
    /// Files of the other versions that are published, and of archives, and what they are.
    others: &'static [(&'static str, &'static str)],
    classes: u8,
    /// Label bytes at the start of a record; the last one is the class.
    labels: usize,
    /// Mean and deviation of each colour over the 50,000 published training images.
    mean: [f32; 3],
    std: [f32; 3],
}

/// CIFAR-10: one label byte.
pub(super) const CIFAR_10: Layout = Layout {
    name: "cifar10",
    folder: "cifar-10-batches-bin",
    training: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    others: &[
        ("cifar-10-batches-py/data_batch_1", PYTHON),
        ("data_batch_1", PYTHON),
        ("cifar-10-batches-mat/data_batch_1.mat", MATLAB),
        ("data_batch_1.mat", MATLAB),
        ("cifar-10-binary.tar.gz", ARCHIVE),
        ("cifar-10-python.tar.gz", PYTHON),
        ("cifar-10-matlab.tar.gz", MATLAB),
    ],
    classes: 10,
    labels: 1,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2470, 0.2435, 0.2616],
};

/// CIFAR-100: the coarse label, from 0 to 19, is passed over; the fine one is the class.
pub(super) const CIFAR_100: Layout = Layout {
    name: "cifar100",
    folder: "cifar-100-binary",
    training: &["train.bin"],
    test: "test.bin",
    others: &[
        ("cifar-100-python/train", PYTHON),
        ("train", PYTHON),
        ("cifar-100-matlab/train.mat", MATLAB),
        ("train.mat", MATLAB),
        ("cifar-100-binary.tar.gz", ARCHIVE),
        ("cifar-100-python.tar.gz", PYTHON),
        ("cifar-100-matlab.tar.gz", MATLAB),
    ],
    classes: 100,
    labels: 2,
    mean: [0.5071, 0.4865, 0.4409],
    std: [0.2673, 0.2564, 0.2762],
};

/// Reads the training files and the test file of `root`, or of the folder in it that the published
/// archive unpacks to.
///
/// The published files of CIFAR-10 hold 10,000 records each, those of CIFAR-100 50,000 and 10,000.
/// Fewer are accepted when the training files agree, so that a reduced copy works and, of several
/// files, one cut at the end of a record is still noticed.
pub(super) fn read(layout: &Layout, root: &Path) -> Result<(Dataset, Dataset)> {
    let unpacked = root.join(layout.folder);
    let folder = if unpacked.is_dir() {
        unpacked
    } else {
        root.to_path_buf()
    };
    if !folder.join(layout.training[0]).exists() {
        layout.refuse_others(root)?;
    }
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let mut first_count = None;
    for name in layout.training {
        let path = folder.join(name);
        let before = labels.len();
        layout.read_file(&path, &mut images, &mut labels)?;
        let count = labels.len() - before;
        let expected = *first_count.get_or_insert(count);
        if count != expected {
            let valid = format!("as many as in {}, {expected}", layout.training[0]);
            let found = format!("{count} records");
            return Err(data_error(&path, "whole file".into(), found, valid));
        }
    }
    let train = layout.dataset(images, labels);

    let (mut images, mut labels) = (Vec::new(), Vec::new());
    layout.read_file(&folder.join(layout.test), &mut images, &mut labels)?;
    Ok((train, layout.dataset(images, labels)))
}

impl Layout {
    /// Whether the files of the set are in a folder, or one of another version is.
    pub(super) fn is_in(&self, root: &Path) -> bool {
        let first = self.training[0];
        let own = [root.join(first), root.join(self.folder).join(first)];
        own.iter().any(|path| path.is_file()) || self.other_in(root).is_some()
    }

    fn other_in(&self, root: &Path) -> Option<&'static (&'static str, &'static str)> {
        self.others
            .iter()
            .find(|(file, _)| root.join(file).is_file())
    }

    /// Says of files of another version what they are.
    fn refuse_others(&self, root: &Path) -> Result<()> {
        let Some((file, what)) = self.other_in(root) else {
            return Ok(());
        };
        let valid = format!(
            "the binary version of https://www.cs.toronto.edu/~kriz/cifar.html, unpacked: {} to {}",
            self.training[0], self.test
        );
        let place = "whole file".into();
        Err(data_error(&root.join(file), place, what.to_string(), valid))
    }

    fn dataset(&self, images: Vec<u8>, labels: Vec<u16>) -> Dataset {
        Dataset {
            name: self.name.into(),
            classes: self.classes.into(),
            image_shape: [3, 32, 32],
            pixel_max: 255,
            images: Images::Memory(Arc::new(images)),
            labels,
            mean: self.mean.to_vec(),
            std: self.std.to_vec(),
            class_names: None,
            file_names: None,
            notes: Vec::new(),
        }
    }

    fn read_file(&self, path: &Path, images: &mut Vec<u8>, labels: &mut Vec<u16>) -> Result<()> {
        let bytes = files::read(path)?;
        let size = self.labels + PIXELS;
        let cut = bytes.len() % size;
        if cut != 0 || bytes.is_empty() {
            let place = format!("record {}", bytes.len() / size + 1);
            let found = format!("{cut} bytes before the end of the file");
            let valid = format!("records of {size} bytes each");
            return Err(data_error(path, place, found, valid));
        }
        for (index, record) in bytes.chunks_exact(size).enumerate() {
            let label = record[self.labels - 1];
            if label >= self.classes {
                let valid = format!("a label from 0 to {}", self.classes - 1);
                let place = format!("record {}", index + 1);
                return Err(data_error(path, place, format!("label {label}"), valid));
            }
            labels.push(label.into());
            images.extend_from_slice(&record[self.labels..]);
        }
        Ok(())
    }
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

    /// Pixels of which the one at (channel, row, column) is `channel * 80 + row * 2 + column % 2`.
    fn pixels() -> impl Iterator<Item = u8> {
        (0..3072).map(|at| (at / 1024 * 80 + at / 32 % 32 * 2 + at % 2) as u8)
    }

    fn record(label: u8) -> Vec<u8> {
        std::iter::once(label).chain(pixels()).collect()
    }

    fn record_100(coarse: u8, fine: u8) -> Vec<u8> {
        [coarse, fine].into_iter().chain(pixels()).collect()
    }

    fn read_10(root: &Path) -> Result<(Dataset, Dataset)> {
        read(&CIFAR_10, root)
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
        read_10(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn records_become_planes_in_file_order() {
        let (train, test) = read_10(tiny().path()).unwrap();
        assert_eq!(train.labels(), [1, 8, 2, 7, 3, 6, 4, 5, 5, 4]);
        assert_eq!((test.labels(), test.image_shape()), (&[7][..], [3, 32, 32]));
        // Channel 2, row 5, column 3.
        assert_eq!(train.image(9).unwrap()[2 * 1024 + 5 * 32 + 3], 171);
    }

    #[test]
    fn the_folder_of_the_published_archive_is_found() {
        let outer = tempfile::tempdir().unwrap();
        fs::rename(tiny().path(), outer.path().join("cifar-10-batches-bin")).unwrap();
        assert_eq!(read_10(outer.path()).unwrap().0.len(), 10);
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
        let message = read_10(folder.path()).unwrap_err().to_string();
        assert!(message.contains("cannot read `") && message.contains("data_batch_5.bin"));
    }

    #[test]
    fn other_versions_are_called_by_their_names() {
        for (layout, file, found) in [
            (&CIFAR_10, "cifar-10-batches-py/data_batch_1", PYTHON),
            (&CIFAR_10, "data_batch_1", PYTHON),
            (&CIFAR_10, "cifar-10-batches-mat/data_batch_1.mat", MATLAB),
            (&CIFAR_10, "cifar-10-binary.tar.gz", ARCHIVE),
            (&CIFAR_100, "cifar-100-python/train", PYTHON),
            (&CIFAR_100, "train", PYTHON),
            (&CIFAR_100, "cifar-100-python.tar.gz", PYTHON),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            assert!(layout.is_in(root.path()));
            let message = read(layout, root.path()).unwrap_err().to_string();
            let expected =
                format!("{file}`, whole file: found {found}; valid is the binary version of");
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn the_fine_label_of_cifar_100_is_the_class() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("cifar-100-binary");
        fs::create_dir(&folder).unwrap();
        let train = [record_100(19, 99), record_100(3, 0), record_100(0, 42)].concat();
        fs::write(folder.join("train.bin"), train).unwrap();
        fs::write(folder.join("test.bin"), record_100(7, 8)).unwrap();
        for root in [outer.path(), &folder] {
            let (train, test) = read(&CIFAR_100, root).unwrap();
            assert_eq!(train.labels(), [99, 0, 42]);
            assert_eq!((test.labels(), test.classes()), (&[8][..], 100));
            // Channel 1, row 31, column 30.
            assert_eq!(train.image(2).unwrap()[1024 + 31 * 32 + 30], 142);
        }
        fs::write(folder.join("test.bin"), record_100(7, 100)).unwrap();
        let message = read(&CIFAR_100, &folder).unwrap_err().to_string();
        assert!(
            message.contains("test.bin`, record 1: found label 100; valid is a label from 0 to 99"),
            "{message}"
        );
        // Files of CIFAR-10 are no whole number of these records.
        fs::write(folder.join("test.bin"), record(7)).unwrap();
        let message = read(&CIFAR_100, &folder).unwrap_err().to_string();
        assert!(
            message.ends_with("valid is records of 3074 bytes each"),
            "{message}"
        );
    }
}
