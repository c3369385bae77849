use std::fmt;

/// What kind of map a counted layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// A convolution between all channels with a kernel of this side.
    Convolution(usize),
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
                Self::Depthwise(side) => side * side,
                Self::Pointwise | Self::Linear => channels_in,
            }
    }
}

/// A convolution that an operation is made of. It works at the size of the operation's output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperationLayer {
    pub(crate) kind: LayerKind,
    /// Of the input and the output.
    pub(crate) channels: [usize; 2],
    /// Channels of the normalisation that follows; 0 for none.
    pub(crate) normalized: usize,
}

impl OperationLayer {
    /// A 1x1 convolution and a normalisation.
    pub(crate) fn pointwise(channels: usize) -> Self {
        Self {
            kind: LayerKind::Pointwise,
            channels: [channels; 2],
            normalized: channels,
        }
    }

    /// A depthwise convolution with a kernel of this side.
    pub(crate) fn depthwise(channels: usize, side: usize) -> Self {
        Self {
            kind: LayerKind::Depthwise(side),
            channels: [1, channels],
            normalized: 0,
        }
    }

    pub(crate) fn weights(self) -> usize {
        self.kind.weights(self.channels)
    }
}
