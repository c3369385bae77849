//! What stands where.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Size};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::state::{Stage, State};
use super::{cells, charts};
use crate::machine::Resident;
use crate::progress::pace::duration;
use crate::report::{Chart, count};

/// The smallest terminal that has room for a view.
pub(super) const LEAST: Size = Size::new(80, 20);

/// Rows of charts: the least, and those from which on other parts come first.
const LEAST_CHARTS: u16 = 9;
const ENOUGH_CHARTS: u16 = 20;
/// Rows that a note has at most.
const NOTE: u16 = 2;
/// Rows of the table of epochs below which it is left out.
const LEAST_TABLE: u16 = 5;
/// Seconds for which a page of the cells is shown.
const PAGE: u64 = 4;
/// Columns of the names at the left.
const NAME: usize = 14;
/// Columns that what stands beside a bar may take.
const BESIDE: usize = 51;

/// How curves are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Colours,
    Plain,
}

impl Look {
    /// As a person wants it: `NO_COLOR` leaves colours out.
    pub(super) fn of_process() -> Self {
        match std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            true => Self::Plain,
            false => Self::Colours,
        }
    }
}

/// Draws a run as it is at `now`; `asked` says that it is to end after its epoch.
pub(super) fn draw(
    frame: &mut Frame,
    state: &State,
    look: Look,
    now: Instant,
    memory: Option<Resident>,
    asked: bool,
) {
    let area = frame.area();
    let (keys, progress) = (keys(asked), progress(state, now, memory, area.width));
    if area.width < LEAST.width || area.height < LEAST.height {
        let lines = [heading(state), progress.join("\n"), keys.into()].join("\n");
        return frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), area);
    }
    let beside = usize::from(area.width / charts::LEAST_WIDTH);
    let shown = state
        .present
        .charts
        .iter()
        .filter(|chart| charts::has_points(chart));
    let shown: Vec<Chart> = shown.cloned().collect();
    let (drawn, told) = shown.split_at(shown.len().min(beside));
    let told: Vec<String> = told.iter().map(charts::in_a_line).collect();
    let note = state.note.as_deref().unwrap_or_default();
    let note_rows = rows_of(note, area.width).min(NOTE);

    let fixed = 2 + told.len() as u16 + progress.len() as u16 + note_rows + 1;
    let free = area.height.saturating_sub(fixed);
    let wanted = cells::height(&state.present.cells, area.width.into()) as u16;
    let cell_rows = wanted.min(free.saturating_sub(LEAST_CHARTS));
    let table_rows = table_rows(state, free.saturating_sub(cell_rows + ENOUGH_CHARTS));
    let rows = [
        2,
        0,
        told.len() as u16,
        cell_rows,
        table_rows,
        progress.len() as u16,
        note_rows,
        1,
    ];
    let rows = rows.map(Constraint::Length);
    let mut rows = rows.to_vec();
    rows[1] = Constraint::Fill(1);
    let [head, curves, others, cells, table, bars, says, foot] = Layout::vertical(rows).areas(area);

    draw_head(frame, head, state);
    match drawn.is_empty() {
        true => frame.render_widget("Curves are drawn from the first finished epoch on.", curves),
        false => charts::draw(frame, curves, drawn, look),
    }
    frame.render_widget(Paragraph::new(told.join("\n")), others);
    draw_cells(frame, cells, state, now);
    draw_table(frame, table, &state.table);
    frame.render_widget(Paragraph::new(progress.join("\n")), bars);
    frame.render_widget(Paragraph::new(note).wrap(Wrap { trim: true }), says);
    frame.render_widget(
        Line::styled(keys, Style::new().add_modifier(Modifier::DIM)),
        foot,
    );
}

fn heading(state: &State) -> String {
    format!("{} {}", state.about.label, state.about.name)
}

fn draw_head(frame: &mut Frame, area: Rect, state: &State) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let about = &state.about;
    let place = format!("on {}, into {}", about.on, about.into);
    let lines = vec![Line::styled(heading(state), bold), place.into()];
    frame.render_widget(Paragraph::new(lines), area);
}

/// The cells, or a page of them where there is no room for all.
fn draw_cells(frame: &mut Frame, area: Rect, state: &State, now: Instant) {
    let pages = cells::pages(&state.present.cells, area.width.into(), area.height.into());
    let seconds = now.duration_since(state.pace.began).as_secs();
    let Some(at) = (seconds / PAGE).checked_rem(pages.len() as u64) else {
        return;
    };
    let mut page = pages[at as usize].clone();
    if pages.len() > 1 {
        page[0] += &format!(" (page {} of {})", at + 1, pages.len());
    }
    frame.render_widget(Paragraph::new(page.join("\n")), area);
}

/// Rows that the table of epochs is given of those that are free.
fn table_rows(state: &State, free: u16) -> u16 {
    match state.table.len().min(free.into()) as u16 {
        rows if rows < LEAST_TABLE => 0,
        rows => rows,
    }
}

/// The head of the table and its last lines.
fn draw_table(frame: &mut Frame, area: Rect, table: &[String]) {
    let rows = usize::from(area.height);
    let (head, epochs) = table.split_at(table.len().min(2));
    let last = epochs.len().saturating_sub(rows.saturating_sub(head.len()));
    let text = [head, &epochs[last..]].concat().join("\n");
    frame.render_widget(Paragraph::new(text), area);
}

/// How far the epoch and the run have come, and the memory.
fn progress(state: &State, now: Instant, memory: Option<Resident>, width: u16) -> Vec<String> {
    let pace = &state.pace;
    let (epochs, epoch) = (state.about.epochs(), state.about.epochs_done + 1);
    let (share, stage) = match state.stage() {
        Stage::Steps { done, of } => {
            let loss = state.loss.map(|loss| format!(", loss {loss:.3}"));
            let text = format!(
                "step {} of {}{}",
                count(done),
                count(of),
                loss.unwrap_or_default()
            );
            (done as f64 / of as f64, text)
        }
        Stage::Scoring => (1.0, "scoring and saving".to_string()),
        Stage::Ended => (1.0, "scoring the result".to_string()),
    };
    let name = format!("epoch {}/{epochs}", epoch.min(epochs));
    let mut lines = vec![bar(&name, share, &stage, width)];
    let mut run = format!("step {} of {}", count(pace.position), count(pace.total));
    if let Some((rate, left)) = state.rate(now) {
        run += &format!(", {rate:.1}/s, {} left", duration(left));
    }
    let share = pace.position as f64 / pace.total.max(1) as f64;
    lines.push(bar("whole run", share, &run, width));
    lines.extend(memory_line(state, memory));
    lines
}

fn memory_line(state: &State, memory: Option<Resident>) -> Option<String> {
    let now = memory.map(|memory| format!("{} now, {} at most", memory.now, memory.peak));
    let expected = state.about.memory.clone();
    let parts: Vec<String> = now.into_iter().chain(expected).collect();
    let text = format!("{:NAME$}{}", "memory", parts.join(", "));
    (!parts.is_empty()).then_some(text)
}

/// A name, a bar and a text, which all bars of a width have in the same column.
fn bar(name: &str, share: f64, text: &str, width: u16) -> String {
    let room = usize::from(width)
        .saturating_sub(NAME + 1 + BESIDE)
        .clamp(8, 60);
    let filled = (share.clamp(0.0, 1.0) * room as f64).round() as usize;
    let (full, empty) = ("\u{2588}".repeat(filled), "\u{2591}".repeat(room - filled));
    format!("{name:NAME$}{full}{empty} {text}")
}

/// Rows that a text takes when it is broken at spaces, or some more.
fn rows_of(text: &str, width: u16) -> u16 {
    let width = usize::from(width.max(1));
    (text.chars().count() * 10 / 9).div_ceil(width) as u16
}

fn keys(asked: bool) -> &'static str {
    match asked {
        false => "q  end after this epoch, saved    q q  end at once    Ctrl-Z  to the shell",
        true => "ends after this epoch, which is saved    q  end at once and lose this epoch",
    }
}
