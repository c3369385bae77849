//! Where everything of a cell goes.
//!
//! Inputs share the first column, every node has its own, and the output the last. Between two
//! columns lie a fan zone, a label zone and a fan zone: lines change height in fan zones only.

use super::{
    CellDrawing,
    lanes::{Span, choose_lanes},
};
use crate::svg::{Rect, text_width};

pub(super) const LABEL_SIZE: f64 = 12.0;
const LABEL_HEIGHT: f64 = 16.0;
const LANE: f64 = 21.0;
/// Between a column and the labels beside it, where lines spread out to their lanes.
const FAN: f64 = 52.0;
const PORT: f64 = 8.0;
const NODE_WIDTH: f64 = 34.0;
const MARGIN: f64 = 20.0;
pub(super) const TITLE_HEIGHT: f64 = 40.0;

/// The places of all that a cell shows, in a coordinate system of its own.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Inputs first, then nodes.
    pub(super) boxes: Vec<Rect>,
    pub(super) output: Option<Rect>,
    /// The height of the line that joins nodes to the output.
    pub(super) bus: f64,
    /// One for each edge of the cell, in its order.
    pub(super) lines: Vec<Line>,
}

/// The course of one operation.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) start: (f64, f64),
    pub(super) end: (f64, f64),
    /// Height of the level part.
    pub(super) lane: f64,
    pub(super) label: Rect,
}

impl Line {
    /// Where the line is level, from left to right.
    pub(super) fn level(&self) -> [f64; 2] {
        [self.start.0 + FAN, self.end.0 - FAN]
    }

    /// The line as a Bézier path.
    pub(super) fn path(&self) -> String {
        let ([left, right], lane) = (self.level(), self.lane);
        let ((x0, y0), (x1, y1)) = (self.start, self.end);
        let half = FAN / 2.0;
        format!(
            "M{x0:.1} {y0:.1}C{:.1} {y0:.1} {:.1} {lane:.1} {left:.1} {lane:.1}H{right:.1}\
             C{:.1} {lane:.1} {:.1} {y1:.1} {x1:.1} {y1:.1}",
            x0 + half,
            left - half,
            right + half,
            x1 - half,
        )
    }
}

impl Layout {
    pub(super) fn new(cell: &CellDrawing) -> Self {
        let inputs = cell.inputs.len();
        let column = |vertex: usize| (vertex + 1).saturating_sub(inputs);
        let mut spans: Vec<Span> = cell
            .edges
            .iter()
            .enumerate()
            .map(|(edge, drawn)| Span {
                edge,
                from: drawn.from,
                columns: [column(drawn.from), drawn.to + 1],
            })
            .collect();
        // Short lines get the inner lanes; parallel ones come one after the other.
        spans.sort_by_key(|span| (span.columns[1] - span.columns[0], span.columns, span.from));

        let heights = box_heights(cell);
        let tallest = heights[inputs..].iter().copied().fold(0.0, f64::max);
        let clear = ((tallest / 2.0 + 12.0) / LANE).ceil() as i32;
        let lanes = choose_lanes(&spans, inputs, clear);

        // Columns.
        let label_width = cell.edges.iter().map(label_width).fold(30.0, f64::max);
        let input_width = cell
            .inputs
            .iter()
            .map(|name| text_width(name, 13.0))
            .fold(34.0, f64::max);
        let input_width = input_width + 14.0;
        let first = MARGIN + input_width;
        let gap = 2.0 * FAN + label_width + 16.0;
        let node_left = |node: usize| first + gap + node as f64 * (NODE_WIDTH + gap);

        // Heights, around the axis of the nodes.
        let outermost = lanes.iter().map(|lane| f64::from(*lane) * LANE);
        let (top, bottom) = outermost.fold((0.0_f64, 0.0_f64), |(t, b), y| (t.min(y), b.max(y)));
        let stack: f64 = heights[..inputs].iter().map(|height| height + 24.0).sum();
        let top = top.min(-stack / 2.0).min(-tallest / 2.0) - LABEL_HEIGHT;
        let bottom = bottom.max(stack / 2.0).max(tallest / 2.0) + LABEL_HEIGHT;
        let axis = TITLE_HEIGHT - top;

        let mut boxes = Vec::new();
        let mut y = axis - stack / 2.0 + 12.0;
        for height in &heights[..inputs] {
            boxes.push(Rect {
                left: MARGIN,
                top: y,
                width: input_width,
                height: *height,
            });
            y += height + 24.0;
        }
        for (node, height) in heights[inputs..].iter().enumerate() {
            let centre = node_left(node) + NODE_WIDTH / 2.0;
            boxes.push(Rect::around(centre, axis, NODE_WIDTH, *height));
        }
        let last = boxes.iter().map(|b| b.left + b.width).fold(0.0, f64::max);
        let output = !cell.outputs.is_empty();
        let output = output.then(|| Rect::around(last + 80.0, axis, 48.0, 34.0));
        let bus = axis + bottom + 6.0;

        let mut lines = place_lines(cell, &boxes, &lanes, axis);
        place_labels(cell, &mut lines, &boxes, gap);
        Self {
            width: output.map_or(last, |output| output.left + output.width) + MARGIN,
            height: bus + MARGIN,
            boxes,
            output,
            bus,
            lines,
        }
    }
}

/// Tall enough that every line has its own port.
fn box_heights(cell: &CellDrawing) -> Vec<f64> {
    let inputs = cell.inputs.len();
    (0..inputs + cell.nodes)
        .map(|vertex| {
            let leaving = cell.edges.iter().filter(|edge| edge.from == vertex).count();
            let arriving = cell
                .edges
                .iter()
                .filter(|edge| edge.to + inputs == vertex)
                .count();
            (PORT * (leaving.max(arriving) as f64 + 1.0)).max(NODE_WIDTH)
        })
        .collect()
}

/// Gives every line its ports, in the order of the lanes, so that lines do not cross at a box.
fn place_lines(cell: &CellDrawing, boxes: &[Rect], lanes: &[i32], axis: f64) -> Vec<Line> {
    let inputs = cell.inputs.len();
    let port = |vertex: usize, edge: usize, leaving: bool| {
        let mut order: Vec<usize> = (0..cell.edges.len())
            .filter(|&other| {
                let drawn = &cell.edges[other];
                if leaving {
                    drawn.from == vertex
                } else {
                    drawn.to + inputs == vertex
                }
            })
            .collect();
        order.sort_by_key(|&other| lanes[other]);
        let place = order.iter().position(|&other| other == edge).unwrap_or(0) as f64;
        let offset = place - (order.len() as f64 - 1.0) / 2.0;
        let Rect {
            left,
            top,
            width,
            height,
        } = boxes[vertex];
        (
            if leaving { left + width } else { left },
            top + height / 2.0 + PORT * offset,
        )
    };
    let line = |edge: usize| {
        let drawn = &cell.edges[edge];
        Line {
            start: port(drawn.from, edge, true),
            end: port(drawn.to + inputs, edge, false),
            lane: axis + f64::from(lanes[edge]) * LANE,
            label: Rect::around(0.0, 0.0, label_width(drawn), LABEL_HEIGHT),
        }
    };
    (0..cell.edges.len()).map(line).collect()
}

/// Puts each label into the label zone nearest to the middle of its line where it meets no other
/// label and no other line. The lanes leave such a place in every zone that a line passes.
fn place_labels(cell: &CellDrawing, lines: &mut [Line], boxes: &[Rect], gap: f64) {
    for index in 0..lines.len() {
        let line = &lines[index];
        let middle = (line.start.0 + line.end.0) / 2.0;
        let first_zone = line.start.0 + gap / 2.0;
        let columns = ((line.end.0 - line.start.0) / (gap + NODE_WIDTH))
            .round()
            .max(1.0) as usize;
        let mut zones: Vec<f64> = (0..columns)
            .map(|zone| first_zone + zone as f64 * (gap + NODE_WIDTH))
            .collect();
        zones.sort_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()));
        let width = label_width(&cell.edges[index]);
        let candidates = zones
            .iter()
            .map(|x| Rect::around(*x, line.lane, width, LABEL_HEIGHT));
        let fits = |label: &Rect| {
            boxes.iter().all(|b| !b.overlaps(label))
                && lines[..index]
                    .iter()
                    .all(|other| !other.label.overlaps(label))
                && lines
                    .iter()
                    .enumerate()
                    .all(|(other, line)| other == index || !line.meets(label))
        };
        let fallback = Rect::around(first_zone, line.lane, width, LABEL_HEIGHT);
        let label = candidates.into_iter().find(fits).unwrap_or(fallback);
        lines[index].label = label;
    }
}

impl Line {
    /// Whether the line passes through the rectangle.
    pub(super) fn meets(&self, rect: &Rect) -> bool {
        self.samples().any(|point| rect.contains(point))
    }

    /// Points along the line, close together.
    fn samples(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let [left, right] = self.level();
        // Both curves have their control points half way, so that x = x0 + FAN s(t) with
        // s(t) = 1.5 t (1 - t) + t^3, and y moves by 3 t^2 - 2 t^3.
        let curve = |t: f64| (1.5 * t * (1.0 - t) + t * t * t, t * t * (3.0 - 2.0 * t));
        let fan = (0..=60).flat_map(move |step| {
            let (across, along) = curve(f64::from(step) / 60.0);
            let height = |from: f64| from + (self.lane - from) * along;
            [
                (self.start.0 + FAN * across, height(self.start.1)),
                (self.end.0 - FAN * across, height(self.end.1)),
            ]
        });
        let count = ((right - left) / 4.0).ceil().max(1.0) as u32;
        let step = (right - left) / f64::from(count);
        fan.chain((0..=count).map(move |at| (left + step * f64::from(at), self.lane)))
    }
}

fn label_width(edge: &super::DrawnEdge) -> f64 {
    let note = edge
        .note
        .as_ref()
        .map_or(0.0, |note| 6.0 + text_width(note, LABEL_SIZE - 1.0));
    text_width(&edge.label, LABEL_SIZE) + note + 8.0
}
