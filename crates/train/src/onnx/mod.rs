//! Trained networks as ONNX files, which other programs run.
//!
//! A network [describes itself](supernet::graph) as a graph of functions in the terms of its papers; here each
//! becomes the nodes that ONNX has for it. A file is of the standard's operators alone, opset
//! [`OPSET`](OnnxModel::OPSET), its batch may be of any size, and its tensors have the names that they have in
//! `model.safetensors`. What a program must know to use it stands in the file: the text of the model says
//! what goes in and comes out, its properties name classes or words.

mod constant;
mod encode;
mod node;

use supernet::StateDict;
use supernet::graph::{Axis, Graph, Port};

use crate::TrainError;

/// A network as an ONNX file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxModel {
    /// What it computes.
    pub graph: Graph,
    /// What goes in and comes out, for a person.
    pub about: String,
    /// Properties by name, for programs: lists and tables as JSON.
    pub properties: Vec<(&'static str, String)>,
}

impl OnnxModel {
    /// The version of the standard's operators: the first whose average pooling dilates.
    pub const OPSET: i64 = 19;
    /// The version of the format, the one that goes with these operators.
    const FORMAT: i64 = 9;
    /// Bytes of tensors that fit a file: a message of protobuf ends at 2 GiB, and nodes take a share.
    const MAX_BYTES: usize = (2 << 30) - (64 << 20);

    /// The file, with the weights and running statistics of `state`.
    ///
    /// # Errors
    ///
    /// When the tensors of the graph are not those of the state, or are too large for a file.
    pub fn encode(&self, state: &StateDict) -> Result<Vec<u8>, TrainError> {
        let content = node::content(&self.graph, state)?;
        let bytes: usize = content.constants.iter().map(|one| one.bytes.len()).sum();
        check_size(bytes)?;
        Ok(encode::encode(self, &content))
    }

    /// Names and shapes of what goes in and comes out: ``input `pixels` [batch, 3, 32, 32]; ...``.
    pub fn ports(&self) -> String {
        let inputs = self.graph.inputs.iter().map(|port| text("input", port));
        let outputs = self.graph.outputs.iter().map(|port| text("output", port));
        inputs.chain(outputs).collect::<Vec<_>>().join("; ")
    }
}

fn check_size(bytes: usize) -> Result<(), TrainError> {
    if bytes <= OnnxModel::MAX_BYTES {
        return Ok(());
    }
    Err(TrainError::Option {
        option: "onnx",
        found: format!("of a network with {} MiB of weights", bytes >> 20),
        valid: format!(
            "for networks of up to {} MiB, as one file of the format ends at 2 GiB; `--out` has no such end",
            OnnxModel::MAX_BYTES >> 20
        ),
    })
}

fn text(kind: &str, port: &Port) -> String {
    let axes = port.axes.iter().map(|axis| match axis {
        Axis::Any(name) => (*name).into(),
        Axis::Fixed(size) => size.to_string(),
    });
    let axes: Vec<String> = axes.collect();
    format!("{kind} `{}` [{}]", port.name, axes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_for_a_file_is_refused() {
        check_size(1 << 30).unwrap();
        let message = check_size(3 << 30).unwrap_err().to_string();
        assert_eq!(
            message,
            "`--onnx` is of a network with 3072 MiB of weights; valid: for networks of up to 1984 MiB, as one \
             file of the format ends at 2 GiB; `--out` has no such end"
        );
    }
}
