use serde::{Deserialize, Serialize};

use super::{OperationSet, by_name};
use crate::SupernetError;

/// A cell search space as data: how many intermediate nodes a cell has and which operations may sit
/// on an edge.
///
/// Intermediate node `j` is connected with all [`INPUTS`](OperationSet::INPUTS) of the cell and with
/// every earlier node, so it has `j + INPUTS` incoming edges. Edges are numbered node by node, and
/// within a node by their input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, bound = "O: OperationSet")]
pub struct SearchSpace<O> {
    /// Number of intermediate nodes of a cell.
    pub nodes: usize,
    /// Candidate operations of every edge.
    #[serde(with = "by_name::list")]
    pub operations: Vec<O>,
}

impl<O: OperationSet> Default for SearchSpace<O> {
    /// As many nodes as in the paper, and the operations that the set has for this.
    fn default() -> Self {
        Self {
            nodes: O::NODES,
            operations: O::SEARCHED.to_vec(),
        }
    }
}

impl<O: OperationSet> SearchSpace<O> {
    /// Most intermediate nodes of a cell, of one in a genotype too.
    pub const MAX_NODES: usize = 16;

    /// Checks that the space can be searched.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when there is no node, fewer than two operations, an operation
    /// twice, or nothing but the one that contributes nothing.
    pub fn validate(&self) -> Result<(), SupernetError> {
        let most = Self::MAX_NODES;
        if !(1..=most).contains(&self.nodes) {
            let valid = format!("1 to {most} intermediate nodes");
            return Err(SupernetError::config("space.nodes", self.nodes, valid));
        }
        let ops = &self.operations;
        let repeated = (1..ops.len()).any(|index| ops[..index].contains(&ops[index]));
        let useful = ops.iter().any(|&op| Some(op) != O::NONE);
        if ops.len() < 2 || repeated || !useful {
            let found: Vec<_> = ops.iter().map(|op| op.name()).collect();
            return Err(SupernetError::config(
                "space.operations",
                format!("[{}]", found.join(", ")),
                format!("two or more different ones of {}", O::names()),
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
        node + O::INPUTS
    }

    /// Index of the first edge into `node`; its edge from input `i` is `first_edge(node) + i`.
    pub fn first_edge(&self, node: usize) -> usize {
        (0..node).map(|earlier| self.incoming(earlier)).sum()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Operation, SearchSpace};

    #[test]
    fn the_papers_space_has_fourteen_edges_of_eight() {
        let space: SearchSpace = SearchSpace::default();
        assert_eq!((space.edges(), space.ops()), (14, 8));
        assert_eq!(
            (0..4).map(|n| space.first_edge(n)).collect::<Vec<_>>(),
            [0, 2, 5, 9]
        );
        space.validate().unwrap();
    }

    #[test]
    fn impossible_spaces_are_refused() {
        let refused = |nodes, operations: &[Operation]| {
            let operations = operations.to_vec();
            let space = SearchSpace { nodes, operations };
            space.validate().unwrap_err().to_string()
        };
        let (none, skip) = (Operation::None, Operation::SkipConnect);
        assert!(refused(0, &[none, skip]).contains("space.nodes"));
        for operations in [&[none, none, skip][..], &[skip], &[none]] {
            assert!(refused(2, operations).contains("space.operations"));
        }
    }

    #[test]
    fn a_space_is_read_by_names_and_a_misspelling_gets_a_suggestion() {
        let json = r#"{"nodes":3,"operations":["none","sep_conv_3x3"]}"#;
        let space: SearchSpace = serde_json::from_str(json).unwrap();
        assert_eq!(space.operations[1], Operation::SepConv3x3);
        assert_eq!(serde_json::to_string(&space).unwrap(), json);
        let misspelt = json.replace("conv_3x3", "conv3x3");
        let error = serde_json::from_str::<SearchSpace>(&misspelt).unwrap_err();
        let expected = "unknown operation `sep_conv3x3`, did you mean `sep_conv_3x3`";
        assert!(error.to_string().starts_with(expected), "{error}");
        let unknown = serde_json::from_str::<SearchSpace>(r#"{"ops": []}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown field"), "{unknown}");
    }
}
