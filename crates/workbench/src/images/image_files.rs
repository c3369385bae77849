//! A set whose images stay in their files until they are asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crop::Region;
use super::decode::{Problem, decode, planes};
use super::folder_options::{FolderOptions, OnCorrupt, TrainingCrop};
use crate::stream::{Purpose, RngKey, seeded_rng};
use crate::{Result, WorkbenchError};

/// An image file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorruptFile {
    /// The file.
    pub path: PathBuf,
    /// Why it could not be read.
    pub problem: String,
}

impl fmt::Display for CorruptFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image file `{}`: {}", self.path.display(), self.problem)
    }
}

/// Image files, in the order of a set's labels.
#[derive(Debug, Clone)]
pub(super) struct ImageFiles {
    paths: Arc<Vec<PathBuf>>,
    /// Of each image its place in `paths`, so that subsets share the paths.
    picked: Vec<u32>,
    options: FolderOptions,
    /// By place in `paths`; shared by all sets of these paths.
    corrupt: Arc<Mutex<BTreeMap<u32, Problem>>>,
}

impl PartialEq for ImageFiles {
    /// Whether both give the same images; what was found corrupt so far is no difference.
    fn eq(&self, other: &Self) -> bool {
        (&self.paths, &self.picked, &self.options) == (&other.paths, &other.picked, &other.options)
    }
}

impl ImageFiles {
    pub(super) fn new(paths: Vec<PathBuf>, options: FolderOptions) -> Self {
        Self {
            picked: (0..paths.len() as u32).collect(),
            paths: Arc::new(paths),
            options,
            corrupt: Arc::default(),
        }
    }

    pub(super) fn subset(&self, indices: &[usize]) -> Self {
        Self {
            picked: indices.iter().map(|&index| self.picked[index]).collect(),
            ..self.clone()
        }
    }

    pub(super) fn corrupt(&self) -> Vec<CorruptFile> {
        let file = |(&place, problem): (&u32, &Problem)| CorruptFile {
            path: self.paths[place as usize].clone(),
            problem: problem.clone(),
        };
        self.log().iter().map(file).collect()
    }

    /// The bytes `[3, size, size]` of the image at a place of an order, and its index. `changed` is
    /// what its random crop depends on; without it, or where crops are not random, the centre is
    /// taken.
    ///
    /// Where files that cannot be read are skipped, the image is that of the next readable file of the
    /// order, which begins anew at its end; so it depends on order and files alone.
    pub(super) fn read(
        &self,
        order: &[usize],
        place: usize,
        changed: Option<RngKey>,
    ) -> Result<(usize, Vec<u8>)> {
        let mut problem = match self.image(order[place], changed) {
            Ok(planes) => return Ok((order[place], planes)),
            Err(problem) => problem,
        };
        if self.options.on_corrupt == OnCorrupt::Skip {
            for &index in order[place + 1..].iter().chain(&order[..place]) {
                if let Ok(planes) = self.image(index, changed) {
                    return Ok((index, planes));
                }
            }
            problem.push_str(", and no other file of the order can be read");
        }
        Err(WorkbenchError::Image {
            path: self.paths[self.picked[order[place]] as usize].clone(),
            problem,
        })
    }

    fn image(
        &self,
        index: usize,
        changed: Option<RngKey>,
    ) -> std::result::Result<Vec<u8>, Problem> {
        let place = self.picked[index];
        if let Some(problem) = self.log().get(&place) {
            return Err(problem.clone());
        }
        let options = &self.options;
        match decode(&self.paths[place as usize]) {
            Ok(picture) => {
                let picture = picture.into_rgb8();
                let dims = picture.dimensions().into();
                let random = changed.filter(|_| options.training_crop == TrainingCrop::Random);
                let region = match random {
                    Some(key) => {
                        let key = [key.seed, key.epoch, index as u64];
                        Region::random(&mut seeded_rng(Purpose::Crop, key), dims)
                    }
                    None => Region::centre(dims, options.size, options.shorter_side()),
                };
                Ok(planes(&picture, region, [options.size; 2]))
            }
            Err(problem) => {
                self.log().insert(place, problem.clone());
                Err(problem)
            }
        }
    }

    fn log(&self) -> MutexGuard<'_, BTreeMap<u32, Problem>> {
        // Nothing is left half done under the lock, so a panic elsewhere does not matter to it.
        self.corrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
