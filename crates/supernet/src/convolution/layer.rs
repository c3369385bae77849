use std::fmt;

use super::Stride;

/// What kind of map a counted layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// A convolution between all channels with a kernel of this side.
    Convolution(usize),
    /// A convolution between all channels whose kernel is a strip of this length, one pixel wide.
    Strip(usize),
    /// A depthwise convolution with a kernel of this side.
    Depthwise(usize),
    /// A 1x1 convolution.
    Pointwise,
    /// A linear layer.
    Linear,
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convolution(side) => write!(f, "conv {side}x{side}"),
            Self::Strip(length) => write!(f, "conv strip {length}"),
            Self::Depthwise(side) => write!(f, "depthwise {side}x{side}"),
            Self::Pointwise => f.write_str("pointwise"),
            Self::Linear => f.write_str("linear"),
        }
    }
}

impl LayerKind {
    /// Weights of a layer of this kind between so many channels, its input's and its output's; a
    /// channel of a depthwise convolution has one input. Normalisation and biases not counted.
    pub(crate) fn weights(self, [channels_in, channels_out]: [usize; 2]) -> usize {
        channels_out
            * match self {
                Self::Convolution(side) => channels_in * side * side,
                Self::Strip(length) => channels_in * length,
                Self::Depthwise(side) => side * side,
                Self::Pointwise | Self::Linear => channels_in,
            }
    }
}

/// A convolution that an operation is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperationLayer {
    pub(crate) kind: LayerKind,
    /// Of the input and the output.
    pub(crate) channels: [usize; 2],
    /// Channels of the normalisation that follows; 0 for none.
    pub(crate) normalized: usize,
    /// How much of the operation's stride its output has.
    pub(crate) shrunk: Shrunk,
}

/// The axes along which an operation's stride has shrunk the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shrunk {
    Both,
    Width,
}

impl OperationLayer {
    /// A 1x1 convolution and a normalisation.
    pub(crate) fn pointwise(channels: usize) -> Self {
        Self {
            kind: LayerKind::Pointwise,
            channels: [channels; 2],
            normalized: channels,
            shrunk: Shrunk::Both,
        }
    }

    /// A convolution between all channels with a kernel of this side, and a normalisation.
    pub(crate) fn convolution(channels: usize, side: usize) -> Self {
        let kind = match side {
            1 => LayerKind::Pointwise,
            side => LayerKind::Convolution(side),
        };
        Self {
            kind,
            ..Self::pointwise(channels)
        }
    }

    /// A convolution between all channels with a strip of this length, and a normalisation.
    pub(crate) fn strip(channels: usize, length: usize) -> Self {
        Self {
            kind: LayerKind::Strip(length),
            ..Self::pointwise(channels)
        }
    }

    /// A depthwise convolution with a kernel of this side.
    pub(crate) fn depthwise(channels: usize, side: usize) -> Self {
        Self {
            kind: LayerKind::Depthwise(side),
            channels: [1, channels],
            normalized: 0,
            shrunk: Shrunk::Both,
        }
    }

    pub(crate) fn weights(self) -> usize {
        self.kind.weights(self.channels)
    }

    /// Height and width of its output, of an operation that strides so over an image of these.
    pub(crate) fn sides(self, [height, width]: [usize; 2], stride: Stride) -> [usize; 2] {
        let rows = match self.shrunk {
            Shrunk::Both => height.div_ceil(stride.factor()),
            Shrunk::Width => height,
        };
        [rows, width.div_ceil(stride.factor())]
    }
}
