//! The table of a contest as Markdown.

use std::fmt::Write as _;
use std::path::Path;

use workbench::record::{FitOutcome, Metric};
use workbench::statistics::mean_and_deviation;

use super::ranking::Ranked;
use super::rules::Rules;

/// A finished run.
pub struct Row {
    pub name: String,
    pub seed: u64,
    pub outcome: FitOutcome,
    /// Seconds of the search that found its cells.
    pub search_seconds: Option<f64>,
}

pub struct Table {
    title: String,
    remarks: Vec<String>,
    command: String,
    pub rows: Vec<Row>,
    /// Runs that are not finished.
    pub missing: Vec<String>,
    pub ranking: Vec<Ranked>,
}

impl Table {
    pub fn new(rules: &Rules, file: &Path) -> Self {
        Self {
            title: rules.title.clone(),
            remarks: rules.remarks.clone(),
            command: format!("cargo xtask contest {}", file.display()),
            rows: Vec::new(),
            missing: Vec::new(),
            ranking: Vec::new(),
        }
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&row.name.as_str()) {
                names.push(&row.name);
            }
        }
        names
    }

    pub fn markdown(&self) -> String {
        let metric = self
            .rows
            .first()
            .map_or(Metric::ERROR, |row| row.outcome.metric.clone());
        let score = metric.heading();
        let mut text = format!("# {}\n\n", self.title);
        for remark in &self.remarks {
            let _ = writeln!(text, "{remark}\n");
        }
        let _ = writeln!(
            text,
            "Test {score}, {} is better; mean +- standard deviation over seeds.\n",
            match metric.better(0.0, 1.0) {
                true => "lower",
                false => "higher",
            }
        );
        let _ = writeln!(
            text,
            "| | seeds | test {score} | weights | search seconds | training seconds |\n\
             |---|---|---|---|---|---|"
        );
        for name in self.names() {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.name == name).collect();
            let of = |value: fn(&Row) -> Option<f64>, places: usize| {
                let values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
                spread(&values, places)
            };
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} |",
                rows.len(),
                of(|row| Some(row.outcome.test.value), 2),
                of(|row| Some(row.outcome.weights as f64), 0),
                of(|row| row.search_seconds, 0),
                of(|row| Some(row.outcome.seconds), 0),
            );
        }
        self.write_ranking(&mut text, &score);
        let _ = writeln!(
            text,
            "\n## Every run\n\n| | seed | test {score} | weights | training seconds | cells |\n\
             |---|---|---|---|---|---|"
        );
        for Row {
            name,
            seed,
            outcome,
            ..
        } in &self.rows
        {
            let _ = writeln!(
                text,
                "| {name} | {seed} | {:.2} | {} | {:.0} | {} |",
                outcome.test.value,
                outcome.weights,
                outcome.seconds,
                // A pipe ends a cell of the table.
                outcome.genotype.replace('|', "\\|").replace('\n', "; "),
            );
        }
        let _ = writeln!(text, "\n## How it was made\n\n- `{}`", self.command);
        let _ = writeln!(
            text,
            "- epochs of a training: {}",
            self.each(|end| end.epochs.to_string())
        );
        let _ = writeln!(text, "- backend: {}", self.each(|end| end.backend.clone()));
        let processor = |end: &FitOutcome| end.processor.clone().unwrap_or("unknown".into());
        let _ = writeln!(text, "- processor: {}", self.each(processor));
        if !self.missing.is_empty() {
            let _ = writeln!(text, "- not finished: {}", self.missing.join(", "));
        }
        text
    }

    /// What differs among the rows, each once.
    fn each(&self, what: fn(&FitOutcome) -> String) -> String {
        let mut all: Vec<String> = Vec::new();
        for row in &self.rows {
            let one = what(&row.outcome);
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all.join("; ")
    }

    fn write_ranking(&self, text: &mut String, score: &str) {
        if self.ranking.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "\n## How searches rank cells\n\n\
             Spearman's rank correlation of the validation {score} that cells have with the weights of a \
             search and their test {score} when they are trained.\n\n\
             | seed of the search | cells | rank correlation | {score} inherited -> trained |\n\
             |---|---|---|---|"
        );
        for ranked in &self.ranking {
            let pairs = ranked.pairs.iter();
            let pairs: Vec<String> = pairs.map(|(a, b)| format!("{a:.2} -> {b:.2}")).collect();
            let correlation = ranked
                .correlation
                .map_or("-".into(), |value| format!("{value:.2}"));
            let _ = writeln!(
                text,
                "| {} | {} | {correlation} | {} |",
                ranked.seed,
                ranked.pairs.len(),
                pairs.join(", ")
            );
        }
    }
}

fn spread(values: &[f64], places: usize) -> String {
    let (mean, deviation) = mean_and_deviation(values);
    match values.len() {
        0 => "-".into(),
        1 => format!("{mean:.places$}"),
        _ => format!("{mean:.places$} +- {deviation:.places$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::RULES;
    use super::*;

    #[test]
    fn contestants_have_means_and_runs_have_rows() {
        let rules: Rules = toml::from_str(RULES).unwrap();
        let mut table = Table::new(&rules, Path::new("results/cells/contest.toml"));
        for (name, seed, error) in [("EGS", 0, 4.0), ("EGS", 1, 6.0), ("random", 7, 8.0)] {
            let outcome = format!(
                r#"{{"name":"x","data":"digits","seed":{seed},"backend":"flex","epochs":2,
                "result_epoch":2,"weights":77,"multiply_adds":9,"test_loss":0.5,"test_error":{error},
                "genotype":"cell: tanh@0 | relu@1","seconds":1.0}}"#
            );
            table.rows.push(Row {
                name: name.into(),
                seed,
                outcome: serde_json::from_str(&outcome).unwrap(),
                search_seconds: (name == "EGS").then_some(60.0),
            });
        }
        table.ranking = vec![Ranked {
            seed: 0,
            pairs: vec![(1.0, 2.0), (2.0, 3.0)],
            correlation: Some(1.0),
        }];
        let text = table.markdown();
        for line in [
            "| EGS | 2 | 5.00 +- 1.41 | 77 +- 0 | 60 +- 0 | 1 +- 0 |",
            "| random | 1 | 8.00 | 77 | - | 1 |",
            "| random | 7 | 8.00 | 77 | 1 | cell: tanh@0 \\| relu@1 |",
            "| 0 | 2 | 1.00 | 1.00 -> 2.00, 2.00 -> 3.00 |",
            "Test error %, lower is better; mean +- standard deviation over seeds.",
            "- `cargo xtask contest results/cells/contest.toml`",
            "- processor: unknown",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
