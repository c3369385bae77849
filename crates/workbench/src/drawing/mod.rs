//! Drawings of cells as SVG text.
//!
//! Sources stand at the left, then the nodes in their order, then the output. Every operation is a
//! line of its own that runs along a horizontal lane, so that parallel operations stay apart; its
//! label sits on the lane between two columns, where no other line can pass.

mod cell;
mod lanes;
mod layout;
mod render;

pub use cell::{CellDrawing, DrawnEdge, cell_svg, cells_svg};

#[cfg(test)]
mod tests;
