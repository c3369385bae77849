//! Where data sets come from, and their fixed division into training and test images.

use std::{fmt, path::Path, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    cifar, csv,
    dataset::{Dataset, Images, SPLIT_SEED},
    folder,
    folder_options::FolderOptions,
};
pub use crate::data_folder::DATA_ROOT_VARIABLE;
use crate::data_folder::data_folder;
use crate::stream::stratified;
use crate::{Result, WorkbenchError, files};

/// The bundled files, and what a folder is searched for in their place.
pub(super) const DIGITS_FILE: &str = "digits.csv.gz";
pub(super) const MNIST_5K_FILE: &str = "mnist_5k.csv.gz";
const DIGITS: &[u8] = include_bytes!("../../../../datasets/digits.csv.gz");
const MNIST_5K: &[u8] = include_bytes!("../../../../datasets/mnist_5k.csv.gz");

/// A data set that can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetId {
    /// UCI handwritten digits, 1x8x8, bundled: 1,437 for training, 360 for test.
    Digits,
    /// 5,000 digits of MNIST, 1x28x28, bundled: 4,000 for training, 1,000 for test.
    #[serde(rename = "mnist_5k")]
    Mnist5k,
    /// CIFAR-10, 3x32x32, from a folder: 50,000 for training, 10,000 for test.
    Cifar10,
    /// CIFAR-100, 3x32x32, from a folder: 50,000 for training, 10,000 for test.
    Cifar100,
    /// Image files in a folder for each class, as ImageNet has them.
    Folder,
}

impl DatasetId {
    /// Every data set.
    pub const ALL: [Self; 5] = [
        Self::Digits,
        Self::Mnist5k,
        Self::Cifar10,
        Self::Cifar100,
        Self::Folder,
    ];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist5k => "mnist_5k",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Folder => "folder",
        }
    }

    /// The number of classes; that of a folder is known when it is loaded.
    pub fn classes(self) -> Option<usize> {
        match self {
            Self::Digits | Self::Mnist5k | Self::Cifar10 => Some(10),
            Self::Cifar100 => Some(100),
            Self::Folder => None,
        }
    }

    /// `[channels, height, width]` of its images; for a folder, of the default size.
    pub fn image_shape(self) -> [usize; 3] {
        match self {
            Self::Digits => [1, 8, 8],
            Self::Mnist5k => [1, 28, 28],
            Self::Cifar10 | Self::Cifar100 => [3, 32, 32],
            Self::Folder => {
                let size = usize::from(FolderOptions::default().size);
                [3, size, size]
            }
        }
    }
}

impl fmt::Display for DatasetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DatasetId {
    type Err = WorkbenchError;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|id| id.name() == name);
        let names = Self::ALL.map(Self::name);
        found.ok_or_else(|| WorkbenchError::unknown_name("data set", name, &names))
    }
}

/// A data set divided for training and test, the same on every machine.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainTest {
    /// Images to learn from.
    pub train: Dataset,
    /// Images to judge by.
    pub test: Dataset,
}

/// Loads a data set, of a folder with the default options.
///
/// Files are looked for in `root`, or without it in the folder that `DATA_DIR` names. The bundled
/// sets need neither: a `root` replaces the bundled copy, and `DATA_DIR` does where it holds the
/// file. Every division is fixed: of digits 1,437 images train and 360 test, of MNIST-5k 4,000 and
/// 1,000, each class in proportion, chosen by one seeded permutation; CIFAR-10, CIFAR-100 and folders
/// are divided as published, and a folder that is not divided gives a fifth of each class to test.
///
/// # Errors
///
/// When a file is missing, cut short, or holds anything but its published layout. Image files of a
/// folder are not opened yet.
pub fn load(id: DatasetId, root: Option<&Path>) -> Result<TrainTest> {
    load_with(id, root, &FolderOptions::default())
}

/// Loads a data set as [`load`] does, with options for [`DatasetId::Folder`]; the other sets do not
/// use them.
///
/// # Errors
///
/// Those of [`load`], and those of [`FolderOptions::validate`].
pub fn load_with(id: DatasetId, root: Option<&Path>, options: &FolderOptions) -> Result<TrainTest> {
    load_from(id, root, data_folder().as_deref(), options)
}

/// The images of a set that a network is judged by, those of a folder as the network takes them. Where a
/// folder is not divided these are all of its images, or, if it is the one that the network was trained
/// on (its [file names](super::DataDescription::file_names) are `trained`), the share that it did not see.
///
/// # Errors
///
/// Those of [`load_with`].
pub fn load_test(
    id: DatasetId,
    root: Option<&Path>,
    options: &FolderOptions,
    trained: Option<&str>,
) -> Result<Dataset> {
    match id {
        DatasetId::Folder => {
            let variable = data_folder();
            let root = root
                .or(variable.as_deref())
                .ok_or_else(|| missing(id, FOLDER))?;
            folder::read_test(root, options, trained)
        }
        _ => Ok(load_with(id, root, options)?.test),
    }
}

/// What is looked for in a folder of class folders.
const FOLDER: &str = "train/<class>/ and val/<class>/, or <class>/, with image files";

fn missing(id: DatasetId, files: &'static str) -> WorkbenchError {
    WorkbenchError::DataRootMissing {
        dataset: id.name(),
        files,
    }
}

fn load_from(
    id: DatasetId,
    root: Option<&Path>,
    variable: Option<&Path>,
    options: &FolderOptions,
) -> Result<TrainTest> {
    let given = |files| root.or(variable).ok_or_else(|| missing(id, files));
    let (train, test) = match id {
        DatasetId::Digits => {
            let layout = csv::Layout {
                count: 1_797,
                pixels: 64,
                pixel_max: 16,
                classes: 10,
            };
            return bundled(id, (DIGITS_FILE, DIGITS), layout, 1_437, root, variable);
        }
        DatasetId::Mnist5k => {
            let layout = csv::Layout {
                count: 5_000,
                pixels: 784,
                pixel_max: 255,
                classes: 10,
            };
            let file = (MNIST_5K_FILE, MNIST_5K);
            return bundled(id, file, layout, 4_000, root, variable);
        }
        DatasetId::Cifar10 => {
            let files = "data_batch_1.bin to data_batch_5.bin and test_batch.bin";
            cifar::read(&cifar::CIFAR_10, given(files)?)?
        }
        DatasetId::Cifar100 => cifar::read(&cifar::CIFAR_100, given("train.bin and test.bin")?)?,
        DatasetId::Folder => folder::read(given(FOLDER)?, options)?,
    };
    Ok(TrainTest { train, test })
}

fn bundled(
    id: DatasetId,
    (name, embedded): (&str, &[u8]),
    layout: csv::Layout,
    training: usize,
    root: Option<&Path>,
    variable: Option<&Path>,
) -> Result<TrainTest> {
    let override_path = root.map(|root| root.join(name)).or_else(|| {
        variable
            .map(|root| root.join(name))
            .filter(|path| path.exists())
    });
    let (images, labels) = match override_path {
        Some(path) => csv::read(&path.display().to_string(), &files::read(&path)?, layout)?,
        None => csv::read(name, embedded, layout)?,
    };
    let (first, second) = stratified(&labels, training, SPLIT_SEED);
    let mut whole = Dataset {
        name: id.name().into(),
        classes: layout.classes,
        image_shape: id.image_shape(),
        pixel_max: layout.pixel_max,
        images: Images::Memory(Arc::new(images)),
        labels,
        mean: vec![],
        std: vec![],
        class_names: None,
        file_names: None,
        notes: vec![],
    };
    let mut train = whole.subset(&first);
    train.measure();
    whole.mean.clone_from(&train.mean);
    whole.std.clone_from(&train.std);
    Ok(TrainTest {
        train,
        test: whole.subset(&second),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn load_without(
        id: DatasetId,
        root: Option<&Path>,
        variable: Option<&Path>,
    ) -> Result<TrainTest> {
        load_from(id, root, variable, &FolderOptions::default())
    }

    fn class_counts(set: &Dataset) -> Vec<usize> {
        let count = |class| set.labels().iter().filter(|label| **label == class).count();
        (0..10).map(count).collect()
    }

    #[test]
    fn digits_are_divided_as_documented() {
        let data = load_without(DatasetId::Digits, None, None).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (1_437, 360));
        assert!(
            class_counts(&data.test)
                .iter()
                .all(|count| (34..=37).contains(count))
        );
        assert_eq!(data.train.image_shape(), [1, 8, 8]);
    }

    #[test]
    fn mnist_has_every_class_in_both_sets_although_it_is_sorted() {
        let data = load_without(DatasetId::Mnist5k, None, None).unwrap();
        assert_eq!(class_counts(&data.train), [400; 10]);
        assert_eq!(class_counts(&data.test), [100; 10]);
        assert_eq!(data.test.mean(), data.train.mean());
    }

    #[test]
    fn the_division_never_changes() {
        // Checksums of the test images; a change would make earlier results incomparable.
        let checksum = |id| {
            let data = load_without(id, None, None).unwrap();
            crc32fast::hash(data.test.images().unwrap())
        };
        assert_eq!(checksum(DatasetId::Digits), 2_717_537_710);
        assert_eq!(checksum(DatasetId::Mnist5k), 218_086_385);
    }

    #[test]
    fn a_root_replaces_the_bundled_copy() {
        let root = tempfile::tempdir().unwrap();
        let message = load_without(DatasetId::Digits, Some(root.path()), None).unwrap_err();
        assert!(message.to_string().contains("digits.csv.gz"), "{message}");
        fs::write(
            root.path().join("digits.csv.gz"),
            &DIGITS[..DIGITS.len() / 2],
        )
        .unwrap();
        let message = load_without(DatasetId::Digits, Some(root.path()), None).unwrap_err();
        assert!(message.to_string().contains("cut short"), "{message}");
    }

    #[test]
    fn the_variable_replaces_the_bundled_copy_where_it_has_the_file() {
        let root = tempfile::tempdir().unwrap();
        assert!(load_without(DatasetId::Digits, None, Some(root.path())).is_ok());
        fs::write(root.path().join("digits.csv.gz"), "").unwrap();
        assert!(load_without(DatasetId::Digits, None, Some(root.path())).is_err());
    }

    #[test]
    fn a_set_that_is_not_bundled_says_how_to_point_at_it() {
        for (id, file) in [
            (DatasetId::Cifar10, "data_batch_1.bin"),
            (DatasetId::Cifar100, "train.bin"),
            (DatasetId::Folder, "train/<class>/"),
        ] {
            let message = load_without(id, None, None).unwrap_err().to_string();
            let named = message.contains("DATA_DIR") && message.contains(file);
            assert!(named, "{message}");
        }
    }

    #[test]
    fn names_are_the_same_everywhere() {
        for id in DatasetId::ALL {
            assert_eq!(id.to_string().parse::<DatasetId>().unwrap(), id);
            assert_eq!(serde_json::to_value(id).unwrap(), id.name());
        }
        let message = "mnist".parse::<DatasetId>().unwrap_err().to_string();
        assert!(message.contains("did you mean `mnist_5k`?"), "{message}");
    }
}
