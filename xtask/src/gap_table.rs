//! The gap table: every method and seed is searched and retrained, one job at a time.

mod chart;
mod jobs;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use workbench::config::{DEFAULT_TASK, Source, parse_table, task_name};
use workbench::files::{read_to_string, write_atomic, write_json};
use workbench::record::{Metric, SecondScoring};
use workbench::seeds::Seeds;

use self::jobs::Job;
use self::table::{Row, Table};
use crate::passed::{BackendOptions, SearchOptions};
use crate::table_page;

/// Search with every method, retrain what it finds, and write a table of errors and gaps.
#[derive(Args)]
pub struct GapTable {
    #[command(flatten)]
    options: SearchOptions,
    #[command(flatten)]
    on: BackendOptions,
    /// The seeds: 0..4 is 0, 1, 2 and 3; 0,2,5 is a list.
    #[arg(long, alias = "seed", value_name = "SEEDS", default_value = "0,1,2")]
    seeds: Seeds,
    /// The methods, in the order of the table.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "egs-m1,egs-m4,egs-m7,darts,snas,gdas,random"
    )]
    methods: Vec<Method>,
    /// Configuration file of the retraining; by default the one of `train fit`.
    #[arg(long, value_name = "FILE")]
    retrain_config: Option<PathBuf>,
    /// Epochs of retraining; 0 leaves it out.
    #[arg(long, default_value_t = 20)]
    retrain_epochs: usize,
    /// Channels of retrained image networks; 16 by default.
    #[arg(long)]
    retrain_channels: Option<usize>,
    /// Cells of retrained image networks; 3 by default.
    #[arg(long)]
    retrain_cells: Option<usize>,
    /// A field of the retraining; may be given several times.
    #[arg(long, value_name = "SECTION.FIELD=VALUE")]
    retrain_set: Vec<String>,
    /// Folder of the runs, `METHOD/seed-SEED` each; by default `runs/gap-DATA`. What is finished in
    /// it is kept, and what is unfinished is resumed.
    #[arg(long, value_name = "FOLDER")]
    runs: Option<PathBuf>,
    /// Folder for `table.md`, `table.svg` and both as a page, `report.html`.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Run nothing: make the table of what is there.
    #[arg(long)]
    no_run: bool,
    /// Further arguments of `search`, after `--`.
    #[arg(last = true)]
    search: Vec<String>,
}

/// `settings.json` in the folder of the runs.
#[derive(Serialize, Deserialize)]
struct Made {
    settings: Settings,
    /// Machines that the runs were made on.
    hardware: Vec<String>,
}

/// What all runs of a folder have in common.
#[derive(PartialEq, Serialize, Deserialize)]
struct Settings {
    data: String,
    /// Text of the configuration file.
    config: String,
    /// Text of the configuration file of the retraining.
    retrain_config: String,
    epochs: Option<usize>,
    /// Further arguments of `search`.
    search: Vec<String>,
    /// Arguments of `train fit` beside data and seed.
    retrain: Vec<String>,
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
        let data = self.data()?;
        let default = || PathBuf::from(format!("runs/gap-{data}"));
        let runs = self.runs.clone().unwrap_or_else(default);
        let retraining = self.retraining()?;
        let notes = self.settings(&data, &runs, &retraining)?;
        let mut table = Table {
            title: format!("Search and child on {data}"),
            metric: Metric::ERROR,
            second: SecondScoring::Running,
            notes,
            rows: Vec::new(),
        };
        let (mut missing, mut backends, mut temperatures) = (Vec::new(), Vec::new(), Vec::new());
        for method in &self.methods {
            for &seed in self.seeds.as_slice() {
                let job = self.job(*method, seed, &data, &runs, &retraining);
                if !self.no_run {
                    job.run()
                        .with_context(|| format!("method {}, seed {seed}", method.name()))?;
                }
                match job.result()? {
                    Some(finished) => {
                        table.metric = finished.metric;
                        table.second = finished.second.unwrap_or(table.second);
                        table.rows.push(Row {
                            method: method.name(),
                            seed,
                            values: finished.values,
                        });
                        let temperature = format!("{} {}", method.name(), finished.temperature);
                        for (list, value) in [
                            (&mut backends, finished.backend),
                            (&mut temperatures, temperature),
                        ] {
                            if !list.contains(&value) {
                                list.push(value);
                            }
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
        table.notes.push(("temperature", temperatures.join("; ")));
        if !missing.is_empty() {
            table.notes.push(("not finished", missing.join(", ")));
        }
        fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot create {}", self.out.display()))?;
        write_atomic(self.out.join("table.md"), table.markdown())?;
        let picture = chart::svg(&table);
        write_atomic(self.out.join("table.svg"), &picture)?;
        let page = self.out.join("report.html");
        table_page::write(&page, &table.markdown(), Some(picture))?;
        print!("{}", table.markdown());
        Ok(())
    }

    fn data(&self) -> anyhow::Result<String> {
        let of_config = match (&self.options.data, &self.options.config) {
            (Some(data), _) => return Ok(data.clone()),
            (None, None) => None,
            (None, Some(path)) => {
                let table = parse_table(&read_to_string(path)?, &path.display().to_string())?;
                let set = table.get("data").and_then(|data| data.get("set"));
                set.and_then(|set| set.as_str()).map(String::from)
            }
        };
        Ok(of_config.unwrap_or_else(|| "digits".into()))
    }

    /// Arguments of `train fit` beside data and seed.
    fn retraining(&self) -> anyhow::Result<Vec<String>> {
        let task = self.task()?;
        let mut arguments = vec!["--epochs".to_owned(), self.retrain_epochs.to_string()];
        for (option, given, default) in [
            ("channels", self.retrain_channels, 16),
            ("cells", self.retrain_cells, 3),
        ] {
            if task == DEFAULT_TASK {
                let value = given.unwrap_or(default).to_string();
                arguments.extend([format!("--{option}"), value]);
            } else {
                ensure!(
                    given.is_none(),
                    "--retrain-{option} is for `task` {DEFAULT_TASK}, and the configuration has \
                     {task}; valid is --retrain-set SECTION.FIELD=VALUE"
                );
            }
        }
        for field in &self.retrain_set {
            arguments.extend(["--set".into(), field.clone()]);
        }
        Ok(arguments)
    }

    /// The task of the searches.
    fn task(&self) -> anyhow::Result<String> {
        let Some(path) = &self.options.config else {
            return Ok(DEFAULT_TASK.into());
        };
        let (name, text) = (path.display().to_string(), read_to_string(path)?);
        let source = Source {
            name: &name,
            text: &text,
        };
        Ok(task_name(Some(source), &[])?)
    }

    fn job(
        &self,
        method: Method,
        seed: u64,
        data: &str,
        runs: &Path,
        retraining: &[String],
    ) -> Job {
        let (name, set) = method.arguments();
        let options = SearchOptions {
            data: Some(data.into()),
            ..self.options.clone()
        };
        let mut search = [self.search.clone(), options.arguments()].concat();
        let mut push = |option: &str, value: String| search.extend([option.to_owned(), value]);
        push("--method", name.into());
        for field in set {
            push("--set", (*field).into());
        }
        let retrain = [("--data", data.into()), ("--seed", seed.to_string())];
        let text = |path: &PathBuf| path.display().to_string();
        let files = [
            ("--config", self.retrain_config.as_ref().map(text)),
            ("--data-root", self.options.data_root.as_ref().map(text)),
        ];
        let retrain = files
            .into_iter()
            .filter_map(|(option, value)| Some((option, value?)))
            .chain(retrain)
            .flat_map(|(option, value)| [option.to_owned(), value])
            .chain(retraining.iter().cloned());
        Job {
            folder: runs.join(method.name()),
            seed,
            search,
            retrain: (self.retrain_epochs > 0).then(|| retrain.collect()),
            on: self.on.clone(),
        }
    }

    /// The options that set sizes: with them a search is another one.
    fn size(&self) -> Vec<String> {
        let options = SearchOptions {
            batch_size: self.options.batch_size,
            channels: self.options.channels,
            cells: self.options.cells,
            ..SearchOptions::default()
        };
        options.arguments()
    }

    /// What all runs of the folder have in common is kept in it, so that a table that runs nothing
    /// does not mix settings either. Returns what the table says of its making.
    fn settings(
        &self,
        data: &str,
        runs: &Path,
        retraining: &[String],
    ) -> anyhow::Result<Vec<(&'static str, String)>> {
        let text = |path: &Option<PathBuf>| match path {
            Some(path) => read_to_string(path),
            None => Ok("default".into()),
        };
        let settings = Settings {
            data: data.into(),
            config: text(&self.options.config)?,
            retrain_config: text(&self.retrain_config)?,
            epochs: self.options.epochs,
            search: [self.search.clone(), self.size()].concat(),
            retrain: retraining.to_vec(),
        };
        let path = runs.join("settings.json");
        let mut made = Made {
            settings,
            hardware: Vec::new(),
        };
        if path.exists() {
            let text = read_to_string(&path)?;
            let before: Made = serde_json::from_str(&text)
                .with_context(|| format!("{} is not of a gap table", path.display()))?;
            ensure!(
                before.settings == made.settings,
                "{} holds runs of other settings ({}); give another folder with --runs",
                runs.display(),
                path.display()
            );
            made.hardware = before.hardware;
        }
        let here = crate::machine::describe();
        if !self.no_run && !made.hardware.contains(&here) {
            made.hardware.push(here);
            fs::create_dir_all(runs)
                .with_context(|| format!("cannot create {}", runs.display()))?;
            write_json(&path, "the settings", &made)?;
        }
        let retraining = match self.retrain_epochs {
            0 => "none".into(),
            _ => format!(
                "`train fit {}`, scored on the test data",
                retraining.join(" ")
            ),
        };
        Ok(vec![
            ("command", format!("`{}`", command())),
            ("seeds", self.seeds.to_string().replace(',', ", ")),
            ("retraining", retraining),
            ("hardware", made.hardware.join("; ")),
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
