//! The gap table: every method and seed is searched and retrained, one job at a time.

mod chart;
mod jobs;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use self::jobs::Job;
use self::table::{Row, Table};

/// Search with every method, retrain what it finds, and write a table of errors and gaps.
#[derive(Args)]
pub struct GapTable {
    /// Data set, as `search` and `train` know it.
    #[arg(long, default_value = "digits")]
    data: String,
    /// The seeds.
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    seeds: Vec<u64>,
    /// The methods, in the order of the table.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "egs-m1,egs-m4,egs-m7,darts,snas,gdas,random"
    )]
    methods: Vec<Method>,
    /// Configuration file of the searches; by default the one of `search`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Epochs of a search, in place of the configuration's.
    #[arg(long)]
    epochs: Option<usize>,
    /// Configuration file of the retraining; by default the one of `train fit`.
    #[arg(long, value_name = "FILE")]
    retrain_config: Option<PathBuf>,
    /// Epochs of retraining; 0 leaves it out.
    #[arg(long, default_value_t = 20)]
    retrain_epochs: usize,
    /// Channels of the retrained networks.
    #[arg(long, default_value_t = 16)]
    retrain_channels: usize,
    /// Cells of the retrained networks.
    #[arg(long, default_value_t = 3)]
    retrain_cells: usize,
    /// Folder of the runs, `METHOD/seed-SEED` each; by default `runs/gap-DATA`. What is finished in
    /// it is kept, and an unfinished search is resumed.
    #[arg(long, value_name = "FOLDER")]
    runs: Option<PathBuf>,
    /// Folder for `table.md` and `table.svg`.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Run nothing: make the table of what is there.
    #[arg(long)]
    no_run: bool,
    /// Further arguments of `search`, after `--`.
    #[arg(last = true)]
    search: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    EgsM1,
    EgsM4,
    EgsM7,
    Darts,
    DartsSecond,
    Snas,
    Gdas,
    Random,
}

impl Method {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The method and the fields that make it, for the command line of `search`.
    fn arguments(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Method::EgsM1 => ("egs", &["architecture.draws=1"]),
            Method::EgsM4 => ("egs", &["architecture.draws=4"]),
            Method::EgsM7 => ("egs", &["architecture.draws=7"]),
            Method::Darts => ("darts", &[]),
            Method::DartsSecond => ("darts", &["alpha.second_order=true"]),
            Method::Snas => ("snas", &[]),
            Method::Gdas => ("gdas", &[]),
            Method::Random => ("random", &[]),
        }
    }
}

impl GapTable {
    pub fn run(self) -> anyhow::Result<()> {
        let runs = self.runs();
        let notes = self.settings(&runs)?;
        let mut table = Table {
            title: format!("Search and child on {}", self.data),
            notes,
            rows: Vec::new(),
        };
        let (mut missing, mut backends) = (Vec::new(), Vec::new());
        for method in &self.methods {
            for &seed in &self.seeds {
                let job = self.job(*method, seed, &runs);
                if !self.no_run {
                    job.run()
                        .with_context(|| format!("method {}, seed {seed}", method.name()))?;
                }
                match job.result()? {
                    Some((values, backend)) => {
                        table.rows.push(Row {
                            method: method.name(),
                            seed,
                            values,
                        });
                        if !backends.contains(&backend) {
                            backends.push(backend);
                        }
                    }
                    None => missing.push(format!("{} with seed {seed}", method.name())),
                }
            }
        }
        ensure!(
            !table.rows.is_empty(),
            "no finished run in {}",
            runs.display()
        );
        table.notes.push(("backend", backends.join("; ")));
        if !missing.is_empty() {
            table.notes.push(("not finished", missing.join(", ")));
        }
        write_atomic(&self.out.join("table.md"), &table.markdown())?;
        write_atomic(&self.out.join("table.svg"), &chart::svg(&table))?;
        print!("{}", table.markdown());
        Ok(())
    }

    fn runs(&self) -> PathBuf {
        let default = || PathBuf::from(format!("runs/gap-{}", self.data));
        self.runs.clone().unwrap_or_else(default)
    }

    fn job(&self, method: Method, seed: u64, runs: &Path) -> Job {
        let (name, set) = method.arguments();
        let mut search: Vec<String> = self.search.clone();
        let mut push = |option: &str, value: String| search.extend([option.to_owned(), value]);
        if let Some(config) = &self.config {
            push("--config", config.display().to_string());
        }
        if let Some(epochs) = self.epochs {
            push("--epochs", epochs.to_string());
        }
        push("--data", self.data.clone());
        push("--method", name.into());
        for field in set {
            push("--set", (*field).into());
        }
        push("--seed", seed.to_string());
        let retrain = [
            ("--data", self.data.clone()),
            ("--channels", self.retrain_channels.to_string()),
            ("--cells", self.retrain_cells.to_string()),
            ("--epochs", self.retrain_epochs.to_string()),
            ("--seed", seed.to_string()),
        ];
        let config = self.retrain_config.as_ref();
        let retrain = config
            .map(|path| ("--config", path.display().to_string()))
            .into_iter()
            .chain(retrain)
            .flat_map(|(option, value)| [option.to_owned(), value]);
        Job {
            folder: runs.join(method.name()).join(format!("seed-{seed}")),
            search,
            retrain: (self.retrain_epochs > 0).then(|| retrain.collect()),
        }
    }

    /// What all runs of the folder have in common is kept in it, so that one table never mixes
    /// searches of different settings. Returns what the table says of its making.
    fn settings(&self, runs: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
        let text = |path: &Option<PathBuf>| match path {
            Some(path) => {
                fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
            }
            None => Ok("default".into()),
        };
        let settings = json!({
            "data": self.data,
            "config": text(&self.config)?,
            "retrain_config": text(&self.retrain_config)?,
            "epochs": self.epochs,
            "search": self.search,
            "retrain": [self.retrain_epochs, self.retrain_channels, self.retrain_cells],
        });
        let path = runs.join("settings.json");
        let before: Option<Value> = match fs::read_to_string(&path) {
            Ok(text) => Some(serde_json::from_str(&text)?),
            Err(_) => None,
        };
        let mut hardware: Vec<String> = Vec::new();
        if let Some(before) = &before {
            ensure!(
                before["settings"] == settings,
                "{} holds runs of other settings ({}); give another folder with --runs",
                runs.display(),
                path.display()
            );
            let known = before["hardware"].as_array().into_iter().flatten();
            hardware = known.filter_map(Value::as_str).map(String::from).collect();
        }
        let here = crate::machine::describe();
        if !self.no_run && !hardware.contains(&here) {
            hardware.push(here);
            let all = json!({ "settings": settings, "hardware": hardware });
            write_atomic(&path, &format!("{all:#}\n"))?;
        }
        let retraining = match self.retrain_epochs {
            0 => "none".into(),
            epochs => format!(
                "`train fit`, {epochs} epochs, {} channels, {} cells, error on the test images",
                self.retrain_channels, self.retrain_cells
            ),
        };
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        Ok(vec![
            ("command", format!("`{}`", command())),
            ("seeds", seeds.join(", ")),
            ("retraining", retraining),
            ("hardware", hardware.join("; ")),
        ])
    }
}

/// The command that made the table.
fn command() -> String {
    let arguments = std::env::args().skip(1).filter(|word| word != "--no-run");
    let quoted = arguments.map(|word| match word.contains(char::is_whitespace) {
        true => format!("'{word}'"),
        false => word,
    });
    format!("cargo xtask {}", quoted.collect::<Vec<_>>().join(" "))
}

/// Writes a file beside its place and moves it there, so that no half of it is ever seen.
fn write_atomic(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let partial = path.with_extension("part");
        fs::write(&partial, text)?;
        fs::rename(partial, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
