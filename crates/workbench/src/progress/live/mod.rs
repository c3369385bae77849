//! A run on a whole terminal: curves, cells, how far it has come, and keys.
//!
//! A thread of its own draws, so that a step only changes numbers.

mod cells;
mod charts;
mod draw;
mod keys;
mod screen;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{poll, read};

use super::RunAbout;
use crate::machine::Resident;
use crate::session::Present;
use crate::{interrupt, shell};
use draw::{Look, draw};
use keys::Wish;
use state::State;

pub(crate) use screen::{Place, leave};

/// Time between two drawings.
const INTERVAL: Duration = Duration::from_millis(250);
/// Time between two looks at the keys and at whether the run has ended.
const ATTENTION: Duration = Duration::from_millis(50);

/// A view that is on the terminal. Dropped, it leaves the terminal as it was found.
#[derive(Debug)]
pub(super) struct Live {
    shared: Arc<Shared>,
    drawer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ended: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves a state that can be shown.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// When the terminal refuses.
    pub(super) fn start(about: RunAbout) -> io::Result<Self> {
        screen::enter()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(about, Instant::now())),
            ended: AtomicBool::new(false),
        });
        let seen = Arc::clone(&shared);
        let drawer = thread::spawn(move || {
            if shell::caught(|| watch(&seen)).is_none() {
                leave();
                screen::line(
                    "note: the live view failed; the run goes on with a line for each epoch",
                );
            }
        });
        Ok(Self {
            shared,
            drawer: Some(drawer),
        })
    }

    pub(super) fn advance(&self, steps: u64) {
        self.shared.state().advance(steps, Instant::now());
    }

    pub(super) fn loss(&self, loss: f64) {
        self.shared.state().loss = Some(loss);
    }

    pub(super) fn line(&self, text: &str) {
        screen::line(text);
        self.shared.state().table.push(text.into());
    }

    pub(super) fn note(&self, text: &str) {
        screen::line(&format!("note: {text}"));
        self.shared.state().note = Some(text.into());
    }

    pub(super) fn epochs_done(&self, epochs: usize) {
        self.shared.state().epochs_done(epochs);
    }

    pub(super) fn present(&self, present: Present) {
        self.shared.state().present = present;
    }

    pub(super) fn finish(self) {}
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // One that panicked has left the terminal already.
        let _ = self.drawer.take().map(JoinHandle::join);
        leave();
    }
}

/// Draws the state and hears keys until the run has ended.
fn watch(shared: &Shared) {
    let look = Look::of_process();
    let mut next = Instant::now();
    while !shared.ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now >= next {
            let (memory, asked) = (Resident::now(), interrupt::is_asked());
            screen::draw(|frame| draw(frame, &shared.state(), look, now, memory, asked));
            next = now + INTERVAL;
        }
        let wish = match poll(ATTENTION) {
            Ok(true) => read().ok().and_then(|event| Wish::of(&event)),
            Ok(false) => None,
            Err(_) => {
                thread::sleep(ATTENTION);
                None
            }
        };
        match wish {
            Some(Wish::End) => interrupt::ask(),
            Some(Wish::Suspend) => suspend(),
            Some(Wish::Redraw) => screen::clear(),
            None => continue,
        }
        next = Instant::now();
    }
}

/// Gives the terminal to the shell until the process is called back; in the background it goes on in lines.
fn suspend() {
    #[cfg(unix)]
    {
        leave();
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTSTP);
        let _ = screen::enter();
    }
}
