//! The search space's networks for semantic segmentation: an encoder of the cells of image
//! classification, an atrous spatial pyramid, and bilinear upsampling to the size of the image.
//!
//! An encoder keeps an output stride: reductions beyond it lose their stride and dilate what follows
//! instead ([`Spacing`](crate::Spacing)), so that it computes at every pixel what a classifier of the
//! same weights computes at every second one.
//!
//! Normalisation after the image pooling sees one value an image. With two images it would be +-1
//! whatever they show, with one nothing at all, so passes of fewer than
//! [`MIN_POOLED`](AtrousPyramid::MIN_POOLED) images are normalised there with the running statistics,
//! and do not move them: a network that is only ever trained so has a scale and a shift there, in
//! training and evaluation alike.

mod auxiliary;
mod config;
mod count;
mod dropout;
mod memory;
mod network;
mod plain;
mod pyramid;
mod stem;
mod supernet;
mod tensors;
mod transfer;

pub use auxiliary::SegmentationAuxiliary;
pub use config::{PyramidConfig, SegmentationConfig, SegmentationSize};
pub use dropout::DropoutKey;
pub use network::{
    EncoderChoice, SegmentationNetwork, SegmentationNetworkConfig, SegmentationOutput,
};
pub use plain::PlainStage;
pub use pyramid::{AtrousConv, AtrousPyramid, PixelClassifier, PyramidBranch, SegmentationHead};
pub use supernet::{SegmentationSupernet, SegmentationSupernetConfig};
pub use transfer::EncoderTransfer;

#[cfg(test)]
mod tests;
