use serde::{Deserialize, Serialize};

/// The outer form of a derived network (DARTS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// One convolution, then the cells at the size of the image.
    #[default]
    Cifar,
    /// Three convolutions of stride 2, then the cells at an eighth of the size of the image.
    Imagenet,
}
