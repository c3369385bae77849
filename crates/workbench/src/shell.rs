//! The outermost layer of a binary: errors and panics become one sentence and an exit code.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

/// Exit code of a refusal: wrong arguments, files or devices.
const REFUSED: u8 = 2;
/// Exit code of a fault of the program itself.
const FAULT: u8 = 70;

/// Runs a binary's body. An error is printed as `error: <sentence>` with exit code 2. A panic, which
/// is a fault of the program or of a device's driver, is printed as one sentence with exit code 70.
pub fn run<E: std::fmt::Display>(body: impl FnOnce() -> Result<(), E>) -> ExitCode {
    let message = Arc::new(Mutex::new(String::new()));
    let first = Arc::clone(&message);
    panic::set_hook(Box::new(move |info| {
        if let Ok(mut first) = first.lock()
            && first.is_empty()
        {
            *first = describe(info);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(REFUSED)
        }
        Err(_) => {
            let message = message.lock().map(|m| m.clone()).unwrap_or_default();
            eprintln!(
                "error: internal fault ({message}); what was already written is complete, and a run \
                 can be resumed"
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
