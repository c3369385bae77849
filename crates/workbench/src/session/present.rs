use crate::report::Chart;

/// What a person looks at while an experiment runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Present {
    /// Curves of the epochs so far, the most important first.
    pub charts: Vec<Chart>,
    /// The cells as they are now.
    pub cells: Vec<PresentCell>,
}

/// A kind of cell as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentCell {
    /// What it is called.
    pub title: String,
    /// Its nodes in their order.
    pub nodes: Vec<PresentNode>,
}

/// A node of a cell, and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentNode {
    /// Its name.
    pub name: String,
    /// An operation, or the most probable one, of each edge into it.
    pub inputs: Vec<PresentInput>,
}

/// An operation on an edge.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentInput {
    /// Name of what the operation reads.
    pub from: String,
    /// Name of the operation.
    pub operation: String,
    /// How probable it is, where that is still open.
    pub probability: Option<f64>,
}
