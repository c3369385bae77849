//! The outermost layer of a binary: errors and panics become one sentence and an exit code.

use std::cell::Cell;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use crate::WorkbenchError;
use crate::pool::on_pool;

/// Exit code of a refusal: wrong arguments, files or devices.
pub const REFUSED: u8 = 2;
/// Exit code of a fault of the program itself.
const FAULT: u8 = 70;

/// How `println!` panics where nobody reads on, as in `train count darts-v2 | head -1`.
const NO_READER: &str = "failed printing to stdout: Broken pipe";

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` and gives nothing where it panics; [`run`] does not hear of such a panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = CAUGHT.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(before);
    done.ok()
}

/// What ends a binary before it is done.
pub trait Failure: Display {
    /// The exit code; that of a refusal unless something else ended it, which then is no error.
    fn exit_code(&self) -> u8 {
        REFUSED
    }
}

impl Failure for WorkbenchError {
    fn exit_code(&self) -> u8 {
        match self {
            #[cfg(feature = "burn")]
            Self::Interrupted { .. } => crate::interrupt::EXIT_CODE,
            _ => REFUSED,
        }
    }
}

/// Runs a binary's body. An error is printed as `error: <sentence>` with exit code 2. A panic, which
/// is a fault of the program or of a device's driver, is printed as one sentence with exit code 70.
/// Where standard output is closed the program ends without a word.
///
/// The body runs on a thread of the pool that operations share their work with; see [`on_pool`].
pub fn run<E: Failure + Send>(body: impl FnOnce() -> Result<(), E> + Send) -> ExitCode {
    let message = Arc::new(Mutex::new(String::new()));
    let first = Arc::clone(&message);
    panic::set_hook(Box::new(move |info| {
        if !CAUGHT.get()
            && let Ok(mut first) = first.lock()
            && first.is_empty()
        {
            *first = describe(info);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(|| on_pool(body))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let code = error.exit_code();
            match code {
                REFUSED => eprintln!("error: {error}"),
                _ => eprintln!("{error}"),
            }
            ExitCode::from(code)
        }
        Err(_) => {
            let message = message.lock().map(|m| m.clone()).unwrap_or_default();
            if message.starts_with(NO_READER) {
                return ExitCode::SUCCESS;
            }
            eprintln!(
                "error: internal fault ({message}); every file that was already written is complete"
            );
            ExitCode::from(FAULT)
        }
    }
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload_as_str().unwrap_or("no message");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    format!("{} at {place}", text.lines().next().unwrap_or_default())
}
