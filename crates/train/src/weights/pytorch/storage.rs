use std::rc::Rc;

use crate::weights::element::Element;

/// Numbers that tensors look into.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Storage {
    /// Name of the bytes in the file.
    pub(super) key: Rc<str>,
    pub(super) kind: StorageKind,
    /// Where it begins in those, in elements of its kind.
    pub(super) offset: usize,
    /// Elements of its kind.
    pub(super) len: usize,
}

/// What a storage consists of, by the name of its class.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StorageKind {
    Of(Element),
    /// Bytes, which a tensor says the kind of.
    Untyped,
    /// Of a kind that is not read, each element of so many bytes.
    Unreadable {
        class: Rc<str>,
        size: usize,
    },
}

impl StorageKind {
    /// The kind of `torch.FloatStorage` and the like, of any device; `None` for an unknown class.
    pub(super) fn of_class(class: &Rc<str>) -> Option<Self> {
        let (_, short) = class.rsplit_once('.')?;
        let element = match short.strip_suffix("Storage")? {
            "Bool" => Element::Bool,
            "Byte" => Element::U8,
            "Char" => Element::I8,
            "Short" => Element::I16,
            "Int" => Element::I32,
            "Long" => Element::I64,
            "Half" => Element::F16,
            "BFloat16" => Element::Bf16,
            "Float" => Element::F32,
            "Double" => Element::F64,
            "Untyped" | "_Untyped" => return Some(Self::Untyped),
            other => {
                let size = match other {
                    "ComplexDouble" => 16,
                    "ComplexFloat" => 8,
                    "QInt32" => 4,
                    "QInt8" | "QUInt8" | "QUInt4x2" | "QUInt2x4" => 1,
                    _ => return None,
                };
                let class = class.clone();
                return Some(Self::Unreadable { class, size });
            }
        };
        Some(Self::Of(element))
    }

    /// Bytes of an element.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Of(element) => element.size(),
            Self::Untyped => 1,
            Self::Unreadable { size, .. } => *size,
        }
    }
}

/// The kind of numbers that `torch.float32` and the like name.
pub(super) fn element_of(kind: &str) -> Option<Element> {
    Some(match kind.strip_prefix("torch.")? {
        "bool" => Element::Bool,
        "uint8" => Element::U8,
        "int8" => Element::I8,
        "uint16" => Element::U16,
        "int16" => Element::I16,
        "uint32" => Element::U32,
        "int32" => Element::I32,
        "uint64" => Element::U64,
        "int64" => Element::I64,
        "float16" => Element::F16,
        "bfloat16" => Element::Bf16,
        "float32" => Element::F32,
        "float64" => Element::F64,
        _ => return None,
    })
}
