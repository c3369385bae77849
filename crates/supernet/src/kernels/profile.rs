//! Where the time of a step goes: seconds per kind of operation and direction.
//!
//! With the feature `profile` every kernel of the Flex backend, and every product of a recurrent cell, adds
//! the time it took to a table of the process; without it nothing is measured and [`take`] is empty. Flex runs an operation to its
//! end before it returns, so wall time is what it costs.

use std::time::Duration;

/// Direction of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// Values.
    Forward,
    /// Gradients.
    Backward,
}

/// Time spent in one kind of operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The operation.
    pub operation: &'static str,
    /// Its direction.
    pub pass: Pass,
    /// How often it ran.
    pub calls: usize,
    /// How long all of them took.
    pub time: Duration,
}

/// The table since the last call, in no order, which it empties.
pub fn take() -> Vec<Share> {
    #[cfg(feature = "profile")]
    return table::take();
    #[cfg(not(feature = "profile"))]
    return Vec::new();
}

/// [`take`] as plain values: operation, direction, calls and seconds.
pub fn rows() -> Vec<(String, String, usize, f64)> {
    let row = |share: Share| {
        let (direction, seconds) = (format!("{:?}", share.pass), share.time.as_secs_f64());
        (share.operation.to_string(), direction, share.calls, seconds)
    };
    take().into_iter().map(row).collect()
}

/// Runs `work` and, with the feature `profile`, notes how long it took.
#[inline]
pub(crate) fn timed<T>(operation: &'static str, pass: Pass, work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "profile")]
    return table::timed(operation, pass, work);
    #[cfg(not(feature = "profile"))]
    {
        let _ = (operation, pass);
        work()
    }
}

#[cfg(feature = "profile")]
mod table {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use super::{Pass, Share};

    type Key = (&'static str, Pass);

    static TABLE: Mutex<BTreeMap<Key, (usize, Duration)>> = Mutex::new(BTreeMap::new());

    fn table() -> std::sync::MutexGuard<'static, BTreeMap<Key, (usize, Duration)>> {
        TABLE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn timed<T>(operation: &'static str, pass: Pass, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let value = work();
        let time = begun.elapsed();
        let mut table = table();
        let (calls, total) = table.entry((operation, pass)).or_default();
        *calls += 1;
        *total += time;
        value
    }

    pub(super) fn take() -> Vec<Share> {
        let share = |((operation, pass), (calls, time))| Share {
            operation,
            pass,
            calls,
            time,
        };
        std::mem::take(&mut *table())
            .into_iter()
            .map(share)
            .collect()
    }
}
