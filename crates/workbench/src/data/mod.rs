//! Labelled images: data sets, their fixed splits, and deterministic batches.

mod augment;
pub mod batch;
mod cifar;
mod crop;
mod csv;
mod dataset;
mod decode;
mod folder;
mod image_files;
mod load;
mod mark;
mod prefetch;
mod prepare;
mod random;
mod split;

pub use augment::Augment;
pub use batch::{Batch, RngKey, epoch_order, index_batches};
pub use dataset::Dataset;
pub use decode::{read_image, read_stretched};
pub use folder::{FolderOptions, OnCorrupt, TrainingCrop};
pub use image_files::CorruptFile;
pub use load::{DATA_ROOT_VARIABLE, DatasetId, Splits, load, load_with};
pub use mark::{Classes, CorruptNews, DataMark};
pub use prefetch::{AHEAD, Batches};
