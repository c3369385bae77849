//! A laid out cell as SVG.

use super::{
    CellDrawing, DrawnEdge,
    layout::{LABEL_SIZE, Layout, Line},
};
use crate::{
    palette,
    svg::{Rect, Svg, text_width},
};

const INK: &str = "#222222";
const MUTED: &str = "#666666";
const PALE: &str = "#b5b5b5";

/// All cells below each other.
pub(super) fn document(cells: &[CellDrawing]) -> String {
    let (mut svg, mut width, mut height) = (Svg::default(), 100.0_f64, 0.0);
    for cell in cells {
        let layout = Layout::new(cell);
        svg.group(height, &drawn(cell, &layout));
        width = width
            .max(layout.width)
            .max(40.0 + text_width(&cell.title, 16.0));
        height += layout.height;
    }
    svg.finish(width, height)
}

fn drawn(cell: &CellDrawing, layout: &Layout) -> Svg {
    let mut svg = Svg::default();
    svg.text((20.0, 20.0), &cell.title, 16.0, INK, "start");
    if let Some(output) = layout.output {
        output_lines(&mut svg, cell, layout, output);
    }
    for (edge, line) in cell.edges.iter().zip(&layout.lines) {
        operation(&mut svg, line, edge.colour);
    }
    // Labels come after all lines, so that no line is drawn over one.
    for (edge, line) in cell.edges.iter().zip(&layout.lines) {
        label(&mut svg, edge, line.label);
    }
    for (vertex, rect) in layout.boxes.iter().enumerate() {
        let (name, fill) = match vertex.checked_sub(cell.inputs.len()) {
            None => (cell.inputs[vertex].clone(), "#e3f1e6"),
            Some(node) => ((cell.first_node + node).to_string(), "#e4eefb"),
        };
        named_box(&mut svg, *rect, &name, fill);
    }
    if let Some(output) = layout.output {
        named_box(&mut svg, output, &cell.output, "#fbf0d9");
    }
    svg
}

fn operation(svg: &mut Svg, line: &Line, index: usize) {
    let colour = palette::hex(index);
    let dash = if palette::dashed(index) {
        r#"stroke-dasharray="6 3""#
    } else {
        ""
    };
    svg.path(&line.path(), &colour, 1.6, dash);
    let (x, y) = line.end;
    let head = format!("M{x:.1} {y:.1}l-8 -3.2v6.4z");
    svg.shape(&head, &colour);
}

fn label(svg: &mut Svg, edge: &DrawnEdge, rect: Rect) {
    svg.rect(rect, 3.0, "white", "none");
    let y = rect.top + rect.height / 2.0;
    match &edge.note {
        None => svg.text(
            (rect.left + rect.width / 2.0, y),
            &edge.label,
            LABEL_SIZE,
            INK,
            "middle",
        ),
        Some(note) => {
            svg.text((rect.left + 4.0, y), &edge.label, LABEL_SIZE, INK, "start");
            let right = rect.left + rect.width - 4.0;
            svg.text((right, y), note, LABEL_SIZE - 1.0, MUTED, "end");
        }
    }
}

/// Nodes join the output through one common line below the operations.
fn output_lines(svg: &mut Svg, cell: &CellDrawing, layout: &Layout, output: Rect) {
    let style = r#"stroke-dasharray="3 3""#;
    let centre = output.left + output.width / 2.0;
    let boxes = &layout.boxes[cell.inputs.len()..];
    let nodes: Vec<&Rect> = cell.outputs.iter().filter_map(|&n| boxes.get(n)).collect();
    for node in &nodes {
        let x = node.left + node.width / 2.0;
        let data = format!("M{x:.1} {:.1}V{:.1}", node.top + node.height, layout.bus);
        svg.path(&data, PALE, 1.2, style);
    }
    let first = nodes.iter().min_by(|a, b| a.left.total_cmp(&b.left));
    let Some(first) = first else {
        return;
    };
    let (start, arrival) = (first.left + first.width / 2.0, output.top + output.height);
    let data = format!("M{start:.1} {0:.1}H{centre:.1}V{arrival:.1}", layout.bus);
    svg.path(&data, PALE, 1.2, style);
    svg.shape(&format!("M{centre:.1} {arrival:.1}l-3.2 8h6.4z"), PALE);
    svg.text(
        (centre - 8.0, layout.bus - 9.0),
        &cell.joined,
        11.0,
        MUTED,
        "end",
    );
}

fn named_box(svg: &mut Svg, rect: Rect, name: &str, fill: &str) {
    svg.rect(rect, 8.0, fill, INK);
    let centre = (rect.left + rect.width / 2.0, rect.top + rect.height / 2.0);
    svg.text(centre, name, 13.0, INK, "middle");
}
