//! Files of weights: safetensors, written and read, and what PyTorch saves, read only.
//!
//! A reader lists the tensors of a file as a tree of names ([`choice`] picks the state dict in it) and
//! reads the chosen ones as f32. No claim of a file about a size is believed before the file's own size
//! allows it, and no code in a file is run.

mod budget;
mod choice;
mod element;
mod file;
mod flatten;
mod item;
mod layout;
mod problem;
mod pytorch;
mod safetensors;

pub use file::{read_weights, read_weights_under, write_weights};
