use crate::kernels::{PoolWindow, WindowOptions};

/// What a call of a graph computes. Images are `[batch, channels, height, width]`, vectors
/// `[batch, units]`; tensors of the network are given by their names in a [`StateDict`](crate::StateDict).
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Convolution of an image, with zeros around it.
    Convolution {
        /// `[channels_out, channels_in / groups, kernel_h, kernel_w]`
        weight: String,
        /// `[channels_out]`
        bias: Option<String>,
        /// How it goes over the image.
        window: WindowOptions,
        /// Into how many groups channels are divided.
        groups: usize,
    },
    /// Normalisation of each channel, or unit, with running statistics.
    Normalisation {
        /// Scale and shift `[channels]`, after the normalisation.
        affine: Option<[String; 2]>,
        /// Mean and variance, each `[channels]`.
        running: [String; 2],
        /// Added to the variance.
        epsilon: f64,
    },
    /// `(x - mean) / std` of each channel of an image.
    Standardisation {
        /// One a channel.
        mean: Vec<f32>,
        /// One a channel.
        std: Vec<f32>,
    },
    /// `max(x, 0)`
    Rectified,
    /// Hyperbolic tangent.
    Tanh,
    /// Logistic function.
    Sigmoid,
    /// Logarithms of the probabilities whose logits are vectors.
    LogSoftmax,
    /// Maximum pooling of an image; padding is never the largest.
    MaxPool(PoolWindow),
    /// Average pooling of an image; padding does not count.
    AvgPool(PoolWindow),
    /// The pixels that lie so many rows below and columns to the right, zero outside of the image.
    Shifted(usize),
    /// The channels, or units, of all inputs, one behind the other.
    Joined,
    /// The units of vectors cut into so many parts of one length.
    Parts(usize),
    /// `a + b`
    Sum,
    /// `a - b`
    Difference,
    /// `a * b`, number by number.
    Product,
    /// Every number times this one.
    Scaled(f64),
    /// The mean of all pixels of an image, `[batch, channels, 1, 1]`.
    GlobalAverage,
    /// The numbers of an image as a vector.
    Flattened,
    /// An affine map of vectors.
    Linear {
        /// A matrix.
        weight: String,
        /// `[outputs]`
        bias: Option<String>,
        /// What its rows are.
        rows: Rows,
    },
    /// The rows of a table that whole numbers `[batch]` name.
    LookUp {
        /// `[rows, units]`
        table: String,
    },
    /// The first input, repeated to the shape of the second.
    Expanded,
    /// The first input, an image, with the height and width of the second: bilinear, with the outer edges of
    /// corner pixels held in place.
    Upsampled,
}

/// What the rows of a matrix stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// `[inputs, outputs]`
    Inputs,
    /// `[outputs, inputs]`
    Outputs,
}
