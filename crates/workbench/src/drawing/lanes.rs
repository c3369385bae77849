//! Which horizontal lane each line runs along.

/// What lanes are chosen by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// The index of the edge.
    pub(super) edge: usize,
    /// The vertex it comes from.
    pub(super) from: usize,
    /// Columns; the inputs are column 0.
    pub(super) columns: [usize; 2],
}

/// A lane for each edge, in the order of the edges: 0 is the axis, negative ones are above. Lines
/// that pass over a column stay `clear` lanes away from the axis. Two lines share a lane only when
/// they share no gap between columns.
pub(super) fn choose_lanes(spans: &[Span], inputs: usize, clear: i32) -> Vec<i32> {
    let mut lanes = vec![0; spans.len()];
    let mut taken: Vec<(i32, [usize; 2])> = Vec::new();
    let mut previous: Option<(Span, i32)> = None;
    for span in spans {
        let [start, end] = span.columns;
        let free = |lane: i32| {
            let meets = |other: &[usize; 2]| start < other[1] && other[0] < end;
            taken
                .iter()
                .all(|(used, columns)| *used != lane || !meets(columns))
        };
        let adjacent = end - start == 1;
        let from_input = span.from < inputs;
        let least = if !adjacent {
            clear
        } else {
            i32::from(from_input && inputs > 1)
        };
        let first_free = |side: i32| (least..).map(|lane| side * lane).find(|lane| free(*lane));
        let (above, below) = (first_free(-1).unwrap_or(0), first_free(1).unwrap_or(0));
        let bundle =
            previous.filter(|(other, _)| other.from == span.from && other.columns == span.columns);
        let lane = if from_input && inputs > 1 {
            // Lines of the upper inputs stay above, so that they do not cross those of the lower.
            if span.from * 2 + 1 < inputs {
                above
            } else {
                below
            }
        } else if let Some((_, lane)) = bundle.filter(|_| !adjacent) {
            if lane < 0 { above } else { below }
        } else if above.abs() <= below.abs() {
            above
        } else {
            below
        };
        lanes[span.edge] = lane;
        taken.push((lane, span.columns));
        previous = Some((*span, lane));
    }
    lanes
}
