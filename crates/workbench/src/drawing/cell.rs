//! What is to be drawn.

use super::render;
use crate::{Result, WorkbenchError};

/// A cell to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct CellDrawing {
    /// The heading.
    pub title: String,
    /// The names of the inputs, such as `c_{k-2}` and `c_{k-1}`.
    pub inputs: Vec<String>,
    /// The number of intermediate nodes.
    pub nodes: usize,
    /// The number that the first of them is shown by.
    pub first_node: usize,
    /// The operations, each a line of its own.
    pub edges: Vec<DrawnEdge>,
    /// The nodes that are joined into an output, counted without the inputs; none for no output.
    pub outputs: Vec<usize>,
    /// What the output is called.
    pub output: String,
    /// How the nodes are joined, such as `concat`.
    pub joined: String,
}

/// An operation of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnEdge {
    /// Where it comes from: the inputs are counted first, then the nodes.
    pub from: usize,
    /// The node it leads to, counted without the inputs.
    pub to: usize,
    /// The operation.
    pub label: String,
    /// Index of its colour; what has the same one elsewhere is the same operation.
    pub colour: usize,
    /// A remark behind the label, such as a probability.
    pub note: Option<String>,
}

impl DrawnEdge {
    /// The line of an operation that a genotype keeps with a weight, which is told where it is not 1.
    pub fn of_entry(from: usize, to: usize, label: &str, colour: usize, weight: f64) -> Self {
        Self {
            from,
            to,
            label: label.into(),
            colour,
            note: (weight != 1.0).then(|| format!("x {weight:.2}")),
        }
    }
}

/// Draws one cell.
///
/// # Errors
///
/// When an edge does not lead forward to a node of the cell.
pub fn cell_svg(cell: &CellDrawing) -> Result<String> {
    cells_svg(std::slice::from_ref(cell))
}

/// Draws cells below each other.
///
/// # Errors
///
/// When an edge does not lead forward to a node of its cell.
pub fn cells_svg(cells: &[CellDrawing]) -> Result<String> {
    for cell in cells {
        check(cell)?;
    }
    Ok(render::document(cells))
}

fn check(cell: &CellDrawing) -> Result<()> {
    for edge in &cell.edges {
        let target = cell.inputs.len() + edge.to;
        if edge.to >= cell.nodes || edge.from >= target {
            return Err(WorkbenchError::Drawing {
                what: format!("cell `{}`, operation `{}`", cell.title, edge.label),
                found: format!("a line from {} to node {}", edge.from, edge.to),
                valid: format!(
                    "a line to a node below {} from one of {} inputs or an earlier node",
                    cell.nodes,
                    cell.inputs.len()
                ),
            });
        }
    }
    Ok(())
}
