//! Labelled images: data sets, their fixed splits, and deterministic batches.

mod augment;
pub mod batch;
mod cifar;
mod csv;
mod dataset;
mod load;
mod random;
mod split;

pub use augment::Augment;
pub use batch::{Batch, RngKey, epoch_order, index_batches};
pub use dataset::Dataset;
pub use load::{DATA_ROOT_VARIABLE, DatasetId, Splits, load};
