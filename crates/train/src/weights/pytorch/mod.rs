//! What `torch.save` writes: a pickle that describes values, and storages of numbers beside it. Since
//! PyTorch 1.6 both are records of a zip archive; before, and on demand since, they follow each other
//! in the file.
//!
//! The pickle is run by a machine that knows no function but those that put tensors together
//! ([`rebuild`]); anything else becomes a value of which only its class's name is kept.

mod cursor;
mod id;
mod instruction;
mod legacy;
mod machine;
mod read;
mod rebuild;
mod storage;
mod tensor;
mod tree;
mod value;
mod zip;

#[cfg(test)]
mod tests;

pub(super) use read::read_pytorch;
