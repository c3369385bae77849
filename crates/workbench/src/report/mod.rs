//! Pages that runs end in: what lies in a run folder as one HTML file that needs nothing else.
//!
//! A page is made of [chapters](Chapter) of [blocks](Block), which know nothing of runs. Those of a search and of
//! a training are put together by their crates; what a network answers comes from the problem and is kept in
//! `report.json`, so that a page can be written again from its folder.

mod classes;
mod closing;
mod compare;
mod html;
mod page;
mod particulars;
mod seeds;
mod settings;

pub use classes::by_class;
pub use closing::Closing;
pub use compare::{Comparison, config_table};
pub use page::{
    Bar, Bars, Block, Chapter, Chart, ConfusionTable, Drawing, Headline, Page, Panel, Picture,
    Probabilities, Sample, Series, Setting, Table,
};
pub use particulars::Particulars;
pub use seeds::SeedRuns;
pub use settings::{fields, settings};

use crate::Result;
use crate::files::write_atomic;
use crate::run_folder::RunFolder;

/// Seconds as a person says them.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// A count as a person reads it: with commas between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = {
        let first = digits.len() % 3;
        let (head, rest) = digits.split_at(first);
        let rest = (0..rest.len()).step_by(3).map(|at| &rest[at..at + 3]);
        std::iter::once(head)
            .filter(|head| !head.is_empty())
            .chain(rest)
            .collect()
    };
    parts.join(",")
}

/// Rows that a table of epochs has at most.
pub const MOST_EPOCH_ROWS: usize = 200;

/// At most so many of the records, evenly, the last among them.
pub fn evenly<R>(records: &[R], most: usize) -> Vec<&R> {
    let every = records.len().div_ceil(most).max(1);
    let last = records.len().saturating_sub(1);
    let kept = records.iter().enumerate();
    let kept = kept.filter(|(at, _)| (last - at).is_multiple_of(every));
    kept.map(|(_, record)| record).collect()
}

/// Writes `report.html` of a folder.
///
/// # Errors
///
/// When a chart cannot be drawn or the file not be written.
pub fn write_page(folder: &RunFolder, page: &Page) -> Result<()> {
    write_atomic(folder.page(), page.html()?)
}

#[cfg(test)]
mod tests;
