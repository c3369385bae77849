use serde::{Deserialize, Serialize};

use crate::SupernetError;
use crate::architecture::{OperationSet, by_name};

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

/// The operations of a derived cell, node by node; several may read the same input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "O: OperationSet")]
pub struct CellGenotype<O> {
    /// `nodes[j]` feeds intermediate node `j`.
    pub nodes: Vec<Vec<GenotypeOp<O>>>,
}

/// A derived architecture: what is kept of each kind of cell.
///
/// The text form has a line for each cell, nodes separated by `|`, operations as `op@input`, or
/// `op@input*weight` where the weight is not 1:
///
/// ```text
/// normal: skip_connect@0 sep_conv_3x3@1 | max_pool_3x3@0 dil_conv_3x3@2
/// reduce: max_pool_3x3@0 | skip_connect@1
/// ```
///
/// The JSON form holds the same as `{"normal": [[{"op": "skip_connect", "input": 0}, ..], ..], ..}`.
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

impl<O: OperationSet> CellGenotype<O> {
    fn validate(&self, cell: &str) -> Result<(), SupernetError> {
        if self.nodes.is_empty() {
            return Err(SupernetError::genotype(
                cell,
                "no node; a cell has 1 or more",
            ));
        }
        for (node, ops) in self.nodes.iter().enumerate() {
            let place = format!("{cell}, node {node}");
            let inputs = node + O::INPUTS;
            if ops.is_empty() {
                let problem = "no operation; every node needs 1 or more";
                return Err(SupernetError::genotype(place, problem));
            }
            for (index, entry) in ops.iter().enumerate() {
                let (op, input) = (entry.op.name(), entry.input);
                let problem = if Some(entry.op) == O::NONE {
                    format!("`{op}` is not kept in a genotype; leave the entry out")
                } else if input >= inputs {
                    format!(
                        "`{op}@{input}` reads input {input}; valid inputs: 0 to {}",
                        inputs - 1
                    )
                } else if ops[..index]
                    .iter()
                    .any(|e| (e.op, e.input) == (entry.op, input))
                {
                    format!("`{op}@{input}` stands twice; once is enough")
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
        }
        Ok(())
    }
}

impl<O: OperationSet> Genotype<O> {
    /// The cells with the names of their kinds.
    pub fn named_cells(&self) -> impl Iterator<Item = (&'static str, &CellGenotype<O>)> {
        O::CELLS.iter().copied().zip(&self.cells)
    }

    /// Number of intermediate nodes of a cell.
    pub fn nodes(&self) -> usize {
        self.cells.first().map_or(0, |cell| cell.nodes.len())
    }

    /// Checks that there is a cell of each kind, inputs, duplicates and empty nodes, and that all
    /// cells have as many nodes.
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
        if self
            .cells
            .iter()
            .any(|cell| cell.nodes.len() != self.nodes())
        {
            let counts = self.named_cells();
            let counts: Vec<_> = counts
                .map(|(name, cell)| format!("{} {name}", cell.nodes.len()))
                .collect();
            let problem = format!("{} nodes; they must agree", counts.join(" and "));
            return Err(SupernetError::genotype("genotype", problem));
        }
        Ok(())
    }

    /// Reads the JSON form, or the text form where the text does not begin with `{`. `source` (a
    /// file's name, say) begins every error.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Genotype`] or [`SupernetError::UnknownOperation`], saying where and what
    /// would be valid.
    pub fn parse(source: &str, text: &str) -> Result<Self, SupernetError> {
        let parsed = if text.trim_start().starts_with('{') {
            Self::from_json(text)
        } else {
            text.parse()
        };
        parsed.map_err(|mut error| {
            if let SupernetError::Genotype { place, .. }
            | SupernetError::UnknownOperation { place, .. } = &mut error
            {
                *place = format!("{source}: {place}");
            }
            error
        })
    }
}
