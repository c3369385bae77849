//! The table as Markdown.

use std::fmt::Write as _;

use crate::seeds::mean_and_deviation;

/// Where a figure comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Search,
    Retraining,
}

/// One figure of a run.
pub struct Column {
    pub name: &'static str,
    pub source: Source,
    /// Its field in the result.
    pub key: &'static str,
    decimals: usize,
}

const fn column(name: &'static str, source: Source, key: &'static str, decimals: usize) -> Column {
    Column {
        name,
        source,
        key,
        decimals,
    }
}

pub const COLUMNS: [Column; 9] = [
    column("search error %", Source::Search, "supernet_error", 2),
    column("child error %", Source::Search, "child_error", 2),
    column("gap", Source::Search, "gap", 2),
    column(
        "child error %, running",
        Source::Search,
        "child_error_running",
        2,
    ),
    column("gap, running", Source::Search, "gap_running", 2),
    column(
        "error % after retraining",
        Source::Retraining,
        "test_error",
        2,
    ),
    column(
        "parameters of the child",
        Source::Search,
        "child_weights",
        0,
    ),
    column("parameters retrained", Source::Retraining, "weights", 0),
    column("search seconds", Source::Search, "seconds", 0),
];

/// The figures of a run, in the order of the columns.
pub type Values = [Option<f64>; COLUMNS.len()];

pub struct Row {
    pub method: String,
    pub seed: u64,
    pub values: Values,
}

pub struct Table {
    pub title: String,
    /// How it was made: names and what they say.
    pub notes: Vec<(&'static str, String)>,
    pub rows: Vec<Row>,
}

impl Table {
    /// Methods in the order in which they first appear.
    pub fn methods(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !methods.contains(&row.method.as_str()) {
                methods.push(&row.method);
            }
        }
        methods
    }

    /// Mean and standard deviation over the seeds of a method, and how many there are.
    pub fn spread(&self, method: &str, column: usize) -> Option<(f64, f64, usize)> {
        let of_method = self.rows.iter().filter(|row| row.method == method);
        let values: Vec<f64> = of_method.filter_map(|row| row.values[column]).collect();
        if values.is_empty() {
            return None;
        }
        let (mean, deviation) = mean_and_deviation(&values);
        Some((mean, deviation, values.len()))
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.title);
        text.push_str(
            "Search error is the supernet's on the validation images, run as its method runs it; the \
             child is derived by the method's rule and inherits its weights. The gap is child less \
             search error, in points. Children are scored with the statistics of the batch and, in \
             the columns called running, with the running statistics they inherit. Mean +- standard \
             deviation over seeds.\n\n",
        );
        let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        let rule = "---|".repeat(COLUMNS.len());
        let _ = writeln!(text, "| method | {} |\n|---|{rule}", names.join(" | "));
        for method in self.methods() {
            let cells = (0..COLUMNS.len()).map(|column| {
                let places = COLUMNS[column].decimals;
                match self.spread(method, column) {
                    Some((mean, _, 1)) => format!("{mean:.places$}"),
                    Some((mean, deviation, _)) => {
                        format!("{mean:.places$} +- {deviation:.places$}")
                    }
                    None => "-".into(),
                }
            });
            let cells: Vec<String> = cells.collect();
            let _ = writeln!(text, "| {method} | {} |", cells.join(" | "));
        }
        let _ = writeln!(text, "\n## Every run\n");
        let _ = writeln!(
            text,
            "| method | seed | {} |\n|---|---|{rule}",
            names.join(" | ")
        );
        for row in &self.rows {
            let cells = COLUMNS.iter().zip(row.values).map(|(column, value)| {
                let places = column.decimals;
                value.map_or("-".into(), |value| format!("{value:.places$}"))
            });
            let cells: Vec<String> = cells.collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                row.method,
                row.seed,
                cells.join(" | ")
            );
        }
        text.push_str("\n## How it was made\n\n");
        for (name, what) in &self.notes {
            let _ = writeln!(text, "- {name}: {what}");
        }
        text
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn example() -> Table {
        let row = |method: &str, seed, search: f64, child: f64| {
            let mut values = [None; COLUMNS.len()];
            values[0] = Some(search);
            values[1] = Some(child);
            values[2] = Some(child - search);
            Row {
                method: method.into(),
                seed,
                values,
            }
        };
        Table {
            title: "Test".into(),
            notes: vec![("seeds", "0, 1".into())],
            rows: vec![
                row("egs-m7", 0, 10.0, 9.0),
                row("egs-m7", 1, 12.0, 12.0),
                row("darts", 0, 12.33, 45.34),
            ],
        }
    }

    #[test]
    fn means_and_spreads_are_over_the_seeds_of_a_method() {
        let table = example();
        assert_eq!(table.methods(), ["egs-m7", "darts"]);
        // Sample deviation of 10 and 12: sqrt(2).
        let (mean, deviation, count) = table.spread("egs-m7", 0).unwrap();
        assert_eq!((mean, count), (11.0, 2));
        assert!((deviation - 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(table.spread("darts", 5), None);
    }

    #[test]
    fn the_markdown_has_a_row_a_method_and_a_row_a_run() {
        let text = example().markdown();
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        let cells = "11.00 +- 1.41 | 10.50 +- 2.12 | -0.50 +- 0.71 | - | - | - | - | - | - |";
        assert_eq!(line("| egs-m7 | 1"), format!("| egs-m7 | {cells}"));
        assert!(line("| darts | 12.33 | 45.34 | 33.01 |").ends_with("| - |"));
        assert!(line("| darts | 0 | 12.33").contains("33.01"));
        assert!(text.ends_with("- seeds: 0, 1\n"));
        let columns = |line: &str| line.matches('|').count();
        assert_eq!(columns(line("| method | search")), columns(line("|---|")));
    }
}
