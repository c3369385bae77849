//! Images and masks that stay in their files until they are asked for.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::mask::{MaskCode, mask_sides, read_mask};
use super::set::{Scene, read_picture, sides_of};
use crate::{Result, WorkbenchError};

/// An image and its mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) image: PathBuf,
    pub(super) mask: PathBuf,
}

/// Files of images and masks.
#[derive(Debug)]
pub(super) struct MaskedFiles {
    pairs: Vec<Pair>,
    code: MaskCode,
    /// Height and width of those that were asked for.
    sides: Vec<OnceLock<[usize; 2]>>,
}

impl MaskedFiles {
    pub(super) fn new(pairs: Vec<Pair>, code: MaskCode) -> Self {
        Self {
            sides: pairs.iter().map(|_| OnceLock::new()).collect(),
            pairs,
            code,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn scene(&self, place: usize) -> Result<Scene> {
        let Pair { image, mask } = &self.pairs[place];
        let image = read_picture(image)?;
        let mask = read_mask(mask, sides_of(&image), &self.code)?;
        Ok(Scene { image, mask })
    }

    pub(super) fn sides(&self, place: usize) -> Result<[usize; 2]> {
        if let Some(sides) = self.sides[place].get() {
            return Ok(*sides);
        }
        let sides = mask_sides(&self.pairs[place].mask)?;
        Ok(*self.sides[place].get_or_init(|| sides))
    }

    /// The classes of one mask, of whatever size it is.
    pub(super) fn mask(&self, place: usize) -> Result<Vec<u8>> {
        let path = &self.pairs[place].mask;
        read_mask(path, self.sides(place)?, &self.code)
    }

    pub(super) fn mask_path(&self, place: usize) -> &Path {
        &self.pairs[place].mask
    }
}

/// An error about a file or folder of a data set.
pub(super) fn wrong(
    path: &Path,
    place: impl Into<String>,
    found: impl Into<String>,
    valid: impl Into<String>,
) -> WorkbenchError {
    WorkbenchError::Data {
        file: path.display().to_string(),
        place: place.into(),
        found: found.into(),
        valid: valid.into(),
    }
}
