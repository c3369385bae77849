//! The table as Markdown.

use std::fmt::Write as _;

use workbench::record::{FitOutcome, Metric, SearchOutcome, SecondScoring};

use workbench::statistics::mean_and_deviation;

/// Where a figure comes from.
#[derive(Clone, Copy)]
pub enum Figure {
    Search(fn(&SearchOutcome) -> Option<f64>),
    Retraining(fn(&FitOutcome) -> Option<f64>),
}

/// One figure of a run.
pub struct Column {
    /// In the place of `SCORE` comes the metric.
    name: &'static str,
    pub figure: Figure,
    decimals: usize,
}

const fn search(
    name: &'static str,
    figure: fn(&SearchOutcome) -> Option<f64>,
    decimals: usize,
) -> Column {
    Column {
        name,
        figure: Figure::Search(figure),
        decimals,
    }
}

const fn retraining(
    name: &'static str,
    figure: fn(&FitOutcome) -> Option<f64>,
    decimals: usize,
) -> Column {
    Column {
        name,
        figure: Figure::Retraining(figure),
        decimals,
    }
}

pub const COLUMNS: [Column; 9] = [
    search("search SCORE", |end| Some(end.supernet), 2),
    search("child SCORE", |end| Some(end.child), 2),
    search("gap", |end| Some(end.gap), 2),
    search("child SCORE, SECOND", |end| Some(end.second?.child), 2),
    search("gap, SECOND", |end| Some(end.second?.gap), 2),
    retraining("SCORE after retraining", |end| Some(end.test.value), 2),
    search(
        "parameters of the child",
        |end| Some(end.child_weights as f64),
        0,
    ),
    retraining("parameters retrained", |end| Some(end.weights as f64), 0),
    search("search seconds", |end| Some(end.seconds), 0),
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
    /// What networks are judged by.
    pub metric: Metric,
    /// How children are scored beside the way their supernets are.
    pub second: SecondScoring,
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
        let (metric, unit) = (&self.metric.name, self.metric.gap_unit());
        let (second, how) = (self.second.title(), self.second.phrase());
        let _ = writeln!(
            text,
            "Search {metric} is the supernet's on what validates, run as its method runs it; the child \
             is derived by the method's rule and inherits its weights. The gap is child less search \
             {metric}, in {unit}. Children are scored with the statistics of the batch and, in the \
             columns called {second}, {how}. Mean +- standard deviation over seeds.\n"
        );
        let score = self.metric.heading();
        let names = COLUMNS.iter().map(|column| column.name);
        let names: Vec<String> = names
            .map(|name| name.replace("SCORE", &score).replace("SECOND", second))
            .collect();
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
            metric: Metric::ERROR,
            second: SecondScoring::Running,
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
        assert!(text.contains("child less search error, in points."));
        let names = "| search error % | child error % | gap | child error %, running | gap, running | \
                     error % after retraining | parameters of the child |";
        assert!(line("| method | search").contains(names), "{text}");
        let columns = |line: &str| line.matches('|').count();
        assert_eq!(columns(line("| method | search")), columns(line("|---|")));
    }
}
