//! Programs that take one step for every line they are sent.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde::Serialize;

use crate::machine::Resident;
use crate::record::{LIMITS, StepAnswer};

/// Takes a step, given how many were taken before, for every line of standard input and answers on standard
/// output. `step` returns its loss once the device has finished; `profile` is asked for after each, and
/// `limits` instead of a step where a line is [`LIMITS`].
///
/// # Errors
///
/// Those of `step`, and when the streams fail.
pub fn answer_steps<E: From<io::Error>, P: Serialize, L: Serialize>(
    mut step: impl FnMut(usize) -> Result<Option<f32>, E>,
    profile: impl Fn() -> P,
    limits: impl Fn() -> L,
) -> Result<(), E> {
    let mut out = io::stdout().lock();
    let mut taken = 0;
    for line in io::stdin().lock().lines() {
        let answer = if line?.trim() == LIMITS {
            serde_json::to_string(&limits())
        } else {
            let begun = Instant::now();
            let loss = step(taken)?;
            taken += 1;
            serde_json::to_string(&StepAnswer {
                seconds: begun.elapsed().as_secs_f64(),
                peak_mib: Resident::now().map(|held| held.peak.0 as f64 / f64::from(1 << 20)),
                loss,
                profile: profile(),
            })
        };
        writeln!(out, "{}", answer.map_err(io::Error::from)?)?;
        out.flush()?;
    }
    Ok(())
}
