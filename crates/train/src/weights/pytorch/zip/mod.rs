//! Zip archives, as PyTorch writes them or as others pack them again.

mod archive;
mod directory;

pub(super) use archive::{Archive, HEAD};
