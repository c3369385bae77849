//! Programs that take one step for every line they are sent.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde::Serialize;

use crate::machine::Resident;
use crate::record::StepAnswer;

/// Takes a step, given how many were taken before, for every line of standard input and answers on standard
/// output. `step` returns its loss once the device has finished; `profile` is asked for after each.
///
/// # Errors
///
/// Those of `step`, and when the streams fail.
pub fn answer_steps<E: From<io::Error>, P: Serialize>(
    mut step: impl FnMut(usize) -> Result<Option<f32>, E>,
    profile: impl Fn() -> P,
) -> Result<(), E> {
    let mut out = io::stdout().lock();
    for (index, line) in io::stdin().lock().lines().enumerate() {
        line?;
        let begun = Instant::now();
        let loss = step(index)?;
        let answer = StepAnswer {
            seconds: begun.elapsed().as_secs_f64(),
            peak_mib: Resident::now().map(|held| held.peak.0 as f64 / f64::from(1 << 20)),
            loss,
            profile: Some(profile()),
        };
        let answer = serde_json::to_string(&answer).map_err(io::Error::from)?;
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
