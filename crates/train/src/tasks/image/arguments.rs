use clap::ValueEnum;
use supernet::Form;

use crate::tasks::layers::Sides;

/// [`Form`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormArg {
    /// One convolution before the cells.
    Cifar,
    /// Three convolutions of stride 2 before the cells.
    Imagenet,
}

impl From<FormArg> for Form {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Cifar => Self::Cifar,
            FormArg::Imagenet => Self::Imagenet,
        }
    }
}

impl FormArg {
    /// The size of images that the papers use with the form.
    pub(super) fn image(self) -> Sides {
        match self {
            Self::Cifar => Sides([32; 2]),
            Self::Imagenet => Sides([224; 2]),
        }
    }
}
