//! Labels in a file beside the images, as Tiny ImageNet has them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::entries::{Entries, name_of};
use crate::{Result, WorkbenchError, files};

/// Ends the name of the file of labels; the images are in the folder of the other name.
const LABELS: &str = "_annotations.txt";
const IMAGES: &str = "images";

/// The images of a part by class, and those without a label.
pub(super) struct Annotated {
    /// The file of labels.
    pub(super) labels: PathBuf,
    pub(super) classes: BTreeMap<String, Vec<PathBuf>>,
    pub(super) unlabelled: Vec<PathBuf>,
}

/// The images of a folder `images` with a file of labels beside it: lines of a file's name, its class
/// and a box, separated by tabs. Nothing where the folder is of another kind.
///
/// # Errors
///
/// When a line is cut short, or names a file that is not there or that a line before it named.
pub(super) fn read(entries: &Entries) -> Result<Option<Annotated>> {
    let labels = entries
        .others
        .iter()
        .find(|path| name_of(path).ends_with(LABELS));
    let images = entries.folders.iter().find(|path| name_of(path) == IMAGES);
    let (Some(labels), Some(images)) = (labels, images) else {
        return Ok(None);
    };
    let files = Entries::of(images)?.images;
    if files.is_empty() {
        return Ok(None);
    }
    let mut unnamed: BTreeMap<String, PathBuf> = files
        .into_iter()
        .map(|path| (name_of(&path), path))
        .collect();
    let mut classes: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let text = files::read_to_string(labels)?;
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let wrong = |found: String, valid: String| WorkbenchError::Data {
            file: labels.display().to_string(),
            place: format!("line {}", at + 1),
            found,
            valid,
        };
        let mut fields = line.split('\t').map(str::trim);
        let (Some(name), Some(class)) = (fields.next(), fields.next()) else {
            let valid = "a file's name and its class, separated by a tab".into();
            return Err(wrong("one field".into(), valid));
        };
        let path = unnamed.remove(name).ok_or_else(|| {
            let valid = format!("a file of `{}`, each once", images.display());
            wrong(format!("`{name}`"), valid)
        })?;
        classes.entry(class.into()).or_default().push(path);
    }
    classes.values_mut().for_each(|files| files.sort());
    let unlabelled = unnamed.into_values().collect();
    Ok(Some(Annotated {
        labels: labels.clone(),
        classes,
        unlabelled,
    }))
}
