//! One method with one seed: a search, then a retraining of what it found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;
use workbench::config::parse_table;
use workbench::files::read_to_string;

use super::table::{COLUMNS, Source, Values};

pub struct Job {
    /// Folder of the method; the run folder is `seed-SEED` in it.
    pub folder: PathBuf,
    pub seed: u64,
    /// Arguments of `search run`, without seed and folder.
    pub search: Vec<String>,
    /// Arguments of `train fit`, without the files; none when nothing is retrained.
    pub retrain: Option<Vec<String>>,
}

/// What came of a job.
pub struct Finished {
    pub values: Values,
    /// Backend it searched on.
    pub backend: String,
    /// Temperature of the search from its start to its end.
    pub temperature: String,
}

impl Job {
    fn run_folder(&self) -> PathBuf {
        self.folder.join(format!("seed-{}", self.seed))
    }

    fn file(&self, source: Source) -> PathBuf {
        self.run_folder().join(match source {
            Source::Search => "result.json",
            Source::Retraining => "retrain/result.json",
        })
    }

    /// Does what is not done yet. Both binaries keep what is finished, go on with what was begun, and
    /// refuse a folder of other settings.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(self.search.iter().cloned());
        let folder = self.folder.display().to_string();
        arguments.extend([
            "--seeds".into(),
            self.seed.to_string(),
            "--out".into(),
            folder,
        ]);
        cargo_run("search", &arguments)?;
        let Some(retrain) = &self.retrain else {
            return Ok(());
        };
        let text = |path: PathBuf| path.display().to_string();
        let genotype = text(self.run_folder().join("genotype.json"));
        let mut arguments = vec!["fit".to_owned(), genotype];
        arguments.extend(retrain.iter().cloned());
        let folder = text(self.run_folder().join("retrain"));
        arguments.extend(["--run".into(), folder, "--continue".into()]);
        cargo_run("train", &arguments)
    }

    /// What came of the job; none while something is missing.
    pub fn result(&self) -> anyhow::Result<Option<Finished>> {
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
        Ok(Some(Finished {
            values,
            backend: search["backend"].as_str().unwrap_or("unknown").to_owned(),
            temperature: self.temperature()?,
        }))
    }

    fn temperature(&self) -> anyhow::Result<String> {
        let path = self.run_folder().join("config.toml");
        let text = read_to_string(&path)?;
        let table = parse_table(&text, &path.display().to_string())?;
        let schedule = table
            .get("search")
            .and_then(|search| search.get("temperature"));
        let field = |name| schedule.and_then(|schedule| schedule.get(name));
        let ends = ["from", "to"].map(|end| field(end).or(field("value")));
        Ok(match ends {
            [Some(from), Some(to)] => format!("{from} to {to}"),
            _ => "unknown".into(),
        })
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
    eprintln!("{package} {}", arguments.join(" "));
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
