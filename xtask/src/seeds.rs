use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, ensure};
use clap::Args;
use workbench::record::{Metric, SearchOutcome};
use workbench::seeds::Seeds as SeedList;
use workbench::statistics::mean_and_deviation;

use crate::passed::{BackendOptions, SearchOptions};

/// Search with several seeds.
#[derive(Args)]
pub struct Seeds {
    /// The seeds: 0..4 is 0, 1, 2 and 3; 0,2,5 is a list.
    #[arg(long, alias = "seed", value_name = "SEEDS", default_value = "0,1,2")]
    seeds: SeedList,
    /// Folder for the runs, `seed-<seed>` each; what is finished in it is kept, what was begun is
    /// resumed, and a run of other settings is refused.
    #[arg(long, value_name = "FOLDER", default_value = "runs/seeds")]
    out: PathBuf,
    #[command(flatten)]
    options: SearchOptions,
    #[command(flatten)]
    on: BackendOptions,
    /// Further arguments of `search`, after `--`.
    #[arg(last = true)]
    search: Vec<String>,
}

/// Names of the columns and what each shows.
type Columns = [(String, fn(&SearchOutcome) -> f64); 5];

fn columns(metric: &Metric) -> Columns {
    let score = metric.heading();
    [
        (format!("supernet {score}"), |end| end.supernet),
        (format!("child {score}"), |end| end.child),
        ("gap".into(), |end| end.gap),
        (format!("child test {score}"), |end| end.child_test),
        ("seconds".into(), |end| end.seconds),
    ]
}

impl Seeds {
    pub fn run(self) -> anyhow::Result<()> {
        self.search()?;
        let file = |seed: &u64| self.out.join(format!("seed-{seed}/result.json"));
        let ends = self
            .seeds
            .as_slice()
            .iter()
            .map(|seed| SearchOutcome::read(file(seed)));
        let ends: Vec<SearchOutcome> = ends.collect::<Result<_, _>>()?;
        print!("{}", table(&ends));
        Ok(())
    }

    fn search(&self) -> anyhow::Result<()> {
        let (seeds, out) = (self.seeds.to_string(), self.out.display().to_string());
        let mut arguments = vec!["run".to_string()];
        arguments.extend(self.options.arguments());
        arguments.extend(self.search.iter().cloned());
        arguments.extend(["--seeds".into(), seeds, "--out".into(), out]);
        let mut command = self.on.run("search", &arguments);
        let status = command
            .stdout(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        ensure!(status.success(), "the search failed: {status}");
        Ok(())
    }
}

/// A row for each search, and one of means and spreads.
fn table(ends: &[SearchOutcome]) -> String {
    let metric = ends.first().map_or(Metric::ERROR, |end| end.metric.clone());
    let columns = columns(&metric);
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = format!("| seed | {} |\n", names.join(" | "));
    text += &format!("|---|{}\n", "---|".repeat(columns.len()));
    for end in ends {
        let cells = columns
            .iter()
            .map(|(_, value)| format!("{:.2}", value(end)));
        let cells: Vec<String> = cells.collect();
        text += &format!("| {} | {} |\n", end.seed, cells.join(" | "));
    }
    let spread = columns.iter().map(|(_, value)| {
        let values: Vec<f64> = ends.iter().map(value).collect();
        let (mean, deviation) = mean_and_deviation(&values);
        format!("{mean:.2} +- {deviation:.2}")
    });
    let spread: Vec<String> = spread.collect();
    text + &format!("| mean +- s.d. | {} |\n", spread.join(" | "))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use workbench::optim::Schedule;
    use workbench::record::{SecondScore, SecondScoring};

    /// The end of a search with this seed and score of the child.
    pub fn outcome(seed: u64, child: f64) -> SearchOutcome {
        SearchOutcome {
            name: "digits".into(),
            task: "image".into(),
            method: "egs".into(),
            data: "digits".into(),
            seed,
            backend: "flex (Cpu)".into(),
            processor: None,
            epochs: 3,
            temperature: Some(Schedule::Linear { from: 5.0, to: 1.0 }),
            metric: Metric::ERROR,
            supernet_weights: 1_000,
            child_weights: 400,
            child_cost: None,
            supernet: 12.0,
            child,
            gap: child - 12.0,
            second: Some(SecondScore {
                scoring: SecondScoring::Running,
                child: child + 1.0,
                gap: -1.0,
            }),
            child_test: 10.25,
            genotype: "normal: skip_connect@0".into(),
            seconds: 60.0,
        }
    }

    #[test]
    fn every_search_has_a_row_and_all_together_have_one() {
        let text = table(&[outcome(4, 10.0), outcome(5, 12.0)]);
        let expected = "\
| seed | supernet error % | child error % | gap | child test error % | seconds |
|---|---|---|---|---|---|
| 4 | 12.00 | 10.00 | -2.00 | 10.25 | 60.00 |
| 5 | 12.00 | 12.00 | 0.00 | 10.25 | 60.00 |
| mean +- s.d. | 12.00 +- 0.00 | 11.00 +- 1.41 | -1.00 +- 1.41 | 10.25 +- 0.00 | 60.00 +- 0.00 |
";
        assert_eq!(text, expected);
    }
}
