//! How a data set's folder is divided.

use std::path::{Path, PathBuf};

use super::super::listing::list;
use super::classes::ClassFolders;
use super::entries::{Entries, name_of};
use super::layout_error;
use super::parts::{Part, is_ambiguous, is_unlabelled};
use crate::Result;

/// What the folders below a data set's folder are.
pub(super) enum Layout {
    /// Parts to train with and to judge by.
    Parts(Parts),
    /// One part alone, and what is missing beside it.
    Part {
        path: PathBuf,
        missing: &'static str,
    },
    /// Classes, in this folder.
    Classes(PathBuf),
}

/// The folders of two parts.
pub(super) struct Parts {
    train: PathBuf,
    test: PathBuf,
    /// Names of folders beside them.
    left_out: Vec<String>,
}

impl Layout {
    /// Finds the parts or class folders in a folder, or in the one folder around them that an archive
    /// was unpacked to.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read, or could be two things.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let found = Self::below(root)?;
        Ok(found.unwrap_or_else(|| Self::Classes(root.into())))
    }

    fn below(folder: &Path) -> Result<Option<Self>> {
        let entries = Entries::of(folder)?;
        if let Some(layout) = Self::of_parts(folder, &entries)? {
            return Ok(Some(layout));
        }
        match &full_folders(&entries)?[..] {
            [only] => Self::below(only),
            [] => Ok(None),
            _ => Ok(Some(Self::Classes(folder.into()))),
        }
    }

    fn of_parts(root: &Path, entries: &Entries) -> Result<Option<Self>> {
        let parts = named_parts(&entries.folders)?;
        if parts.is_empty() {
            return Ok(None);
        }
        let paths: Vec<PathBuf> = parts.iter().map(|(_, path)| path.clone()).collect();
        let others = entries.folders.iter().filter(|path| !paths.contains(path));
        // Beside folders of images, trains and developers may be classes as well.
        if !any(&paths, is_nested)? && any(others, has_image)? {
            let trains = parts.iter().any(|(part, _)| *part == Part::Training);
            let clear = parts.iter().any(|(_, path)| !is_ambiguous(&name_of(path)));
            return Ok((!trains && clear).then(|| Self::alone(&parts)).flatten());
        }
        match Parts::of(root, &parts, &entries.folders)? {
            Some(parts) => Ok(Some(Self::Parts(parts))),
            None => Ok(Self::alone(&parts)),
        }
    }

    /// The first part, without the one that belongs to it.
    fn alone(parts: &[(Part, PathBuf)]) -> Option<Self> {
        parts.first().map(|(part, path)| Self::Part {
            path: path.clone(),
            missing: match part {
                Part::Training => "a folder `val` or `test`",
                Part::Validation | Part::Test => "a folder `train`",
            },
        })
    }
}

/// The folders whose names say that they are parts.
fn named_parts(folders: &[PathBuf]) -> Result<Vec<(Part, PathBuf)>> {
    let named = |find: fn(&str) -> Option<Part>| -> Vec<(Part, PathBuf)> {
        let part = |path: &PathBuf| Some((find(&name_of(path))?, path.clone()));
        folders.iter().filter_map(part).collect()
    };
    let (parts, mentioned) = (named(Part::of), named(Part::mentioned));
    let complete = |parts: &[(Part, PathBuf)]| {
        let trains = |(part, _): &(Part, PathBuf)| *part == Part::Training;
        parts.iter().any(trains) && !parts.iter().all(trains)
    };
    // Where all names speak of parts and all folders hold folders, as in seg_train, seg_test, seg_pred.
    let all = |path: &PathBuf| {
        let name = name_of(path);
        Part::mentioned(&name).is_some() || is_unlabelled(&name)
    };
    let spoken = complete(&mentioned) && folders.iter().all(all);
    let loose = |path: &Path| Ok(!is_nested(path)? || !Entries::of(path)?.images.is_empty());
    match !complete(&parts) && spoken && !any(folders, loose)? {
        true => Ok(mentioned),
        false => Ok(parts),
    }
}

impl Parts {
    /// The folders of a training part and one to judge by, if both are there.
    ///
    /// # Errors
    ///
    /// When there are two of one kind.
    fn of(root: &Path, parts: &[(Part, PathBuf)], folders: &[PathBuf]) -> Result<Option<Self>> {
        let one = |wanted: Part| -> Result<Option<PathBuf>> {
            let found = parts.iter().filter(|(part, _)| *part == wanted);
            let found: Vec<&PathBuf> = found.map(|(_, path)| path).collect();
            if found.len() > 1 {
                let names: Vec<String> = found.iter().map(|path| name_of(path)).collect();
                let found = format!("{} folders of one part, {}", names.len(), list(&names));
                return Err(layout_error(root, found, "one for each part"));
            }
            Ok(found.first().map(|path| (*path).clone()))
        };
        let train = one(Part::Training)?;
        let test = match one(Part::Validation)? {
            Some(path) => Some(path),
            None => one(Part::Test)?,
        };
        Ok(train.zip(test).map(|(train, test)| {
            let beside = folders
                .iter()
                .filter(|path| ![&train, &test].contains(path));
            Self {
                left_out: beside.map(|path| name_of(path)).collect(),
                train,
                test,
            }
        }))
    }

    /// Reads both parts.
    ///
    /// # Errors
    ///
    /// When a part holds images without a class, or no class is in both.
    pub(super) fn read(&self) -> Result<(ClassFolders, ClassFolders)> {
        let around = inside(&Entries::of(&self.train)?)?;
        let train = ClassFolders::read(&around.unwrap_or_else(|| self.train.clone()))?;
        train.check()?;
        let entries = Entries::of(&self.test)?;
        let is_class = |path: &PathBuf| train.names().any(|name| *name == name_of(path));
        let around = match entries.folders.iter().any(is_class) {
            true => None,
            false => inside(&entries)?,
        };
        let test = ClassFolders::read(&around.unwrap_or_else(|| self.test.clone()))?;
        test.check()?;
        if !test
            .names()
            .any(|name| train.names().any(|own| own == name))
        {
            let names = |part: &ClassFolders| list(&part.names().cloned().collect::<Vec<_>>());
            let found = format!("images of {}, none of which trains", names(&test));
            let valid = format!(
                "class folders named as those of the training part, {}",
                names(&train)
            );
            return Err(layout_error(&self.test, found, &valid));
        }
        Ok((train, test))
    }

    /// What is said of the folders beside the parts.
    pub(super) fn note(&self, root: &Path) -> Option<String> {
        let used = [&self.train, &self.test].map(|path| name_of(path));
        (!self.left_out.is_empty()).then(|| {
            format!(
                "`{}`: `{}` trains, `{}` is judged by, and the other folders were left out: {}",
                root.display(),
                used[0],
                used[1],
                list(&self.left_out)
            )
        })
    }
}

/// The folder that all images of these entries are in: the last of a row of single folders, if it holds
/// several.
pub(super) fn inside(entries: &Entries) -> Result<Option<PathBuf>> {
    let [only] = &full_folders(entries)?[..] else {
        return Ok(None);
    };
    let inner = Entries::of(only)?;
    match full_folders(&inner)?.len() {
        2 => Ok(Some(only.clone())),
        _ => inside(&inner),
    }
}

/// The first two folders with images, unless there are images beside them.
fn full_folders(entries: &Entries) -> Result<Vec<PathBuf>> {
    let mut full = Vec::new();
    for folder in entries.folders.iter().filter(|_| entries.images.is_empty()) {
        if full.len() < 2 && has_image(folder)? {
            full.push(folder.clone());
        }
    }
    Ok(full)
}

/// Levels of folders below one in which images are looked for: a link could lead back to a folder above.
const LEVELS: usize = 6;

/// Whether an image lies in a folder or below it.
fn has_image(folder: &Path) -> Result<bool> {
    has_image_within(folder, LEVELS)
}

fn has_image_within(folder: &Path, levels: usize) -> Result<bool> {
    let entries = Entries::of(folder)?;
    let below = |path: &Path| has_image_within(path, levels - 1);
    Ok(!entries.images.is_empty() || (levels > 0 && any(&entries.folders, below)?))
}

fn is_nested(path: &Path) -> Result<bool> {
    Ok(!Entries::of(path)?.folders.is_empty())
}

fn any<'a>(
    paths: impl IntoIterator<Item = &'a PathBuf>,
    holds: impl Fn(&Path) -> Result<bool>,
) -> Result<bool> {
    for path in paths {
        if holds(path)? {
            return Ok(true);
        }
    }
    Ok(false)
}
