/// The stride of a cell, and of the operations on its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stride {
    /// 1: the size stays.
    One,
    /// 2: half of the size.
    Two,
    /// 2, taken away: the size stays, and whatever follows looks twice as far.
    Dilated,
}

impl Stride {
    /// By how much it shrinks the image.
    pub fn factor(self) -> usize {
        match self {
            Self::One | Self::Dilated => 1,
            Self::Two => 2,
        }
    }

    /// Whether it is that of a reduction, which has weights of its own even where the size stays.
    pub fn reduces(self) -> bool {
        self != Self::One
    }
}

/// How an operation goes over an image whose neighbours in its sense are `dilation` pixels apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// Stride of the first layer; all others have 1.
    pub stride: Stride,
    /// Dilation of the first layer's input, 1 where no stride was taken away before it.
    pub dilation: usize,
}

impl Spacing {
    /// Neighbouring pixels, one after the other.
    pub const DENSE: Self = Self {
        stride: Stride::One,
        dilation: 1,
    };

    /// Of what follows the first layer.
    pub fn next(self) -> Self {
        let twice = usize::from(self.stride == Stride::Dilated);
        Self {
            stride: Stride::One,
            dilation: self.dilation << twice,
        }
    }
}

impl From<Stride> for Spacing {
    fn from(stride: Stride) -> Self {
        Self {
            stride,
            ..Self::DENSE
        }
    }
}
