use std::str::FromStr;

use clap::ValueEnum;
use supernet::Form;

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

/// Height and width, as in `32x32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides(pub(super) [usize; 2]);

impl FromStr for Sides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (height, width) = text.split_once('x')?;
            Some(Self([height.parse().ok()?, width.parse().ok()?]))
        };
        parse().ok_or_else(|| "valid: height and width, such as 32x32".into())
    }
}
