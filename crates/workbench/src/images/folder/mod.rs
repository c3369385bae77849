//! Folders of class folders, the layout of ImageNet among others.

mod annotations;
mod classes;
mod entries;
mod layout;
mod parts;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::classes::ClassFolders;
use self::entries::{Entries, name_of};
use self::layout::{Layout, inside};
use super::dataset::{Dataset, SPLIT_SEED};
use super::folder_options::FolderOptions;
use super::image_files::file_names;
use crate::stream::stratified;
use crate::{Result, WorkbenchError};

/// One image in this many is for test where a folder is not divided.
const TEST_SHARE: usize = 5;

/// Reads the names of classes and files below `root`; no image is opened.
///
/// A folder of training images and one to judge by, of validation or else of test, each hold a folder
/// for each class; [`parts`] says what they may be called. Without such parts `root` holds the class
/// folders itself, and every fifth image of each class, chosen by a fixed seed, is for test. Classes
/// are sorted by name, are those of both parts together and have images.
pub(super) fn read(root: &Path, options: &FolderOptions) -> Result<(Dataset, Dataset)> {
    options.validate()?;
    match Layout::of(root)? {
        Layout::Parts(found) => {
            let (train, test) = found.read()?;
            let classes = class_names([&train, &test]);
            check_number(root, &classes)?;
            let mut train = train.dataset(&classes, options)?;
            train.notes.extend(found.note(root));
            Ok((train, test.dataset(&classes, options)?))
        }
        Layout::Part { path, missing } => {
            let name = name_of(&path);
            let valid = format!(
                "{missing} beside it, or `{}` as the data root, of which a fifth is then for test",
                path.display()
            );
            Err(layout_error(
                root,
                format!("a folder `{name}` alone"),
                &valid,
            ))
        }
        Layout::Classes(path) => {
            let whole = undivided(&path, options)?;
            if whole.len() < 2 {
                let valid = "2 or more, so that one trains and one tests";
                return Err(layout_error(root, "1 image".into(), valid));
            }
            check_number(root, whole.class_names().unwrap_or_default())?;
            Ok(divide(&whole))
        }
    }
}

/// All image files in a folder and in the folders in it, each folder's own files first and sorted by name.
/// Hidden files and linked folders are passed over.
///
/// # Errors
///
/// When a folder cannot be read or there is no image file.
pub fn image_files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    collect_images(folder, &mut images)?;
    if images.is_empty() {
        let valid = "a folder of image files";
        return Err(layout_error(folder, "no image file".into(), valid));
    }
    Ok(images)
}

fn collect_images(folder: &Path, images: &mut Vec<PathBuf>) -> Result<()> {
    let entries = Entries::of(folder)?;
    images.extend(entries.images);
    let mut folders = entries.folders.iter().filter(|folder| !folder.is_symlink());
    folders.try_for_each(|folder| collect_images(folder, images))
}

/// Reads the images below `root` that a network is judged by: those of the part for that, or all of
/// them where there are no parts. Of the very folder that a network was trained on, whose files are
/// called `trained` ([`file_names`]), only the fifth that it did not see.
pub(super) fn read_test(
    root: &Path,
    options: &FolderOptions,
    trained: Option<&str>,
) -> Result<Dataset> {
    options.validate()?;
    match Layout::of(root)? {
        Layout::Parts(found) => {
            let (train, test) = found.read()?;
            let classes = class_names([&train, &test]);
            test.dataset(&classes, options)
        }
        Layout::Part { path, .. } | Layout::Classes(path) => {
            let whole = undivided(&path, options)?;
            match whole.file_names.as_deref() == trained && trained.is_some() {
                true => Ok(divide(&whole).1),
                false => Ok(whole),
            }
        }
    }
}

/// The number of training images below `root`.
pub(super) fn count_training(root: &Path) -> Result<usize> {
    match Layout::of(root)? {
        Layout::Parts(found) => Ok(found.read()?.0.count()),
        Layout::Part { path, .. } | Layout::Classes(path) => {
            let whole = ClassFolders::read(&path)?.count();
            Ok(whole - whole.div_ceil(TEST_SHARE))
        }
    }
}

/// All images of a folder of class folders, or of the one that they are in.
fn undivided(path: &Path, options: &FolderOptions) -> Result<Dataset> {
    let around = inside(&Entries::of(path)?)?;
    let path = around.as_deref().unwrap_or(path);
    let folders = ClassFolders::read(path)?;
    folders.check()?;
    let names = file_names(path, folders.files());
    let notes = folders.note_same_inside();
    let classes = class_names([&folders]);
    let mut whole = folders.dataset(&classes, options)?;
    whole.notes.extend(notes);
    whole.file_names = Some(names);
    Ok(whole)
}

/// The images to train with and those to test with.
fn divide(whole: &Dataset) -> (Dataset, Dataset) {
    let training = whole.len() - whole.len().div_ceil(TEST_SHARE);
    let (first, second) = stratified(whole.labels(), training, SPLIT_SEED);
    let mut train = whole.subset(&first);
    train.notes.clone_from(&whole.notes);
    (train, whole.subset(&second))
}

/// Refuses to tell one class.
fn check_number(root: &Path, classes: &[String]) -> Result<()> {
    match classes {
        [one] => Err(layout_error(
            root,
            format!("images of one class, `{one}`"),
            "a folder of images for each of 2 classes or more",
        )),
        _ => Ok(()),
    }
}

fn class_names<'a>(all: impl IntoIterator<Item = &'a ClassFolders>) -> Arc<Vec<String>> {
    let names: BTreeSet<&String> = all.into_iter().flat_map(ClassFolders::names).collect();
    Arc::new(names.into_iter().cloned().collect())
}

fn layout_error(root: &Path, found: String, valid: &str) -> WorkbenchError {
    WorkbenchError::Data {
        file: root.display().to_string(),
        place: "the folder".into(),
        found,
        valid: valid.into(),
    }
}
