use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;

/// Search with several seeds.
#[derive(Args)]
pub struct Seeds {
    /// The seeds.
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    seeds: Vec<u64>,
    /// Folder for the runs, `seed-<seed>` each; what is finished in it is kept, what was begun is
    /// resumed, and a run of other settings is refused.
    #[arg(long, default_value = "runs/seeds")]
    out: PathBuf,
    /// Further arguments of `search`, after `--`.
    #[arg(last = true)]
    search: Vec<String>,
}

const COLUMNS: [(&str, &str); 5] = [
    ("supernet error %", "supernet_error"),
    ("child error %", "child_error"),
    ("gap", "gap"),
    ("child test error %", "child_test_error"),
    ("seconds", "seconds"),
];

impl Seeds {
    pub fn run(self) -> anyhow::Result<()> {
        self.search()?;
        let mut rows = Vec::new();
        for seed in &self.seeds {
            let path = self.out.join(format!("seed-{seed}/result.json"));
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let result: Value = serde_json::from_str(&text)?;
            let values: Vec<f64> = COLUMNS
                .iter()
                .map(|(_, key)| result[key].as_f64().with_context(|| format!("no {key}")))
                .collect::<Result<_, _>>()?;
            rows.push((seed.to_string(), values));
        }
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        println!("| seed | {} |", names.join(" | "));
        println!("|---|{}", "---|".repeat(COLUMNS.len()));
        for (seed, values) in &rows {
            let cells: Vec<_> = values.iter().map(|value| format!("{value:.2}")).collect();
            println!("| {seed} | {} |", cells.join(" | "));
        }
        let spread = (0..COLUMNS.len()).map(|column| {
            let values: Vec<f64> = rows.iter().map(|(_, values)| values[column]).collect();
            let (mean, deviation) = mean_and_deviation(&values);
            format!("{mean:.2} +- {deviation:.2}")
        });
        println!(
            "| mean +- s.d. | {} |",
            spread.collect::<Vec<_>>().join(" | ")
        );
        Ok(())
    }

    fn search(&self) -> anyhow::Result<()> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        let status = Command::new(cargo)
            .args(["run", "--quiet", "-p", "search", "--", "run"])
            .args(&self.search)
            .args(["--seeds", &seeds.join(",")])
            .arg("--out")
            .arg(&self.out)
            .stdout(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        ensure!(status.success(), "the search failed: {status}");
        Ok(())
    }
}

/// Mean and sample standard deviation.
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}
