//! Progress on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two plain lines; a log of a long run stays readable.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows how far a loop of known length has come.
#[derive(Debug)]
pub struct Progress(View);

/// How much a run says on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// How far it has come.
    #[default]
    Normal,
    /// Nothing.
    Quiet,
}

#[derive(Debug)]
enum View {
    Bar(ProgressBar),
    Lines(Lines<io::Stderr>),
    Silent,
}

impl Progress {
    /// Starts at `position` of `total` steps; a resumed run starts beyond 0.
    pub fn new(label: &str, position: u64, total: u64, verbosity: Verbosity) -> Self {
        Self(match verbosity {
            Verbosity::Quiet => View::Silent,
            Verbosity::Normal if io::stderr().is_terminal() => {
                View::Bar(bar(label, position, total))
            }
            Verbosity::Normal => {
                let (out, interval) = (io::stderr(), LINE_INTERVAL);
                View::Lines(Lines::new(out, interval, label, position, total))
            }
        })
    }

    /// Goes on by this many steps.
    pub fn advance(&mut self, steps: u64) {
        match &mut self.0 {
            View::Bar(bar) => bar.inc(steps),
            View::Lines(lines) => lines.advance(steps, Instant::now()),
            View::Silent => {}
        }
    }

    /// Sets the text beside the progress, such as the present loss.
    pub fn message(&mut self, text: impl Into<String>) {
        match &mut self.0 {
            View::Bar(bar) => bar.set_message(text.into()),
            View::Lines(lines) => lines.message = text.into(),
            View::Silent => {}
        }
    }

    /// Writes a line that stays, such as the summary of an epoch.
    pub fn line(&mut self, text: &str) {
        match &mut self.0 {
            View::Bar(bar) => bar.suspend(|| write_line(&mut io::stderr(), text)),
            View::Lines(lines) => write_line(&mut lines.out, text),
            View::Silent => {}
        }
    }

    /// Ends the display; the bar is cleared.
    pub fn finish(self) {
        match self.0 {
            View::Bar(bar) => bar.finish_and_clear(),
            View::Lines(mut lines) => lines.finish(Instant::now()),
            View::Silent => {}
        }
    }
}

fn bar(label: &str, position: u64, total: u64) -> ProgressBar {
    const TEMPLATE: &str = "{prefix} [{bar:30}] {pos}/{len} {per_sec}, {eta} left {wide_msg}";
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or(ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(label.to_string());
    bar.set_position(position);
    // The steps before a resume took no time in this process and must not count in the rate.
    bar.reset_eta();
    bar
}

/// Plain lines, at most one an interval, and one at the end.
#[derive(Debug)]
struct Lines<W> {
    out: W,
    interval: Duration,
    label: String,
    message: String,
    start: u64,
    position: u64,
    total: u64,
    began: Instant,
    last_line: Instant,
    last_position: Option<u64>,
}

impl<W: Write> Lines<W> {
    fn new(out: W, interval: Duration, label: &str, position: u64, total: u64) -> Self {
        let now = Instant::now();
        Self {
            out,
            interval,
            label: label.to_string(),
            message: String::new(),
            start: position,
            position,
            total,
            began: now,
            last_line: now,
            last_position: None,
        }
    }

    fn advance(&mut self, steps: u64, now: Instant) {
        self.position += steps;
        if now.duration_since(self.last_line) >= self.interval {
            self.write(now);
        }
    }

    fn finish(&mut self, now: Instant) {
        if self.last_position != Some(self.position) {
            self.write(now);
        }
    }

    fn write(&mut self, now: Instant) {
        self.last_line = now;
        self.last_position = Some(self.position);
        let mut text = format!("{} {}/{}", self.label, self.position, self.total);
        let seconds = now.duration_since(self.began).as_secs_f64();
        let rate = (self.position - self.start) as f64 / seconds;
        if rate.is_finite() && rate > 0.0 {
            let left = self.total.saturating_sub(self.position) as f64 / rate;
            text += &format!(", {rate:.1}/s, {} left", duration(left));
        }
        if !self.message.is_empty() {
            text += &format!(", {}", self.message);
        }
        write_line(&mut self.out, &text);
    }
}

/// A closed standard error must not end a run, so a failure to write is ignored.
fn write_line(out: &mut impl Write, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn duration(seconds: f64) -> String {
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

    fn written(lines: Lines<Vec<u8>>) -> String {
        String::from_utf8(lines.out).unwrap()
    }

    #[test]
    fn one_line_an_interval_with_rate_and_time_left() {
        let mut lines = Lines::new(Vec::new(), Duration::from_secs(10), "search", 100, 400);
        let began = lines.began;
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
        let began = lines.began;
        lines.advance(4, began + Duration::from_secs(2));
        lines.finish(began + Duration::from_secs(2));
        lines.finish(began + Duration::from_secs(2));
        assert_eq!(written(lines), "train 4/4, 2.0/s, 0 s left\n");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(
            [4.4, 61.0, 7_384.0].map(duration),
            ["4 s", "1 m 01 s", "2 h 03 m"]
        );
    }
}
