//! Labelled images: data sets, their fixed division, deterministic batches, and the problem of telling
//! their classes.

mod augment;
mod batch;
mod batches;
mod chosen;
mod cifar;
mod crop;
mod csv;
mod dataset;
mod decode;
mod description;
mod folder;
mod folder_options;
mod image_files;
mod listing;
mod load;
mod loss;
mod options;
mod prepare;
mod problem;

pub use augment::Augment;
pub use batch::Batch;
pub use batches::Batches;
pub use chosen::defaults_for;
pub use dataset::Dataset;
pub(crate) use decode::decode;
pub use decode::{read_image, read_stretched};
pub use description::{Classes, DataDescription};
pub use folder::image_files_below;
pub use folder_options::{FolderOptions, OnCorrupt, TrainingCrop};
pub use image_files::CorruptFile;
pub use load::{DATA_ROOT_VARIABLE, DatasetId, TrainTest, load, load_test, load_with};
pub use loss::{class_score, class_sums, cross_entropy, mistakes, smoothed_cross_entropy};
pub use options::SHORTHANDS;
pub use problem::ImageProblem;
