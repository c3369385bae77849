//! Progress on standard error: a live view of a run or a bar on a terminal, plain lines elsewhere, nothing when
//! quiet.

mod about;
mod epoch_table;
mod lines;
pub(crate) mod live;
mod pace;

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::session::Present;
use lines::{Lines, write_line};
use live::{Live, Place};

pub use about::RunAbout;
pub use epoch_table::EpochTable;

/// Time between two plain lines; a log of a long run stays readable.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows how far a loop of known length has come.
#[derive(Debug)]
pub struct Progress(View);

/// How much a run says on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// How far it has come, on a terminal in a form that changes in its place.
    #[default]
    Normal,
    /// How far it has come, in lines.
    Plain,
    /// Nothing.
    Quiet,
}

#[derive(Debug)]
enum View {
    Live(Live),
    Bar(ProgressBar),
    Lines(Lines<io::Stderr>),
    Silent,
}

impl Progress {
    /// Starts at `position` of `total` steps; a resumed run starts beyond 0.
    pub fn new(label: &str, position: u64, total: u64, verbosity: Verbosity) -> Self {
        let lines = || Lines::new(io::stderr(), LINE_INTERVAL, label, position, total);
        Self(match verbosity {
            Verbosity::Quiet => View::Silent,
            Verbosity::Normal if io::stderr().is_terminal() => {
                View::Bar(bar(label, position, total))
            }
            Verbosity::Normal | Verbosity::Plain => View::Lines(lines()),
        })
    }

    /// Of a run: a live view where this process has a terminal for it, lines where the terminal is too plain or
    /// too small, which is told, and else as [`new`](Self::new).
    pub fn of_run(about: RunAbout, verbosity: Verbosity) -> Self {
        let [position, total] = about.steps();
        let place = match verbosity {
            Verbosity::Normal => Place::of_process(),
            Verbosity::Plain | Verbosity::Quiet => Place::None,
        };
        let verbosity = match place {
            Place::View => match Live::start(about.clone()) {
                Ok(live) => return Self(View::Live(live)),
                Err(error) => in_lines(Some(format!(
                    "lines instead of the live view, which the terminal refuses: {error}"
                ))),
            },
            Place::Lines(why) => in_lines(why),
            Place::None => verbosity,
        };
        Self::new(&about.label, position, total, verbosity)
    }

    /// Goes on by this many steps.
    pub fn advance(&mut self, steps: u64) {
        match &mut self.0 {
            View::Live(live) => live.advance(steps),
            View::Bar(bar) => bar.inc(steps),
            View::Lines(lines) => lines.advance(steps, Instant::now()),
            View::Silent => {}
        }
    }

    /// Sets the loss of now, which stands beside the progress.
    pub fn loss(&mut self, epoch: usize, loss: f64) {
        let text = || format!("epoch {epoch}, loss {loss:.3}");
        match &mut self.0 {
            View::Live(live) => live.loss(loss),
            View::Bar(bar) => bar.set_message(text()),
            View::Lines(lines) => lines.message = text(),
            View::Silent => {}
        }
    }

    /// Writes a line that stays, such as the summary of an epoch.
    pub fn line(&mut self, text: &str) {
        match &mut self.0 {
            View::Live(live) => live.line(text),
            View::Bar(bar) => bar.suspend(|| write_line(&mut io::stderr(), text)),
            View::Lines(lines) => lines.line(text),
            View::Silent => {}
        }
    }

    /// Writes a sentence that a person should know.
    pub fn note(&mut self, text: &str) {
        match &self.0 {
            View::Live(live) => live.note(text),
            _ => self.line(&format!("note: {text}")),
        }
    }

    /// So many epochs of a run are done.
    pub fn epochs_done(&mut self, epochs: usize) {
        if let View::Live(live) = &mut self.0 {
            live.epochs_done(epochs);
        }
    }

    /// What a person looks at became this; only a live view shows it.
    pub fn present(&mut self, present: Present) {
        if let View::Live(live) = &mut self.0 {
            live.present(present);
        }
    }

    /// Ends the display; a view and a bar are cleared, lines stay.
    pub fn finish(self) {
        match self.0 {
            View::Live(live) => live.finish(),
            View::Bar(bar) => bar.finish_and_clear(),
            View::Lines(mut lines) => lines.finish(Instant::now()),
            View::Silent => {}
        }
    }
}

/// Lines instead of a view, and why, where a person should know.
fn in_lines(why: Option<String>) -> Verbosity {
    if let Some(why) = why {
        write_line(&mut io::stderr(), &format!("note: {why}"));
    }
    Verbosity::Plain
}

fn bar(label: &str, position: u64, total: u64) -> ProgressBar {
    const TEMPLATE: &str = "{prefix} [{bar:30}] {pos}/{len} {per_sec}, {eta} left {wide_msg}";
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or(ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(label.to_string());
    bar.set_position(position);
    // The steps before a resume took no time in this process and must not count in the rate.
    bar.reset_eta();
    bar
}
