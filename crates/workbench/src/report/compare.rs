//! Runs side by side.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table as TomlTable, Value};

use super::settings::{differing, fields};
use super::{Block, Chapter, Chart, Page, Series, Table};
use crate::columns::aligned;
use crate::config::{DEFAULT_TASK, parse_table};
use crate::record::{FitEpoch, FitOutcome, Metric, SearchEpoch, SearchOutcome};
use crate::run_folder::{RunFolder, RunKind};
use crate::{Result, WorkbenchError, files};

/// Runs of one kind and one task, in the order they were named in.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    kind: RunKind,
    task: String,
    runs: Vec<Run>,
}

/// What is compared of a run.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    path: String,
    fields: BTreeMap<String, String>,
    /// Names of figures and what they are, in an order that all runs share.
    figures: Vec<(String, String)>,
    curves: Vec<Curve>,
}

/// A curve of a run, beside which those of the others are drawn.
#[derive(Debug, Clone, PartialEq)]
struct Curve {
    title: String,
    unit: String,
    baseline: Option<f64>,
    points: Vec<(f64, f64)>,
}

/// Fields in which runs differ without being other runs.
const NOT_COMPARED: [&str; 2] = ["name", "extension.of"];

impl Comparison {
    /// Reads two runs of this kind, or more, from their folders.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when there are fewer.
    pub fn between(kind: RunKind, paths: &[impl AsRef<Path>]) -> Result<Self> {
        if paths.len() < 2 {
            return Err(WorkbenchError::InvalidValue {
                field: "RUN",
                found: format!("{} run folder", paths.len()),
                valid: "2 or more, to be compared with each other".into(),
            });
        }
        Self::read(kind, paths)
    }

    /// Reads runs of this kind from their folders.
    ///
    /// # Errors
    ///
    /// When a folder is no run of this kind or of another task than the first one, or a record cannot be read.
    pub fn read(kind: RunKind, paths: &[impl AsRef<Path>]) -> Result<Self> {
        let mut comparison = Self {
            kind,
            task: String::new(),
            runs: Vec::new(),
        };
        for path in paths {
            let folder = RunFolder::open_as(path.as_ref(), kind)?;
            let config = config_table(&folder)?;
            let task = task_of(&config);
            match comparison.runs.first() {
                None => comparison.task = task,
                Some(_) if comparison.task == task => {}
                Some(first) => {
                    let problem = format!(
                        "is of the task `{task}`, and run folder `{}` of the task `{}`; valid are runs of \
                         one task, whose scores can be compared",
                        first.path, comparison.task
                    );
                    return Err(folder.refused(problem));
                }
            }
            comparison.runs.push(Run::read(kind, &folder, &config)?);
        }
        Ok(comparison)
    }

    /// What the runs are called, in letters, and their folders.
    fn names(&self) -> Vec<(String, &str)> {
        let runs = self.runs.iter().enumerate();
        runs.map(|(at, run)| (letter(at), run.path.as_str()))
            .collect()
    }

    fn settings(&self) -> Vec<Vec<String>> {
        let all: Vec<_> = self.runs.iter().map(|run| run.fields.clone()).collect();
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let rows = differing(&all).into_iter();
        let rows = rows.filter(|(field, _)| !NOT_COMPARED.contains(&field.as_str()));
        rows.map(|(field, values)| {
            std::iter::once(field)
                .chain(values.into_iter().map(shown))
                .collect()
        })
        .collect()
    }

    fn figures(&self) -> Vec<Vec<String>> {
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in self.runs.iter().flat_map(|run| &run.figures) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let row = |name: &String| {
            let of = |run: &Run| {
                let mut figures = run.figures.iter();
                let found = figures.find(|(other, _)| other == name);
                found.map_or("-".into(), |(_, value)| value.clone())
            };
            std::iter::once(name.clone())
                .chain(self.runs.iter().map(of))
                .collect()
        };
        names.into_iter().map(row).collect()
    }

    /// The comparison for a terminal.
    pub fn text(&self) -> String {
        let names = self.names();
        let runs: String = names
            .iter()
            .map(|(letter, path)| format!("{letter}  {path}\n"))
            .collect();
        let head = |name: &str| {
            let letters = names.iter().map(|(letter, _)| letter.clone());
            std::iter::once(name.to_string())
                .chain(letters)
                .collect::<Vec<_>>()
        };
        let table = |name: &str, rows: Vec<Vec<String>>| {
            aligned(&std::iter::once(head(name)).chain(rows).collect::<Vec<_>>())
        };
        let settings = self.settings();
        let settings = match settings.is_empty() {
            true => "the settings are the same\n".into(),
            false => table("setting", settings),
        };
        format!("{runs}\n{settings}\n{}", table("figure", self.figures()))
    }

    /// The comparison as a page; `more` are chapters that come first.
    pub fn page(&self, title: &str, made_by: &str, more: Vec<Chapter>) -> Page {
        let names = self.names();
        let head = |name: &str| {
            let letters = names.iter().map(|(letter, _)| letter.clone());
            std::iter::once(name.to_string())
                .chain(letters)
                .collect::<Vec<_>>()
        };
        let table = |name: &str, rows: Vec<Vec<String>>| {
            Block::Table(Table {
                caption: String::new(),
                head: head(name),
                rows,
                folded: false,
            })
        };
        let settings = self.settings();
        let settings = match settings.is_empty() {
            true => Block::text("The settings of all runs are the same."),
            false => table("setting", settings),
        };
        let what = match self.kind {
            RunKind::Search => "searches",
            RunKind::Training => "trainings",
        };
        let own = [
            Chapter::of("Figures", vec![table("figure", self.figures())]),
            Chapter::of("Settings that differ", vec![settings]),
            Chapter::of(
                "Curves",
                self.charts().into_iter().map(Block::Chart).collect(),
            ),
        ];
        Page {
            title: title.into(),
            kind: "comparison".into(),
            warning: None,
            lead: format!(
                "{} {what} for the task {} side by side.",
                self.runs.len(),
                self.task
            ),
            figures: Vec::new(),
            facts: names
                .iter()
                .map(|(letter, path)| (letter.clone(), path.to_string()))
                .collect(),
            chapters: more.into_iter().chain(own.into_iter().flatten()).collect(),
            made_by: made_by.into(),
        }
    }

    fn charts(&self) -> Vec<Chart> {
        let mut charts: Vec<Chart> = Vec::new();
        for ((letter, _), run) in self.names().into_iter().zip(&self.runs) {
            for curve in run.curves.iter().filter(|curve| !curve.points.is_empty()) {
                let series = Series {
                    name: letter.clone(),
                    points: curve.points.clone(),
                };
                match charts.iter_mut().find(|chart| chart.title == curve.title) {
                    Some(chart) => chart.series.push(series),
                    None => charts.push(Chart {
                        title: curve.title.clone(),
                        x_label: "epoch".into(),
                        y_label: curve.unit.clone(),
                        shaded: None,
                        baseline: curve.baseline,
                        series: vec![series],
                    }),
                }
            }
        }
        charts
    }
}

/// A, B and so on, AA after Z.
fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => last.to_string(),
        before => letter(before - 1) + &last.to_string(),
    }
}

/// The configuration of a run as a table.
///
/// # Errors
///
/// When it cannot be read or is not TOML.
pub fn config_table(folder: &RunFolder) -> Result<TomlTable> {
    let path = folder.config();
    parse_table(&files::read_to_string(&path)?, &path.display().to_string())
}

fn task_of(config: &TomlTable) -> String {
    let task = config.get("task").and_then(Value::as_str);
    task.unwrap_or(DEFAULT_TASK).into()
}

impl Run {
    fn read(kind: RunKind, folder: &RunFolder, config: &TomlTable) -> Result<Self> {
        let (figures, curves) = match kind {
            RunKind::Search => of_search(folder, config)?,
            RunKind::Training => of_training(folder, config)?,
        };
        Ok(Self {
            path: folder.path().display().to_string(),
            fields: fields(config),
            figures,
            curves,
        })
    }
}

type Compared = (Vec<(String, String)>, Vec<Curve>);

fn epochs_figure(done: usize, config: &TomlTable, section: &str) -> (String, String) {
    let all = config
        .get(section)
        .and_then(|section| section.get("epochs"));
    let all = all.map_or("?".into(), Value::to_string);
    ("epochs".into(), format!("{done} of {all}"))
}

fn curve<R>(
    title: String,
    unit: &str,
    records: &[R],
    point: impl Fn(&R) -> Option<(usize, f64)>,
) -> Curve {
    let points = records.iter().filter_map(point);
    Curve {
        title,
        unit: unit.into(),
        baseline: None,
        points: points.map(|(epoch, value)| (epoch as f64, value)).collect(),
    }
}

fn of_search(folder: &RunFolder, config: &TomlTable) -> Result<Compared> {
    let records: Vec<SearchEpoch> = folder.records()?;
    let outcome: Option<SearchOutcome> = folder.outcome()?;
    let metric = records
        .last()
        .map_or(Metric::ERROR, |last| last.metric.clone());
    let mut figures = vec![epochs_figure(records.len(), config, "search")];
    let mut put = |name: String, value: String| figures.push((name, value));
    if let Some(last) = records.last() {
        let heading = metric.heading();
        put(
            format!("supernet {heading}"),
            format!("{:.2}", last.supernet.value),
        );
        put(
            format!("child {heading}"),
            format!("{:.2}", last.child.value),
        );
        put(
            format!("gap, {}", metric.gap_unit()),
            format!("{:+.2}", last.gap),
        );
        if let Some(second) = last.second {
            let how = second.scoring.phrase();
            put(
                format!("child {heading} {how}"),
                format!("{:.2}", second.child),
            );
        }
        for cell in &last.cells {
            put(
                format!("entropy {}, nats", cell.name),
                format!("{:.2}", cell.entropy),
            );
        }
    }
    if let Some(outcome) = outcome {
        let heading = metric.heading();
        put(
            format!("child test {heading}"),
            format!("{:.2}", outcome.child_test),
        );
        put(
            "weights of the supernet".into(),
            outcome.supernet_weights.to_string(),
        );
        put(
            "weights of the child".into(),
            outcome.child_weights.to_string(),
        );
    }
    let timing = records.iter().map(|record| &record.timing);
    let seconds: f64 = timing
        .map(|t| t.search_seconds + t.validation_seconds)
        .sum();
    put("seconds".into(), format!("{seconds:.1}"));
    let (unit, shown) = (metric.unit.to_string(), metric.name.to_string());
    let mut gap = curve(
        "Gap between child and supernet".into(),
        metric.gap_unit(),
        &records,
        |r| Some((r.epoch, r.gap)),
    );
    gap.baseline = Some(0.0);
    let curves = vec![
        curve(
            format!("{shown} of the child (validation)"),
            &unit,
            &records,
            |r| Some((r.epoch, r.child.value)),
        ),
        curve(
            format!("{shown} of the supernet (validation)"),
            &unit,
            &records,
            |r| Some((r.epoch, r.supernet.value)),
        ),
        gap,
        curve("Loss in training".into(), "nats", &records, |r| {
            Some((r.epoch, r.train.loss))
        }),
    ];
    Ok((figures, curves))
}

fn of_training(folder: &RunFolder, config: &TomlTable) -> Result<Compared> {
    let records: Vec<FitEpoch> = folder.records()?;
    let outcome: Option<FitOutcome> = folder.outcome()?;
    let metric = records
        .last()
        .map_or(Metric::ERROR, |last| last.metric.clone());
    let heading = metric.heading();
    let mut figures = vec![epochs_figure(records.len(), config, "fit")];
    let mut put = |name: String, value: String| figures.push((name, value));
    if let Some(last) = records.last() {
        put(
            format!("training {heading}"),
            format!("{:.2}", last.train.value),
        );
        if let Some(validation) = last.validation {
            put(
                format!("validation {heading}"),
                format!("{:.2}", validation.value),
            );
        }
    }
    if let Some(outcome) = outcome {
        put(
            format!("test {heading}"),
            format!("{:.2}", outcome.test.value),
        );
        put(
            "test loss, nats".into(),
            format!("{:.4}", outcome.test.loss),
        );
        put("weights".into(), outcome.weights.to_string());
        if let Some(count) = outcome.multiply_adds {
            put("multiply-adds".into(), count.to_string());
        }
    }
    let seconds: f64 = records.iter().map(|record| record.seconds).sum();
    put("seconds".into(), format!("{seconds:.1}"));
    let (unit, shown) = (metric.unit.to_string(), metric.name.to_string());
    let curves = vec![
        curve(format!("{shown} in validation"), &unit, &records, |r| {
            Some((r.epoch, r.validation?.value))
        }),
        curve(format!("{shown} in training"), &unit, &records, |r| {
            Some((r.epoch, r.train.value))
        }),
        curve("Loss in training".into(), "nats", &records, |r| {
            Some((r.epoch, r.train.loss))
        }),
    ];
    Ok((figures, curves))
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn runs_beyond_the_alphabet_have_two_letters() {
        assert_eq!(
            [0, 25, 26, 27, 702].map(letter),
            ["A", "Z", "AA", "AB", "AAA"]
        );
    }
}
