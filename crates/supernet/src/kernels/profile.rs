//! Where the time of a step goes: seconds per kind of operation and direction.
//!
//! With the feature `profile` every kernel of the Flex backend, and every product of a recurrent cell, adds
//! the time it took to a table of the process; without it nothing is measured and [`take`] is empty. Flex runs an operation to its
//! end before it returns, so wall time is what it costs.

use serde::Serialize;

/// Direction of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// Values.
    Forward,
    /// Gradients.
    Backward,
}

/// Time spent in one kind of operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// The operation.
    pub operation: &'static str,
    /// Its direction.
    pub pass: Pass,
    /// How often it ran.
    pub calls: usize,
    /// How long all of them took.
    pub seconds: f64,
    /// What all of them did, as far as it is known.
    #[serde(flatten)]
    pub work: Work,
}

/// What an operation does at the least.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Work {
    /// Additions and multiplications of its convolutions.
    pub flops: f64,
    /// Of the large tensors that it reads and writes, each once.
    pub bytes: f64,
}

/// What the machine can do at the most, with all threads of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limits {
    /// Additions and multiplications a second, in multiply-adds whose values stay in registers.
    pub flops: f64,
    /// Bytes a second, read from memory.
    pub bytes: f64,
}

/// Measures the machine, which takes memory of its own.
#[cfg(all(feature = "flex", feature = "profile"))]
pub fn limits() -> Option<Limits> {
    Some(super::flex::limits())
}

/// Measures nothing without the features `flex` and `profile`.
#[cfg(not(all(feature = "flex", feature = "profile")))]
pub fn limits() -> Option<Limits> {
    None
}

/// The table since the last call, in no order, which it empties.
pub fn take() -> Vec<Share> {
    #[cfg(feature = "profile")]
    return table::take();
    #[cfg(not(feature = "profile"))]
    return Vec::new();
}

/// Runs `run` and, with the feature `profile`, notes how long it took.
#[inline]
pub(crate) fn timed<T>(operation: &'static str, pass: Pass, run: impl FnOnce() -> T) -> T {
    measured(operation, pass, Work::default(), run)
}

/// [`timed`] of an operation that does so much.
#[inline]
pub(crate) fn measured<T>(
    operation: &'static str,
    pass: Pass,
    work: Work,
    run: impl FnOnce() -> T,
) -> T {
    #[cfg(feature = "profile")]
    return table::measured(operation, pass, work, run);
    #[cfg(not(feature = "profile"))]
    {
        let _ = (operation, pass, work);
        run()
    }
}

#[cfg(feature = "profile")]
mod table {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use super::{Pass, Share, Work};

    type Key = (&'static str, Pass);

    static TABLE: Mutex<BTreeMap<Key, (usize, Duration, Work)>> = Mutex::new(BTreeMap::new());

    fn table() -> std::sync::MutexGuard<'static, BTreeMap<Key, (usize, Duration, Work)>> {
        TABLE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn measured<T>(
        operation: &'static str,
        pass: Pass,
        work: Work,
        run: impl FnOnce() -> T,
    ) -> T {
        let begun = Instant::now();
        let value = run();
        let time = begun.elapsed();
        let mut table = table();
        let (calls, total, done) = table.entry((operation, pass)).or_default();
        *calls += 1;
        *total += time;
        done.flops += work.flops;
        done.bytes += work.bytes;
        value
    }

    pub(super) fn take() -> Vec<Share> {
        let share =
            |((operation, pass), (calls, time, work)): (Key, (usize, Duration, Work))| Share {
                operation,
                pass,
                calls,
                seconds: time.as_secs_f64(),
                work,
            };
        std::mem::take(&mut *table())
            .into_iter()
            .map(share)
            .collect()
    }
}
