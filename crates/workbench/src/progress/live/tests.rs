//! The view as a terminal of some size shows it.

use std::time::{Duration, Instant};

use ratatui::backend::TestBackend;
use ratatui::style::Color;
use ratatui::{Terminal, buffer::Buffer};

use super::draw::{Look, draw};
use super::state::State;
use crate::machine::{Bytes, Resident};
use crate::progress::RunAbout;
use crate::report::{Chart, Series};
use crate::session::{Present, PresentCell, PresentInput, PresentNode};

const EPOCHS: usize = 50;

fn about() -> RunAbout {
    RunAbout {
        label: "search".into(),
        name: "digits".into(),
        on: "flex (CPU)".into(),
        into: "runs/digits-20240229-123456".into(),
        memory: Some("about 230 MiB expected".into()),
        first_steps: (0..=EPOCHS).map(|epoch| 30 * epoch).collect(),
        epochs_done: 2,
    }
}

fn chart(title: &str, unit: &str, names: &[&str]) -> Chart {
    let series = |(place, name): (usize, &&str)| Series {
        name: name.to_string(),
        points: vec![(1.0, 2.5 + place as f64), (2.0, 0.75 + place as f64)],
    };
    Chart {
        title: title.into(),
        x_label: "epoch".into(),
        y_label: unit.into(),
        shaded: None,
        baseline: None,
        series: names.iter().enumerate().map(series).collect(),
    }
}

/// As a search of images has them: fourteen edges in each of two cells.
fn cells() -> Vec<PresentCell> {
    let input = |from: usize| PresentInput {
        from: match from {
            0 => "c_{k-2}".into(),
            1 => "c_{k-1}".into(),
            node => (node - 2).to_string(),
        },
        operation: "skip_connect".into(),
        probability: Some(1.0),
    };
    let node = |node: usize| PresentNode {
        name: node.to_string(),
        inputs: (0..node + 2).map(input).collect(),
    };
    ["normal cell", "reduction cell"]
        .map(|title| PresentCell {
            title: title.into(),
            nodes: (0..4).map(node).collect(),
        })
        .into()
}

fn present() -> Present {
    let names = [
        "weights (training)",
        "supernet (validation)",
        "child (validation)",
        "architecture step",
    ];
    Present {
        charts: vec![
            chart("Loss", "nats", &names),
            chart("Accuracy", "percent", &names[..3]),
            chart(
                "Gap",
                "points",
                &["statistics of the batch", "running statistics"],
            ),
        ],
        cells: cells(),
    }
}

/// Twelve steps into the third epoch.
fn state(begun: Instant) -> State {
    let mut state = State::new(about(), begun);
    state.table = ["train", "loss", "row 1", "row 2", "row 3"]
        .map(String::from)
        .into();
    state.present = present();
    state.loss = Some(0.4321);
    state.advance(12, begun + Duration::from_secs(6));
    state
}

struct Shown {
    rows: Vec<String>,
    buffer: Buffer,
}

impl Shown {
    fn of(state: &State, [width, height]: [u16; 2], look: Look, now: Instant, asked: bool) -> Self {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let memory = Resident {
            now: Bytes(182 << 20),
            peak: Bytes(215 << 20),
        };
        let paint = |frame: &mut ratatui::Frame| draw(frame, state, look, now, Some(memory), asked);
        terminal.draw(paint).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let cells = buffer.content.chunks(usize::from(width));
        let rows = cells.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
        Self {
            rows: rows.map(|row| row.trim_end().to_string()).collect(),
            buffer,
        }
    }

    fn check(&self, parts: &[&str]) {
        let text = self.rows.join("\n");
        for part in parts {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
    }

    fn count(&self, part: &str) -> usize {
        self.rows.iter().map(|row| row.matches(part).count()).sum()
    }
}

/// What every size shows whole.
const ALWAYS: [&str; 14] = [
    "search digits",
    "on flex (CPU), into runs/digits-20240229-123456",
    "Loss, nats",
    "weights (training) 0.750",
    "supernet (validation) 1.750",
    "child (validation) 2.750",
    "architecture step 3.750",
    "Accuracy, percent",
    "statistics of the batch 0.750",
    "running statistics 1.750",
    "step 12 of 30, loss 0.432",
    "step 72 of 1,500, 2.0/s, 11 m 54 s left",
    "182 MiB now, 215 MiB at most, about 230 MiB expected",
    "q q  end at once    Ctrl-Z  to the shell",
];

#[test]
fn a_terminal_of_80_columns_has_curves_all_edges_and_progress() {
    let begun = Instant::now();
    let state = state(begun);
    let now = |seconds| begun + Duration::from_secs(seconds);
    let mut edges = 0;
    for (page, seconds) in ["(page 1 of 3)", "(page 2 of 3)", "(page 3 of 3)"]
        .into_iter()
        .zip([1, 6, 10])
    {
        let shown = Shown::of(&state, [80, 24], Look::Colours, now(seconds), false);
        shown.check(&["epoch 3/50", page]);
        edges += shown.count(" skip_connect 100%");
        if seconds == 6 {
            shown.check(&ALWAYS);
        }
    }
    assert_eq!(edges, 28, "page by page every edge is shown");
}

#[test]
fn a_large_terminal_has_all_at_once_and_the_table_of_epochs() {
    let begun = Instant::now();
    let now = begun + Duration::from_secs(6);
    let shown = Shown::of(&state(begun), [200, 50], Look::Colours, now, false);
    shown.check(&ALWAYS);
    shown.check(&[
        "Gap, points",
        "epoch 1",
        "row 1",
        "row 3",
        "normal cell",
        "reduction cell",
    ]);
    assert_eq!(shown.count(" skip_connect 100%"), 28);
    assert_eq!(shown.count("(page "), 0);
    let colours = shown.buffer.content.iter().map(|cell| cell.fg);
    assert!(colours.filter(|&colour| colour == Color::Cyan).count() > 20);
}

#[test]
fn without_colours_curves_are_told_apart_by_characters() {
    let begun = Instant::now();
    let now = begun + Duration::from_secs(6);
    let shown = Shown::of(&state(begun), [120, 40], Look::Plain, now, false);
    shown.check(&["* weights (training)", "o supernet (validation)"]);
    let colours = shown.buffer.content.iter().map(|cell| cell.fg);
    assert!(colours.into_iter().all(|colour| colour == Color::Reset));
    assert!(shown.count("o") > 30 && shown.count("x") > 4);
}

#[test]
fn a_run_that_was_asked_to_end_says_so_and_shows_notes() {
    let begun = Instant::now();
    let mut state = state(begun);
    state.note = Some(format!(
        "Ctrl-C: {}",
        "the run ends when epoch 3 is saved, ".repeat(3)
    ));
    let shown = Shown::of(&state, [80, 24], Look::Colours, begun, true);
    shown.check(&[
        "ends after this epoch, which is saved",
        "Ctrl-C: the run ends",
    ]);
    state.epochs_done(3);
    let shown = Shown::of(&state, [80, 24], Look::Colours, begun, true);
    assert_eq!(shown.count("Ctrl-C: "), 0);
}

#[test]
fn the_beginning_and_the_end_of_epochs_have_words_of_their_own() {
    let begun = Instant::now();
    let mut state = state(begun);
    state.present = Present::default();
    let show = |state: &State| Shown::of(state, [80, 24], Look::Colours, begun, false);
    show(&state).check(&["Curves are drawn from the first finished epoch on."]);
    state.advance(18, begun);
    show(&state).check(&["epoch 3/50", "scoring and saving"]);
    state.epochs_done(EPOCHS);
    show(&state).check(&["epoch 50/50", "scoring the result"]);
}

#[test]
fn a_terminal_that_became_small_still_tells_how_far_a_run_is() {
    let begun = Instant::now();
    let shown = Shown::of(&state(begun), [40, 10], Look::Colours, begun, false);
    shown.check(&["search digits", "epoch 3/50", "step 12 of 30"]);
    for size in [[1, 1], [79, 3], [80, 20], [300, 100]] {
        Shown::of(&state(begun), size, Look::Plain, begun, true);
    }
}
