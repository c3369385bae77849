use super::{layout::Layout, *};

/// As of an operation whose index its first letter tells.
fn colour(label: &str) -> usize {
    usize::from(label.as_bytes()[0] % 8)
}

fn edge(from: usize, to: usize, label: &str) -> DrawnEdge {
    DrawnEdge {
        from,
        to,
        label: label.into(),
        colour: colour(label),
        note: None,
    }
}

fn cell(nodes: usize, edges: Vec<DrawnEdge>) -> CellDrawing {
    CellDrawing {
        title: "Normal cell".into(),
        inputs: vec!["c_{k-2}".into(), "c_{k-1}".into()],
        nodes,
        edges,
        outputs: (0..nodes).collect(),
        first_node: 0,
        output: "c_{k}".into(),
        joined: "concat".into(),
    }
}

#[test]
fn nodes_and_output_are_shown_by_their_names() {
    let cell = CellDrawing {
        first_node: 1,
        output: "h".into(),
        joined: "mean".into(),
        ..one_input()
    };
    let svg = cell_svg(&cell).unwrap();
    for name in ["5", "h", "mean"] {
        assert!(svg.contains(&format!(">{name}</text>")), "{name} in {svg}");
    }
    assert!(
        !svg.contains("concat") && !svg.contains(">0</text>"),
        "{svg}"
    );
}

/// All 14 edges of a cell of four nodes with three operations each.
fn dense() -> CellDrawing {
    let mut edges = Vec::new();
    for to in 0..4 {
        for from in 0..to + 2 {
            for (label, note) in [
                ("sep_conv_3x3", "0.412"),
                ("dil_conv_5x5", "0.377"),
                ("skip", "1"),
            ] {
                edges.push(DrawnEdge {
                    note: Some(note.into()),
                    ..edge(from, to, label)
                });
            }
        }
    }
    cell(4, edges)
}

fn darts_v2() -> [CellDrawing; 2] {
    let normal = [
        (0, 0, "sep_conv_3x3"),
        (1, 0, "sep_conv_3x3"),
        (0, 1, "sep_conv_3x3"),
        (1, 1, "sep_conv_3x3"),
        (1, 2, "sep_conv_3x3"),
        (0, 2, "skip_connect"),
        (0, 3, "skip_connect"),
        (2, 3, "dil_conv_3x3"),
    ];
    let reduction = [
        (0, 0, "max_pool_3x3"),
        (1, 0, "max_pool_3x3"),
        (2, 1, "skip_connect"),
        (1, 1, "max_pool_3x3"),
        (0, 2, "max_pool_3x3"),
        (2, 2, "skip_connect"),
        (2, 3, "skip_connect"),
        (1, 3, "max_pool_3x3"),
    ];
    [&normal, &reduction].map(|list| cell(4, list.iter().map(|&(f, t, l)| edge(f, t, l)).collect()))
}

/// One input, as a recurrent cell has, with parallel operations on several edges.
fn one_input() -> CellDrawing {
    let edges = (0..5)
        .flat_map(|to| (0..=to).map(move |from| (from, to)))
        .flat_map(|(from, to)| ["tanh", "relu"].map(|label| edge(from, to, label)))
        .collect();
    CellDrawing {
        inputs: vec!["x, h".into()],
        ..cell(5, edges)
    }
}

fn all() -> Vec<CellDrawing> {
    let [normal, reduction] = darts_v2();
    let one_operation = cell(1, vec![edge(1, 0, "an_operation_with_a_rather_long_name")]);
    let three_inputs = CellDrawing {
        inputs: vec!["a".into(), "b".into(), "c".into()],
        ..cell(
            2,
            vec![
                edge(0, 0, "x"),
                edge(1, 1, "y"),
                edge(2, 1, "z"),
                edge(3, 1, "w"),
            ],
        )
    };
    vec![
        dense(),
        normal,
        reduction,
        one_operation,
        one_input(),
        three_inputs,
    ]
}

#[test]
fn no_label_overlaps_another_label_or_a_box() {
    for cell in all() {
        let layout = Layout::new(&cell);
        for (index, line) in layout.lines.iter().enumerate() {
            let others = layout.lines[..index].iter().map(|other| &other.label);
            for other in others.chain(&layout.boxes).chain(&layout.output) {
                assert!(
                    !line.label.overlaps(other),
                    "{}: {:?} {other:?}",
                    cell.edges[index].label,
                    line.label
                );
            }
        }
    }
}

#[test]
fn no_label_hides_another_line() {
    for cell in all() {
        let layout = Layout::new(&cell);
        for (index, line) in layout.lines.iter().enumerate() {
            for (other, passing) in layout.lines.iter().enumerate() {
                assert!(
                    index == other || !passing.meets(&line.label),
                    "{index} hides {other}"
                );
            }
        }
    }
}

#[test]
fn no_line_passes_through_a_box_that_is_not_its_end() {
    for cell in all() {
        let layout = Layout::new(&cell);
        for (edge, line) in cell.edges.iter().zip(&layout.lines) {
            for (vertex, rect) in layout.boxes.iter().enumerate() {
                let end = vertex == edge.from || vertex == edge.to + cell.inputs.len();
                assert!(
                    end || !line.meets(rect),
                    "{} to {} meets {vertex}",
                    edge.from,
                    edge.to
                );
            }
        }
    }
}

#[test]
fn parallel_operations_run_apart() {
    let layout = Layout::new(&dense());
    for first in 0..3 {
        for second in 0..first {
            let distance = layout.lines[first].lane - layout.lines[second].lane;
            assert!(distance.abs() > 16.0);
        }
    }
}

#[test]
fn everything_lies_within_the_drawing() {
    for cell in all() {
        let layout = Layout::new(&cell);
        for rect in layout
            .boxes
            .iter()
            .chain(&layout.output)
            .chain(layout.lines.iter().map(|l| &l.label))
        {
            assert!(
                rect.left > 0.0 && rect.left + rect.width < layout.width,
                "{rect:?}"
            );
            assert!(
                rect.top > 30.0 && rect.top + rect.height < layout.height,
                "{rect:?}"
            );
        }
    }
}

#[test]
fn every_operation_has_its_line_and_label() {
    let svg = cell_svg(&dense()).unwrap();
    assert_eq!(svg.matches("sep_conv_3x3</text>").count(), 14);
    assert_eq!(svg.matches("stroke-width=\"1.6\"").count(), 42);
    let both = cells_svg(&darts_v2()).unwrap();
    // A line and its head, in the colour of the operation: in both cells the same.
    let colour = crate::palette::hex(colour("max_pool_3x3"));
    assert_eq!(both.matches(&colour).count(), 5 * 2);
    assert_eq!(both.matches("Normal cell").count(), 2);
}

#[test]
fn an_edge_that_does_not_lead_forward_is_refused() {
    for (from, to) in [(2, 0), (0, 4), (7, 1)] {
        let message = cell_svg(&cell(4, vec![edge(from, to, "skip")]))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(&format!("a line from {from} to node {to}; valid is")),
            "{message}"
        );
    }
}

#[test]
fn names_are_escaped_and_an_empty_cell_is_drawn() {
    let svg = cell_svg(&cell(1, vec![edge(0, 0, "a<b>&")])).unwrap();
    assert!(svg.contains("a&lt;b&gt;&amp;</text>"));
    let nothing = CellDrawing {
        inputs: vec![],
        ..cell(0, vec![])
    };
    assert!(cell_svg(&nothing).unwrap().ends_with("</svg>\n"));
}

#[test]
fn chosen_nodes_alone_join_the_output() {
    let chain = || cell(3, (0..3).map(|node| edge(node + 1, node, "skip")).collect());
    let joins = |outputs: &[usize]| {
        let outputs = outputs.to_vec();
        let svg = cell_svg(&CellDrawing { outputs, ..chain() }).unwrap();
        // A line for each node and the one that they share.
        svg.matches(r#"stroke-dasharray="3 3""#).count()
    };
    assert_eq!(joins(&[0, 1, 2]), 4);
    assert_eq!(joins(&[2, 1]), 3);
    assert_eq!(joins(&[]), 0);
}
