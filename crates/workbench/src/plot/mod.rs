//! Line charts as SVG text.

mod chart;
mod scale;

pub use chart::{LineChart, LineName, Panel, Shaded, SmallMultiples};
