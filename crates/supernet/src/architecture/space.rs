use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::SupernetError;

/// A candidate operation of the convolution search space, in the order of DARTS (Liu et al. 2019,
/// section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// No connection: contributes zero.
    #[serde(rename = "none")]
    None,
    /// 3x3 maximum pooling.
    #[serde(rename = "max_pool_3x3")]
    MaxPool3x3,
    /// 3x3 average pooling; padding does not count.
    #[serde(rename = "avg_pool_3x3")]
    AvgPool3x3,
    /// Identity, or a factorised reduction at stride 2.
    #[serde(rename = "skip_connect")]
    SkipConnect,
    /// Depthwise separable 3x3 convolution, applied twice.
    #[serde(rename = "sep_conv_3x3")]
    SepConv3x3,
    /// Depthwise separable 5x5 convolution, applied twice.
    #[serde(rename = "sep_conv_5x5")]
    SepConv5x5,
    /// Depthwise separable 3x3 convolution with dilation 2.
    #[serde(rename = "dil_conv_3x3")]
    DilConv3x3,
    /// Depthwise separable 5x5 convolution with dilation 2.
    #[serde(rename = "dil_conv_5x5")]
    DilConv5x5,
}

impl Operation {
    /// All operations, in the order of the architecture logits.
    pub const ALL: [Operation; 8] = [
        Operation::None,
        Operation::MaxPool3x3,
        Operation::AvgPool3x3,
        Operation::SkipConnect,
        Operation::SepConv3x3,
        Operation::SepConv5x5,
        Operation::DilConv3x3,
        Operation::DilConv5x5,
    ];

    /// The name used in configurations and genotypes.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::None => "none",
            Operation::MaxPool3x3 => "max_pool_3x3",
            Operation::AvgPool3x3 => "avg_pool_3x3",
            Operation::SkipConnect => "skip_connect",
            Operation::SepConv3x3 => "sep_conv_3x3",
            Operation::SepConv5x5 => "sep_conv_5x5",
            Operation::DilConv3x3 => "dil_conv_3x3",
            Operation::DilConv5x5 => "dil_conv_5x5",
        }
    }

    /// All names, separated by commas, for messages.
    pub fn names() -> String {
        Self::ALL.map(Operation::name).join(", ")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operation {
    type Err = SupernetError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|op| op.name() == name)
            .ok_or_else(|| SupernetError::UnknownOperation {
                place: "operation".into(),
                found: name.into(),
            })
    }
}

/// A cell search space as data: how many intermediate nodes a cell has and which operations may sit
/// on an edge.
///
/// A cell has two inputs; intermediate node `j` is connected with both inputs and with every earlier
/// node, so it has `j + 2` incoming edges. Edges are numbered node by node, and within a node by
/// their input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSpace {
    /// Number of intermediate nodes of a cell.
    pub nodes: usize,
    /// Candidate operations of every edge.
    pub operations: Vec<Operation>,
}

impl Default for SearchSpace {
    /// The space of the paper: four nodes, eight operations.
    fn default() -> Self {
        Self {
            nodes: 4,
            operations: Operation::ALL.to_vec(),
        }
    }
}

impl SearchSpace {
    /// Number of cell inputs.
    pub const INPUTS: usize = 2;

    /// Checks that the space can be searched.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when there is no node, fewer than two operations, an operation
    /// twice, or nothing but `none`.
    pub fn validate(&self) -> Result<(), SupernetError> {
        if !(1..=16).contains(&self.nodes) {
            return Err(SupernetError::config(
                "space.nodes",
                self.nodes,
                "1 to 16 intermediate nodes",
            ));
        }
        let mut seen = self.operations.clone();
        seen.sort();
        seen.dedup();
        let useful = seen.iter().any(|op| *op != Operation::None);
        if seen.len() < 2 || seen.len() != self.operations.len() || !useful {
            let found: Vec<_> = self.operations.iter().map(|op| op.name()).collect();
            return Err(SupernetError::config(
                "space.operations",
                format!("[{}]", found.join(", ")),
                format!("two or more different ones of {}", Operation::names()),
            ));
        }
        Ok(())
    }

    /// Number of edges of a cell.
    pub fn edges(&self) -> usize {
        self.first_edge(self.nodes)
    }

    /// Number of operations of an edge.
    pub fn ops(&self) -> usize {
        self.operations.len()
    }

    /// Number of edges into `node`.
    pub fn incoming(&self, node: usize) -> usize {
        node + Self::INPUTS
    }

    /// Index of the first edge into `node`; its edge from input `i` is `first_edge(node) + i`.
    pub fn first_edge(&self, node: usize) -> usize {
        (0..node).map(|earlier| earlier + Self::INPUTS).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_space_has_fourteen_edges_of_eight() {
        let space = SearchSpace::default();
        assert_eq!((space.edges(), space.ops()), (14, 8));
        assert_eq!(
            (0..4).map(|n| space.first_edge(n)).collect::<Vec<_>>(),
            [0, 2, 5, 9]
        );
        space.validate().unwrap();
    }

    #[test]
    fn impossible_spaces_are_refused() {
        let mut space = SearchSpace {
            nodes: 0,
            ..Default::default()
        };
        assert!(
            space
                .validate()
                .unwrap_err()
                .to_string()
                .contains("space.nodes")
        );
        space.nodes = 2;
        space.operations = vec![Operation::None, Operation::None, Operation::SkipConnect];
        assert!(
            space
                .validate()
                .unwrap_err()
                .to_string()
                .contains("space.operations")
        );
    }

    #[test]
    fn names_round_trip_and_a_misspelling_gets_a_suggestion() {
        for op in Operation::ALL {
            assert_eq!(op.name().parse::<Operation>().unwrap(), op);
            assert_eq!(
                serde_json::to_string(&op).unwrap(),
                format!("\"{}\"", op.name())
            );
        }
        let error = "sep_conv3x3".parse::<Operation>().unwrap_err().to_string();
        assert!(error.contains("did you mean `sep_conv_3x3`"), "{error}");
    }
}
