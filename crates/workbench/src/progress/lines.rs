use std::io::Write;
use std::time::{Duration, Instant};

use super::pace::{Pace, duration};

/// Plain lines, at most one an interval, and one at the end.
#[derive(Debug)]
pub(super) struct Lines<W> {
    out: W,
    interval: Duration,
    label: String,
    pub(super) message: String,
    pace: Pace,
    last_line: Instant,
    last_position: Option<u64>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W, interval: Duration, label: &str, position: u64, total: u64) -> Self {
        let now = Instant::now();
        Self {
            out,
            interval,
            label: label.to_string(),
            message: String::new(),
            pace: Pace::new(position, total, now),
            last_line: now,
            last_position: None,
        }
    }

    pub(super) fn advance(&mut self, steps: u64, now: Instant) {
        self.pace.position += steps;
        if now.duration_since(self.last_line) >= self.interval {
            self.write(now);
        }
    }

    pub(super) fn line(&mut self, text: &str) {
        write_line(&mut self.out, text);
    }

    pub(super) fn finish(&mut self, now: Instant) {
        if self.last_position != Some(self.pace.position) {
            self.write(now);
        }
    }

    fn write(&mut self, now: Instant) {
        let Pace {
            position, total, ..
        } = self.pace;
        self.last_line = now;
        self.last_position = Some(position);
        let mut text = format!("{} {position}/{total}", self.label);
        if let Some((rate, left)) = self.pace.rate(now) {
            text += &format!(", {rate:.1}/s, {} left", duration(left));
        }
        if !self.message.is_empty() {
            text += &format!(", {}", self.message);
        }
        write_line(&mut self.out, &text);
    }
}

/// A closed standard error must not end a run, so a failure to write is ignored.
pub(super) fn write_line(out: &mut impl Write, text: &str) {
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: Lines<Vec<u8>>) -> String {
        String::from_utf8(lines.out).unwrap()
    }

    #[test]
    fn one_line_an_interval_with_rate_and_time_left() {
        let mut lines = Lines::new(Vec::new(), Duration::from_secs(10), "search", 100, 400);
        let began = lines.pace.began;
        lines.message = "loss 1.5".into();
        for second in 1..=25 {
            lines.advance(2, began + Duration::from_secs(second));
        }
        assert_eq!(
            written(lines),
            "search 120/400, 2.0/s, 2 m 20 s left, loss 1.5\n\
             search 140/400, 2.0/s, 2 m 10 s left, loss 1.5\n"
        );
    }

    #[test]
    fn the_end_is_written_once() {
        let mut lines = Lines::new(Vec::new(), Duration::from_secs(10), "train", 0, 4);
        let began = lines.pace.began;
        lines.advance(4, began + Duration::from_secs(2));
        lines.finish(began + Duration::from_secs(2));
        lines.finish(began + Duration::from_secs(2));
        assert_eq!(written(lines), "train 4/4, 2.0/s, 0 s left\n");
    }
}
