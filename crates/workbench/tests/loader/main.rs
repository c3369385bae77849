//! Image folders, and batches prepared ahead, as a training sees them.

mod files;
mod folder;
mod layout;
mod pictures;
mod prefetch;
