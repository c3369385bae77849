//! The terminal, of which a process has one: entered for a view, and left as it was found.

use std::io::{self, BufWriter, IsTerminal, Stderr, Write, stderr, stdout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use ratatui::{Frame, Terminal};

use super::draw::LEAST;
use crate::progress::lines::write_line;

type Output = BufWriter<Stderr>;

struct Screen {
    /// While a view is on it.
    terminal: Option<Terminal<CrosstermBackend<Output>>>,
    /// What is to stand on the terminal when it is left.
    lines: Vec<String>,
}

static SCREEN: Mutex<Screen> = Mutex::new(Screen {
    terminal: None,
    lines: Vec::new(),
});

fn screen() -> MutexGuard<'static, Screen> {
    // What is shown may be half drawn after a panic; it can be left nevertheless.
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the progress of a run can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a whole terminal.
    View,
    /// On a terminal in lines, and why, where a person can change that.
    Lines(Option<String>),
    /// On no terminal, or one that belongs to other processes now.
    None,
}

impl Place {
    /// Of this process as it is now.
    pub(crate) fn of_process() -> Self {
        if !stdout().is_terminal() || !stderr().is_terminal() || !is_in_foreground() {
            return Self::None;
        }
        let kind = std::env::var("TERM").unwrap_or_default();
        Self::on_terminal(&kind, size().ok())
    }

    /// On a terminal of this kind, of so many columns and rows.
    fn on_terminal(kind: &str, size: Option<(u16, u16)>) -> Self {
        let is_plain = kind == "dumb" || kind.is_empty() && cfg!(unix);
        let Some((columns, rows)) = size.filter(|_| !is_plain) else {
            return Self::Lines(None);
        };
        match columns >= LEAST.width && rows >= LEAST.height {
            true => Self::View,
            false => Self::Lines(Some(format!(
                "lines instead of the live view, which needs a terminal of {} columns and {} rows; this one \
                 has {columns} and {rows}",
                LEAST.width, LEAST.height
            ))),
        }
    }
}

/// Whether this process may change the terminal; one that a shell has in the background would be stopped.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    let group = rustix::termios::tcgetpgrp(stderr());
    group.is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_in_foreground() -> bool {
    true
}

/// Takes the terminal, unless it belongs to other processes.
pub(super) fn enter() -> io::Result<()> {
    if !is_in_foreground() {
        return Err(io::Error::other("the terminal belongs to another process"));
    }
    #[cfg(unix)]
    leave_when_terminated();
    enable_raw_mode()?;
    let entered = execute!(stderr(), EnterAlternateScreen);
    let output = BufWriter::with_capacity(1 << 15, stderr());
    match entered.and_then(|()| Terminal::new(CrosstermBackend::new(output))) {
        Ok(terminal) => {
            screen().terminal = Some(terminal);
            Ok(())
        }
        Err(error) => {
            restore();
            Err(error)
        }
    }
}

/// Draws on the terminal, if it is still taken.
pub(super) fn draw(paint: impl FnOnce(&mut Frame)) {
    if let Some(terminal) = &mut screen().terminal {
        // A terminal that is gone must not end a run.
        let _ = terminal.draw(paint);
    }
}

/// Forgets what is on the terminal, so that all of it is drawn again.
pub(super) fn clear() {
    if let Some(terminal) = &mut screen().terminal {
        let _ = terminal.clear();
    }
}

/// Writes a line to standard error: at once, or when the terminal is left.
pub(super) fn line(text: &str) {
    let mut screen = screen();
    match screen.terminal {
        Some(_) => screen.lines.push(text.into()),
        None => write_line(&mut stderr(), text),
    }
}

/// Leaves the terminal as it was found, with the lines that were written meanwhile.
pub(crate) fn leave() {
    let mut screen = screen();
    if screen.terminal.take().is_some() {
        restore();
    }
    for line in std::mem::take(&mut screen.lines) {
        write_line(&mut stderr(), &line);
    }
}

/// Nothing can be done where it fails.
fn restore() {
    let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = stderr().flush();
}

/// What ends the process from outside finds the terminal in order.
#[cfg(unix)]
fn leave_when_terminated() {
    use std::sync::Once;

    use signal_hook::{consts::SIGTERM, iterator::Signals, low_level::emulate_default_handler};

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without it the process ends as ever.
        let Ok(mut signals) = Signals::new([SIGTERM]) else {
            return;
        };
        std::thread::spawn(move || {
            for signal in signals.forever() {
                leave();
                let _ = emulate_default_handler(signal);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_needs_a_terminal_that_can_show_it() {
        let place = Place::on_terminal;
        assert_eq!(place("xterm-256color", Some((80, 24))), Place::View);
        assert_eq!(place("dumb", Some((80, 24))), Place::Lines(None));
        assert_eq!(place("xterm", None), Place::Lines(None));
        let Place::Lines(Some(why)) = place("xterm", Some((60, 24))) else {
            panic!("60 columns are too few");
        };
        assert!(why.ends_with("this one has 60 and 24"), "{why}");
        // Tests have no terminal.
        line("");
        leave();
    }
}
