use serde::{Deserialize, Serialize};

use crate::SupernetError;
use crate::architecture::{OperationSet, SearchSpace, by_name};

fn one() -> f64 {
    1.0
}

fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

/// One operation that a derived cell keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "O: OperationSet")]
pub struct GenotypeOp<O> {
    /// The operation; never the one that contributes nothing.
    #[serde(with = "by_name")]
    pub op: O,
    /// Where it reads: the cell's inputs come first, then its intermediate nodes. With two inputs
    /// those are 0 and 1, and 2 is the first intermediate node.
    pub input: usize,
    /// Factor of its output: 1 unless the search normalised its codes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

impl<O> GenotypeOp<O> {
    /// An operation of weight 1.
    pub fn new(op: O, input: usize) -> Self {
        Self {
            op,
            input,
            weight: 1.0,
        }
    }
}

/// The operations of a derived cell, node by node. Several may read the same input, and an operation
/// may read it twice: both run, with weights of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct CellGenotype<O> {
    /// `nodes[j]` feeds intermediate node `j`.
    pub nodes: Vec<Vec<GenotypeOp<O>>>,
    /// The nodes that make up the cell's output, in their order, counted as inputs of operations are
    /// ([`GenotypeOp::input`]); none for all of them.
    pub concat: Option<Vec<usize>>,
}

/// A derived architecture: what is kept of each kind of cell.
///
/// The text form has a line for each cell, nodes separated by `|`, operations as `op@input`, or
/// `op@input*weight` where the weight is not 1. Where only some nodes make up the output of a cell, a
/// line names them, counted as inputs are. What follows a `#` is a comment.
///
/// ```text
/// normal: skip_connect@0 sep_conv_3x3@1 | max_pool_3x3@0 dil_conv_3x3@2
/// normal_concat: 3
/// reduce: max_pool_3x3@0 | skip_connect@1
/// ```
///
/// The JSON form holds the same as `{"normal": [[{"op": "skip_connect", "input": 0}, ..], ..],
/// "normal_concat": [3], ..}`. Both are written; read are also the ways in which published codes print
/// genotypes, see [`Genotype::parse`].
#[derive(Debug, Clone, PartialEq)]
pub struct Genotype<O> {
    /// A cell of each kind, in the order of [`OperationSet::CELLS`].
    pub cells: Vec<CellGenotype<O>>,
}

/// What messages call a cell of this kind.
pub(super) fn label(name: &str) -> String {
    if name == "cell" {
        name.into()
    } else {
        format!("{name} cell")
    }
}

/// The field or line of the nodes that make up the output of a cell.
pub(super) fn concat_field(cell: &str) -> String {
    format!("{cell}{CONCAT}")
}

/// What follows the name of a cell in [`concat_field`].
pub(super) const CONCAT: &str = "_concat";

impl<O: OperationSet> CellGenotype<O> {
    /// A cell all of whose nodes make up its output.
    pub fn new(nodes: Vec<Vec<GenotypeOp<O>>>) -> Self {
        Self {
            nodes,
            concat: None,
        }
    }

    /// A cell with the nodes that make up its output, as files name them; none for all.
    pub(super) fn with_concat(nodes: Vec<Vec<GenotypeOp<O>>>, concat: Option<Vec<usize>>) -> Self {
        let all = O::INPUTS..O::INPUTS + nodes.len();
        // All of them in their order are what no list means.
        let concat = concat.filter(|chosen| !chosen.iter().copied().eq(all));
        Self { nodes, concat }
    }

    /// The nodes that make up the output, counted without the inputs.
    pub fn outputs(&self) -> Vec<usize> {
        match &self.concat {
            Some(chosen) => chosen
                .iter()
                .map(|node| node.saturating_sub(O::INPUTS))
                .collect(),
            None => (0..self.nodes.len()).collect(),
        }
    }

    /// All operations, node by node.
    pub fn operations(&self) -> impl Iterator<Item = &GenotypeOp<O>> {
        self.nodes.iter().flatten()
    }

    fn validate(&self, cell: &str) -> Result<(), SupernetError> {
        let (nodes, most) = (self.nodes.len(), SearchSpace::<O>::MAX_NODES);
        if !(1..=most).contains(&nodes) {
            let problem = format!("{nodes} nodes; a cell has 1 to {most}");
            return Err(SupernetError::genotype(cell, problem));
        }
        for (node, ops) in self.nodes.iter().enumerate() {
            Self::validate_node(&format!("{cell}, node {node}"), node, ops)?;
        }
        self.validate_concat(cell)
    }

    fn validate_node(place: &str, node: usize, ops: &[GenotypeOp<O>]) -> Result<(), SupernetError> {
        let inputs = node + O::INPUTS;
        // As many as a search space can lead into it.
        let most = inputs * O::ALL.len();
        if !(1..=most).contains(&ops.len()) {
            let problem = match ops.len() {
                0 => "no operation; every node needs 1 or more".into(),
                count => format!("{count} operations; this node has at most {most}"),
            };
            return Err(SupernetError::genotype(place, problem));
        }
        for entry in ops {
            let (op, input) = (entry.op.name(), entry.input);
            let problem = if Some(entry.op) == O::NONE {
                format!("`{op}` is not kept in a genotype; leave the entry out")
            } else if input >= inputs {
                format!(
                    "`{op}@{input}` reads input {input}; valid inputs: 0 to {}",
                    inputs - 1
                )
            } else if !(entry.weight.is_finite() && entry.weight > 0.0) {
                format!(
                    "weight {} of `{op}`; valid: a positive number",
                    entry.weight
                )
            } else {
                continue;
            };
            return Err(SupernetError::genotype(place, problem));
        }
        Ok(())
    }

    fn validate_concat(&self, cell: &str) -> Result<(), SupernetError> {
        let Some(chosen) = &self.concat else {
            return Ok(());
        };
        let (first, end) = (O::INPUTS, O::INPUTS + self.nodes.len());
        let repeated = (1..chosen.len()).any(|index| chosen[..index].contains(&chosen[index]));
        let outside = chosen.iter().any(|node| !(first..end).contains(node));
        if chosen.is_empty() || repeated || outside {
            let problem = format!(
                "its output is made of {chosen:?}; valid: different nodes of {first} to {}, as \
                 operations count them",
                end - 1
            );
            return Err(SupernetError::genotype(cell, problem));
        }
        Ok(())
    }
}

impl<O: OperationSet> Genotype<O> {
    /// The cells with the names of their kinds.
    pub fn named_cells(&self) -> impl Iterator<Item = (&'static str, &CellGenotype<O>)> {
        O::CELLS.iter().copied().zip(&self.cells)
    }

    /// Number of intermediate nodes of a cell; of the first, where they differ.
    pub fn nodes(&self) -> usize {
        self.cells.first().map_or(0, |cell| cell.nodes.len())
    }

    /// Checks that there is a cell of each kind, inputs, empty nodes, the nodes that make up outputs, and
    /// that no cell is larger than a [`SearchSpace`] can be.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Genotype`] naming the cell and the node.
    pub fn validate(&self) -> Result<(), SupernetError> {
        let (found, kinds) = (self.cells.len(), O::CELLS.len());
        if found != kinds {
            let problem = format!("{found} cells; valid: {kinds}, {}", O::CELLS.join(" and "));
            return Err(SupernetError::genotype("genotype", problem));
        }
        for (name, cell) in self.named_cells() {
            cell.validate(&label(name))?;
        }
        Ok(())
    }
}
