//! One method with one seed: a search, then a retraining of what it found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::table::{COLUMNS, Source, Values};

pub struct Job {
    /// The run folder.
    pub folder: PathBuf,
    /// Arguments of `search run`, without the folder.
    pub search: Vec<String>,
    /// Arguments of `train fit`, without the files; none when nothing is retrained.
    pub retrain: Option<Vec<String>>,
}

impl Job {
    fn file(&self, source: Source) -> PathBuf {
        self.folder.join(match source {
            Source::Search => "result.json",
            Source::Retraining => "retrain.json",
        })
    }

    /// Does what is not done yet.
    pub fn run(&self) -> anyhow::Result<()> {
        if !self.file(Source::Search).exists() {
            let mut arguments: Vec<String> = Vec::new();
            if self.folder.join("config.toml").exists() {
                arguments.push("resume".into());
            } else {
                arguments.push("run".into());
                arguments.extend(self.search.iter().cloned());
                arguments.push("--out".into());
            }
            arguments.push(self.folder.display().to_string());
            eprintln!("search {}", arguments.join(" "));
            cargo_run("search", &arguments)?;
        }
        let Some(retrain) = &self.retrain else {
            return Ok(());
        };
        let out = self.file(Source::Retraining);
        if !out.exists() {
            let genotype = self.folder.join("genotype.json");
            let mut arguments = vec!["fit".to_owned(), genotype.display().to_string()];
            arguments.extend(retrain.iter().cloned());
            arguments.extend(["--out".to_owned(), out.display().to_string()]);
            eprintln!("train {}", arguments.join(" "));
            cargo_run("train", &arguments)?;
        }
        Ok(())
    }

    /// The figures of a finished job and the backend it searched on; none while something is missing.
    pub fn result(&self) -> anyhow::Result<Option<(Values, String)>> {
        let search = read(&self.file(Source::Search))?;
        let retraining = match self.retrain {
            Some(_) => read(&self.file(Source::Retraining))?,
            None => Some(Value::Null),
        };
        let (Some(search), Some(retraining)) = (search, retraining) else {
            return Ok(None);
        };
        let values = COLUMNS.map(|column| match column.source {
            Source::Search => search[column.key].as_f64(),
            Source::Retraining => retraining[column.key].as_f64(),
        });
        let backend = search["backend"].as_str().unwrap_or("unknown").to_owned();
        Ok(Some((values, backend)))
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a result", path.display()))?;
    Ok(Some(value))
}

fn cargo_run(package: &str, arguments: &[String]) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "-p", package, "--"])
        .args(arguments)
        .arg("--quiet")
        .stdout(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "`{package}` failed: {status}");
    Ok(())
}
