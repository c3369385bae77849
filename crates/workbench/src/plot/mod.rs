//! Line charts as SVG text.

mod chart;
mod scale;

pub use chart::{Panel, line_chart_svg, small_multiples_svg};
