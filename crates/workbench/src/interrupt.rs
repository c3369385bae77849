//! Ctrl-C, or a key that means the same, while a run goes on: the first ends it when its epoch is finished and
//! saved, the second at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::progress::live;

/// Exit code of what Ctrl-C ended, as shells have it: 128 and the number of the signal.
pub const EXIT_CODE: u8 = 130;

/// The run that goes on now: how it is resumed.
static RUN: Mutex<Option<String>> = Mutex::new(None);
static ASKED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// As long as it lives, Ctrl-C lets the epoch of a run end.
#[derive(Debug)]
pub struct Watch(());

/// Watches over a run; `resume` is the command that goes on with it. Outside of a watch Ctrl-C ends the
/// process at once.
///
/// Where a caller has made the process ignore Ctrl-C, as `nohup` does, it stays ignored.
pub fn watch(resume: String) -> Watch {
    *run() = Some(resume);
    // It fails where the system or a caller does not let signals be handled; Ctrl-C is as without it.
    HANDLER.call_once(|| drop(ctrlc::try_set_handler(ask)));
    Watch(())
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Until an interrupted run has said how it goes on, the second Ctrl-C says it.
        if !is_asked() {
            *run() = None;
        }
    }
}

/// Whether the run should end after its epoch.
pub fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// How the run that goes on now is resumed; empty without one.
pub(crate) fn resume() -> String {
    run().clone().unwrap_or_default()
}

fn run() -> MutexGuard<'static, Option<String>> {
    // A command is replaced as a whole, so a panic elsewhere leaves no half of one.
    RUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ctrl-C is pressed, or a key of a view that means the same.
pub(crate) fn ask() {
    match run().as_ref() {
        Some(_) if !ASKED.swap(true, Ordering::Relaxed) => {}
        Some(resume) => {
            live::leave();
            eprintln!("\nended at once; to go on from the last epoch saved: {resume}");
            process::exit(EXIT_CODE.into());
        }
        None => {
            live::leave();
            process::exit(EXIT_CODE.into())
        }
    }
}
