//! A set whose images stay in their files until they are asked for.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

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

/// Bytes of memory in which images are kept that are the same in every epoch, if all of a set fit.
const KEPT_BYTES: usize = 256 << 20;

/// Image files, in the order of a set's labels.
#[derive(Debug, Clone)]
pub(super) struct ImageFiles {
    paths: Arc<Vec<PathBuf>>,
    /// Of each image its place in `paths`, so that subsets share the paths.
    picked: Vec<u32>,
    options: FolderOptions,
    /// By place in `paths`; shared by all sets of these paths.
    corrupt: Arc<Mutex<BTreeMap<u32, Problem>>>,
    /// The centres that were read, by place in `paths`; none of them where not all could be kept.
    centres: Arc<Vec<OnceLock<Vec<u8>>>>,
}

impl PartialEq for ImageFiles {
    /// Whether both give the same images; what was found corrupt so far is no difference.
    fn eq(&self, other: &Self) -> bool {
        (&self.paths, &self.picked, &self.options) == (&other.paths, &other.picked, &other.options)
    }
}

impl ImageFiles {
    pub(super) fn new(paths: Vec<PathBuf>, options: FolderOptions) -> Self {
        let image = options.channels() * usize::from(options.size).pow(2);
        let kept = match paths.len().saturating_mul(image) <= KEPT_BYTES {
            true => paths.len(),
            false => 0,
        };
        Self {
            picked: (0..paths.len() as u32).collect(),
            centres: Arc::new((0..kept).map(|_| OnceLock::new()).collect()),
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

    /// The bytes `[channels, size, size]` of the image at a place of an order, and its index. `changed` is
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
        let random = changed.filter(|_| options.training_crop == TrainingCrop::Random);
        let kept = self
            .centres
            .get(place as usize)
            .filter(|_| random.is_none());
        if let Some(planes) = kept.and_then(OnceLock::get) {
            return Ok(planes.clone());
        }
        let picture = decode(&self.paths[place as usize], options.channels())
            .inspect_err(|problem| drop(self.log().insert(place, problem.clone())))?;
        let dims = picture.dimensions().into();
        let region = match random {
            Some(key) => {
                let key = [key.seed, key.epoch, index as u64];
                Region::random(&mut seeded_rng(Purpose::Crop, key), dims)
            }
            None => Region::centre(dims, options.size, options.shorter_side()),
        };
        let planes = planes(&picture, region, [options.size; 2], options.channels());
        Ok(match kept {
            Some(kept) => kept.get_or_init(|| planes).clone(),
            None => planes,
        })
    }

    fn log(&self) -> MutexGuard<'_, BTreeMap<u32, Problem>> {
        // Nothing is left half done under the lock, so a panic elsewhere does not matter to it.
        self.corrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the files below a folder are called and how long they are, as a name for them all: the same
/// wherever the folder lies.
pub(super) fn file_names<'a>(root: &Path, files: impl Iterator<Item = &'a PathBuf>) -> String {
    let mut digest = Sha256::new();
    for path in files {
        let length = fs::metadata(path).map_or(0, |file| file.len());
        let name = path.strip_prefix(root).unwrap_or(path);
        for part in name {
            digest.update(part.as_encoded_bytes());
            digest.update([0]);
        }
        digest.update(length.to_le_bytes());
    }
    let mut name = String::new();
    for byte in digest.finalize() {
        let _ = write!(name, "{byte:02x}");
    }
    name
}
