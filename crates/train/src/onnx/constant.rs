use onnx_rs::ast::DataType;

/// A tensor that a file holds.
#[derive(Debug)]
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) shape: Vec<i64>,
    pub(super) kind: DataType,
    /// Its values, row by row, in the byte order of the format.
    pub(super) bytes: Vec<u8>,
}

impl Constant {
    pub(super) fn floats(name: String, shape: &[usize], values: &[f32]) -> Self {
        Self {
            name,
            shape: shape.iter().map(|&size| size as i64).collect(),
            kind: DataType::Float,
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    pub(super) fn wholes(name: String, values: &[i64]) -> Self {
        Self {
            name,
            shape: vec![values.len() as i64],
            kind: DataType::Int64,
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}
