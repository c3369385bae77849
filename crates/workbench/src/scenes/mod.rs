//! Images with a class for every pixel: data sets of images and masks, joint random changes, batches, and
//! the problem of telling the class of every pixel.

mod augment;
mod batch;
mod colours;
mod data;
mod files;
mod folder;
mod loss;
mod mask;
mod prepare;
mod problem;
mod set;
mod stand_in;
mod voc;
mod weighting;

pub use augment::{SceneAugment, SceneChanges};
pub use batch::SceneBatch;
pub use colours::{class_colour, mask_png, overlay, picture_png};
pub use data::{CELLS, CHANNELS, CROP, SHORTHANDS, SceneData, SceneSetId};
pub use folder::PairOptions;
pub use image::RgbImage;
pub use loss::{pixel_counts, pixel_cross_entropy};
pub use problem::SceneProblem;
pub use set::{Scene, SceneSet, SceneTrainTest, read_picture};
pub use stand_in::StandInOptions;
pub use voc::{VocList, VocOptions};
pub use weighting::ClassWeights;

/// The number in a mask of a pixel that does not count: neither for the loss nor for a score.
pub const IGNORED: u8 = 255;

/// The largest number of classes: a pixel of a mask is a byte, and [`IGNORED`] is no class.
pub const MOST_CLASSES: usize = IGNORED as usize;
