//! What a folder holds.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::decode::EXTENSIONS;
use crate::{Result, WorkbenchError};

/// What systems leave in folders and archives beside what people put there.
const LITTER: [&str; 6] = [
    "__MACOSX",
    "@eaDir",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "__pycache__",
];

/// What a folder holds, sorted by name, but for hidden entries and litter.
pub(super) struct Entries {
    /// Folders, and links to some.
    pub(super) folders: Vec<PathBuf>,
    /// Files with the name of an image.
    pub(super) images: Vec<PathBuf>,
    /// All else.
    pub(super) others: Vec<PathBuf>,
}

impl Entries {
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let error = || WorkbenchError::io("read", folder);
        let (mut folders, mut images, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(error())? {
            let entry = entry.map_err(error())?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if !path.is_dir() {
                let kind = match is_image_name(&path) {
                    true => &mut images,
                    false => &mut others,
                };
                kind.push(path);
            } else if !LITTER
                .iter()
                .any(|litter| name.eq_ignore_ascii_case(litter))
            {
                folders.push(path);
            }
        }
        folders.sort();
        images.sort();
        others.sort();
        Ok(Self {
            folders,
            images,
            others,
        })
    }
}

fn is_image_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    EXTENSIONS
        .iter()
        .any(|valid| extension.eq_ignore_ascii_case(valid))
}

/// The name of a file or folder.
pub(super) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
