//! The class folders of one part.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::dataset::{Dataset, Images};
use super::super::decode::EXTENSIONS;
use super::super::folder_options::FolderOptions;
use super::super::image_files::ImageFiles;
use super::super::listing::list;
use super::entries::{Entries, name_of};
use super::{annotations, layout_error};
use crate::{Result, WorkbenchError};

/// The class folders of one folder.
pub(super) struct ClassFolders {
    root: PathBuf,
    /// Name and files of each class, both sorted.
    classes: BTreeMap<String, Vec<PathBuf>>,
    /// Names of folders without an image.
    empty: Vec<String>,
    /// Images in no class folder.
    loose: Vec<PathBuf>,
    /// Files that are no images by their names.
    others: Vec<PathBuf>,
    /// Linked folders that were left out.
    links: Vec<PathBuf>,
    /// For every class the names of the folders in it, where all its images are in such folders.
    inside: BTreeSet<Vec<String>>,
}

impl ClassFolders {
    /// # Errors
    ///
    /// When a folder cannot be read, or there is a file of labels and it is wrong.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let entries = Entries::of(root)?;
        let annotated = annotations::read(&entries)?;
        let mut read = Self {
            root: root.to_path_buf(),
            classes: BTreeMap::new(),
            empty: Vec::new(),
            loose: entries.images,
            others: entries.others,
            links: Vec::new(),
            inside: BTreeSet::new(),
        };
        if let Some(annotated) = annotated {
            read.classes = annotated.classes;
            read.others.retain(|path| *path != annotated.labels);
            read.loose.extend(annotated.unlabelled);
            return Ok(read);
        }
        for folder in entries.folders {
            let images = read.images_of(&folder)?;
            match images.is_empty() {
                true => read.empty.push(name_of(&folder)),
                false => read
                    .classes
                    .entry(name_of(&folder))
                    .or_default()
                    .extend(images),
            }
        }
        Ok(read)
    }

    /// The images of a class folder.
    fn images_of(&mut self, folder: &Path) -> Result<Vec<PathBuf>> {
        let entries = Entries::of(folder)?;
        let inside = match entries.images.is_empty() {
            true => entries.folders.iter().map(|path| name_of(path)).collect(),
            false => Vec::new(),
        };
        self.inside.insert(inside);
        // A link that leads to a folder above it would bring in all classes.
        let real = canonical(folder)?;
        let mut seen = real.ancestors().skip(1).map(Path::to_path_buf).collect();
        let mut images = Vec::new();
        self.collect(folder, &mut seen, &mut images)?;
        Ok(images)
    }

    /// Collects the images of a folder and of the folders in it, as Tiny ImageNet has them, each folder
    /// once, however many links lead to it.
    fn collect(
        &mut self,
        folder: &Path,
        seen: &mut BTreeSet<PathBuf>,
        images: &mut Vec<PathBuf>,
    ) -> Result<()> {
        if !seen.insert(canonical(folder)?) {
            self.links.push(folder.into());
            return Ok(());
        }
        let entries = Entries::of(folder)?;
        images.extend(entries.images);
        self.others.extend(entries.others);
        // What lies here itself is read before what is linked here.
        let (linked, own): (Vec<_>, Vec<_>) = entries
            .folders
            .into_iter()
            .partition(|path| path.is_symlink());
        for folder in own.into_iter().chain(linked) {
            self.collect(&folder, seen, images)?;
        }
        Ok(())
    }

    /// Names of the classes, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.classes.keys()
    }

    /// All files, in the order of the classes.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.classes.values().flatten()
    }

    /// The number of images.
    pub(super) fn count(&self) -> usize {
        self.classes.values().map(Vec::len).sum()
    }

    /// # Errors
    ///
    /// When there is no image of a class, or more classes than can be told.
    pub(super) fn check(&self) -> Result<()> {
        let classes = self.classes.len();
        if (1..=usize::from(u16::MAX)).contains(&classes) {
            return Ok(());
        }
        let found = match (classes, self.loose.len()) {
            (0, loose) if loose > 0 => format!("{loose} images in no class folder"),
            (0, _) => format!("0 images in {} class folders", self.empty.len()),
            _ => format!("{classes} class folders"),
        };
        let valid = format!(
            "a folder for each of at most {} classes, some with {} files",
            u16::MAX,
            extensions()
        );
        Err(layout_error(&self.root, found, &valid))
    }

    /// The images as a set of these classes, those of another part among them.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub(super) fn dataset(
        self,
        classes: &Arc<Vec<String>>,
        options: &FolderOptions,
    ) -> Result<Dataset> {
        self.check()?;
        let notes = self.notes(classes);
        let (mut paths, mut labels) = (Vec::new(), Vec::new());
        for (name, files) in self.classes {
            // The names of the other part are in the list too.
            let label = classes.binary_search(&name).unwrap_or_default();
            labels.extend(files.iter().map(|_| label as u16));
            paths.extend(files);
        }
        let (size, channels) = (usize::from(options.size), options.channels());
        let (mean, std) = options.normalisation();
        Ok(Dataset {
            name: "folder".into(),
            classes: classes.len(),
            image_shape: [channels, size, size],
            pixel_max: 255,
            images: Images::Files(ImageFiles::new(paths, options.clone())),
            labels,
            mean,
            std,
            class_names: Some(classes.clone()),
            file_names: None,
            notes,
        })
    }

    fn notes(&self, classes: &[String]) -> Vec<String> {
        let root = self.root.display();
        let mut notes = Vec::new();
        let mut note = |names: &[String], what: String| {
            if !names.is_empty() {
                notes.push(format!("`{root}`: {what}: {}", list(names)));
            }
        };
        let empty = self.empty.iter().filter(|name| !classes.contains(name));
        let empty: Vec<String> = empty.cloned().collect();
        note(&empty, "folders without an image were left out".into());
        let missing = classes
            .iter()
            .filter(|name| !self.classes.contains_key(*name));
        let missing: Vec<String> = missing.cloned().collect();
        let count = format!(
            "{} of {} classes have no image",
            missing.len(),
            classes.len()
        );
        note(&missing, count);
        let relative = |paths: &[PathBuf]| -> Vec<String> {
            let name = |path: &PathBuf| {
                let path = path.strip_prefix(&self.root).unwrap_or(path);
                path.display().to_string()
            };
            paths.iter().map(name).collect()
        };
        let loose = format!(
            "{} images in no class folder were left out",
            self.loose.len()
        );
        note(&relative(&self.loose), loose);
        let others = format!(
            "{} files that are no {} were left out",
            self.others.len(),
            extensions()
        );
        note(&relative(&self.others), others);
        let links = format!(
            "{} linked folders that lead to a folder above or to one that was read already were left \
             out",
            self.links.len()
        );
        note(&relative(&self.links), links);
        notes
    }

    /// What is said where all class folders hold the same folders: those may be the classes.
    pub(super) fn note_same_inside(&self) -> Option<String> {
        let mut same = self.inside.iter();
        let (Some(names), None) = (same.next(), same.next()) else {
            return None;
        };
        (names.len() > 1 && self.classes.len() > 1).then(|| {
            format!(
                "`{}`: each of the class folders {} holds the folders {}; if these are the classes, \
                 call the others `train` and `val`",
                self.root.display(),
                list(&self.names().cloned().collect::<Vec<_>>()),
                list(names)
            )
        })
    }
}

fn canonical(folder: &Path) -> Result<PathBuf> {
    fs::canonicalize(folder).map_err(WorkbenchError::io("read", folder))
}

/// The endings of image files, for a sentence.
fn extensions() -> String {
    let [before @ .., last] = EXTENSIONS;
    format!(".{} or .{last}", before.join(", ."))
}
