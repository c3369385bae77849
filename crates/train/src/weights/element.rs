use half::{bf16, f16};

use super::layout::Layout;

/// The kinds of numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// The least.
    Little,
    /// The most significant.
    Big,
}

impl Element {
    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether a tensor of this kind and shape counts something, as PyTorch counts batches: a whole
    /// number by itself. No network here has one as a weight.
    pub(super) fn is_counter(self, shape: &[usize]) -> bool {
        let float = matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64);
        !float && shape.is_empty()
    }

    /// The elements of a tensor as PyTorch's `float()` gives them, row by row; `None` where `bytes`
    /// has fewer numbers than the layout reaches. The caller has made sure that so many may be held.
    pub(super) fn gather(
        self,
        bytes: &[u8],
        order: ByteOrder,
        layout: &Layout,
    ) -> Option<Vec<f32>> {
        let row = Row {
            bytes,
            order,
            layout,
        };
        match self {
            Self::Bool => row.gather(|[byte]| f32::from(u8::from(byte != 0))),
            Self::U8 => row.gather(|[byte]| f32::from(byte)),
            Self::I8 => row.gather(|word| f32::from(i8::from_le_bytes(word))),
            Self::U16 => row.gather(|word| f32::from(u16::from_le_bytes(word))),
            Self::I16 => row.gather(|word| f32::from(i16::from_le_bytes(word))),
            Self::U32 => row.gather(|word| u32::from_le_bytes(word) as f32),
            Self::I32 => row.gather(|word| i32::from_le_bytes(word) as f32),
            Self::U64 => row.gather(|word| u64::from_le_bytes(word) as f32),
            Self::I64 => row.gather(|word| i64::from_le_bytes(word) as f32),
            Self::F16 => row.gather(|word| f16::from_le_bytes(word).to_f32()),
            Self::Bf16 => row.gather(|word| bf16::from_le_bytes(word).to_f32()),
            Self::F32 => row.gather(f32::from_le_bytes),
            Self::F64 => row.gather(|word| f64::from_le_bytes(word) as f32),
        }
    }
}

struct Row<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
    layout: &'a Layout,
}

impl Row<'_> {
    fn gather<const SIZE: usize>(&self, value: impl Fn([u8; SIZE]) -> f32) -> Option<Vec<f32>> {
        let (words, _) = self.bytes.as_chunks::<SIZE>();
        let words = words.get(..self.layout.end())?;
        let mut values = Vec::with_capacity(self.layout.count());
        values.extend(self.layout.positions().map(|position| {
            let mut word = words[position];
            if self.order == ByteOrder::Big {
                word.reverse();
            }
            value(word)
        }));
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_and_cut_rows() {
        let layout = Layout::row_by_row(vec![2]).unwrap();
        let little = [0x34, 0x12, 0xff, 0xff];
        let read = |element: Element, bytes, order| element.gather(bytes, order, &layout);
        assert_eq!(
            read(Element::U16, &little, ByteOrder::Little),
            Some(vec![4660.0, 65535.0])
        );
        assert_eq!(
            read(Element::I16, &[0x12, 0x34, 0xff, 0xff], ByteOrder::Big),
            Some(vec![4660.0, -1.0])
        );
        assert_eq!(read(Element::F16, &little[..3], ByteOrder::Little), None);
    }
}
