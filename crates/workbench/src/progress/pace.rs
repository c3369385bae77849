use std::time::Instant;

/// How fast a loop of known length goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    start: u64,
    pub(super) position: u64,
    pub(super) total: u64,
    pub(super) began: Instant,
}

impl Pace {
    /// Begins at `position` of `total` steps.
    pub(super) fn new(position: u64, total: u64, began: Instant) -> Self {
        Self {
            start: position,
            position,
            total,
            began,
        }
    }

    /// Steps a second and seconds left, as far as they can be told by now. The steps before a resume took no
    /// time in this process and do not count.
    pub(super) fn rate(&self, now: Instant) -> Option<(f64, f64)> {
        let seconds = now.duration_since(self.began).as_secs_f64();
        let rate = (self.position - self.start) as f64 / seconds;
        let known = rate.is_finite() && rate > 0.0;
        known.then(|| (rate, self.total.saturating_sub(self.position) as f64 / rate))
    }
}

/// Seconds for a person.
pub(super) fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(
            [4.4, 61.0, 7_384.0].map(duration),
            ["4 s", "1 m 01 s", "2 h 03 m"]
        );
    }
}
