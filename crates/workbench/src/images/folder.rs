//! Folders of class folders, the layout of ImageNet among others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dataset::{Dataset, Images, SPLIT_SEED};
use super::folder_options::FolderOptions;
use super::image_files::ImageFiles;
use crate::stream::stratified;
use crate::{Result, WorkbenchError};

/// Mean and deviation of each colour over ImageNet's training images; the usual constants for
/// photographs of any kind.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// One image in this many is for test where a folder is not divided.
const TEST_SHARE: usize = 5;

/// At most this many names of a kind are listed in a note.
const LISTED: usize = 5;

/// Reads the names of classes and files below `root`; no image is opened.
///
/// `train/<class>/` holds the training images and `val/<class>/`, or without that `test/<class>/`,
/// those to judge by. Without a folder `train` of folders, `root` holds the class folders itself, and
/// every fifth image of each class, chosen by a fixed seed, is for test. Classes are sorted by name and
/// are those of both together.
pub(super) fn read(root: &Path, options: &FolderOptions) -> Result<(Dataset, Dataset)> {
    options.validate()?;
    let train = root.join("train");
    // Not every folder of this name holds classes: it may be a class of its own, of trains.
    if train.is_dir() && !Entries::of(&train)?.folders.is_empty() {
        let beside = |name: &str| Some(root.join(name)).filter(|path| path.is_dir());
        let test = beside("val").or_else(|| beside("test")).ok_or_else(|| {
            let valid = "a folder `val` or `test` beside the folder `train`";
            layout_error(root, "a folder `train` alone".into(), valid)
        })?;
        let (train, test) = (ClassFolders::read(&train)?, ClassFolders::read(&test)?);
        let classes = class_names([&train, &test]);
        Ok((
            train.dataset(&classes, options)?,
            test.dataset(&classes, options)?,
        ))
    } else {
        let folders = ClassFolders::read(root)?;
        let classes = class_names([&folders]);
        let whole = folders.dataset(&classes, options)?;
        if whole.len() < 2 {
            let valid = "2 or more, so that one trains and one tests";
            return Err(layout_error(root, "1 image".into(), valid));
        }
        let training = whole.len() - whole.len().div_ceil(TEST_SHARE);
        let (first, second) = stratified(whole.labels(), training, SPLIT_SEED);
        let mut train = whole.subset(&first);
        train.notes.clone_from(&whole.notes);
        Ok((train, whole.subset(&second)))
    }
}

/// The class folders of one folder.
struct ClassFolders {
    root: PathBuf,
    /// Name and files of each class, both sorted.
    classes: Vec<(String, Vec<PathBuf>)>,
    /// Files that are no images by their names.
    others: Vec<PathBuf>,
}

impl ClassFolders {
    fn read(root: &Path) -> Result<Self> {
        let Entries { folders, files } = Entries::of(root)?;
        let mut read = Self {
            root: root.to_path_buf(),
            classes: Vec::new(),
            others: files,
        };
        for folder in folders {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let name = name.into_owned();
            let mut images = Vec::new();
            read.collect(&folder, &mut images)?;
            read.classes.push((name, images));
        }
        Ok(read)
    }

    /// Collects the images of a class folder and of the folders in it, as Tiny ImageNet has them.
    fn collect(&mut self, folder: &Path, images: &mut Vec<PathBuf>) -> Result<()> {
        let Entries { folders, files } = Entries::of(folder)?;
        for file in files {
            if is_image_name(&file) {
                images.push(file);
            } else {
                self.others.push(file);
            }
        }
        for folder in folders {
            // A link could lead back to a folder above it.
            if !folder.is_symlink() {
                self.collect(&folder, images)?;
            }
        }
        Ok(())
    }

    fn dataset(self, classes: &Arc<Vec<String>>, options: &FolderOptions) -> Result<Dataset> {
        let notes = self.notes(classes);
        let (mut paths, mut labels) = (Vec::new(), Vec::new());
        let found = self.classes.len();
        for (name, files) in self.classes {
            // The names of the other folder are in the list too.
            let label = classes.binary_search(&name).unwrap_or_default();
            labels.extend(files.iter().map(|_| label as u16));
            paths.extend(files);
        }
        if paths.is_empty() || classes.len() > usize::from(u16::MAX) {
            let found = format!("{} images in {found} class folders", paths.len());
            let valid = "a folder for each of at most 65535 classes, some with .jpg, .jpeg or .png \
                         files";
            return Err(layout_error(&self.root, found, valid));
        }
        let size = usize::from(options.size);
        Ok(Dataset {
            name: "folder".into(),
            classes: classes.len(),
            image_shape: [3, size, size],
            pixel_max: 255,
            images: Images::Files(ImageFiles::new(paths, options.clone())),
            labels,
            mean: MEAN.to_vec(),
            std: STD.to_vec(),
            class_names: Some(classes.clone()),
            notes,
        })
    }

    fn notes(&self, classes: &[String]) -> Vec<String> {
        let full = |name: &&String| {
            let class = self.classes.binary_search_by(|(class, _)| class.cmp(name));
            class.is_ok_and(|at| !self.classes[at].1.is_empty())
        };
        let empty: Vec<String> = classes.iter().filter(|name| !full(name)).cloned().collect();
        let root = self.root.display();
        let mut notes = Vec::new();
        if !empty.is_empty() {
            let count = format!("{} of {} classes", empty.len(), classes.len());
            notes.push(format!("`{root}`: {count} have no image: {}", list(&empty)));
        }
        if !self.others.is_empty() {
            let relative = |path: &PathBuf| {
                let path = path.strip_prefix(&self.root).unwrap_or(path);
                path.display().to_string()
            };
            let others: Vec<String> = self.others.iter().map(relative).collect();
            let what = "files that are no .jpg, .jpeg or .png in a class folder were left out";
            notes.push(format!(
                "`{root}`: {} {what}: {}",
                others.len(),
                list(&others)
            ));
        }
        notes
    }
}

/// What a folder holds, sorted by name, but for hidden entries.
struct Entries {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Entries {
    fn of(folder: &Path) -> Result<Self> {
        let error = || WorkbenchError::io("read", folder);
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(error())? {
            let entry = entry.map_err(error())?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
        folders.sort();
        files.sort();
        Ok(Self { folders, files })
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
    let Entries { folders, files } = Entries::of(folder)?;
    images.extend(files.into_iter().filter(|file| is_image_name(file)));
    let folders = folders.iter().filter(|folder| !folder.is_symlink());
    folders
        .into_iter()
        .try_for_each(|folder| collect_images(folder, images))
}

fn is_image_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["jpg", "jpeg", "png"]
        .iter()
        .any(|valid| extension.eq_ignore_ascii_case(valid))
}

fn class_names<'a>(all: impl IntoIterator<Item = &'a ClassFolders>) -> Arc<Vec<String>> {
    let classes = all.into_iter().flat_map(|folders| &folders.classes);
    let mut names: Vec<String> = classes.map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    Arc::new(names)
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|n| format!("`{n}`"))
        .collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn layout_error(root: &Path, found: String, valid: &str) -> WorkbenchError {
    WorkbenchError::Data {
        file: root.display().to_string(),
        place: "the folder".into(),
        found,
        valid: valid.into(),
    }
}
