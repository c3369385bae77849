//! Several searches of one folder, told apart by their seeds.

use std::path::Path;

use serde::Deserialize;
use workbench::columns::field;
use workbench::files;
use workbench::record::{Metric, SearchOutcome};
use workbench::report::SeedRuns;
use workbench::run_folder::{RunFolder, RunKind};
use workbench::statistics::seeds_table;

use crate::SearchError;
use crate::page::MADE_BY;

/// The folders `seed-SEED` of a folder of several searches, by name.
///
/// # Errors
///
/// When the folder cannot be read.
pub(crate) fn seed_folders(folder: &Path) -> Result<Vec<RunFolder>, SearchError> {
    let entries = std::fs::read_dir(folder).map_err(|_| nothing_finished(folder))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let named = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("seed-")
    };
    let mut paths: Vec<_> = paths.filter(named).collect();
    paths.sort();
    Ok(paths.into_iter().map(RunFolder::at).collect())
}

/// Whether a folder holds several searches and is none itself.
pub(crate) fn is_of_seeds(folder: &Path) -> bool {
    let some = seed_folders(folder).is_ok_and(|runs| !runs.is_empty());
    some && !RunFolder::at(folder).config().exists()
}

pub(crate) fn nothing_finished(folder: &Path) -> SearchError {
    let problem = "holds no finished search; valid is a folder that `search run --seeds` filled";
    SearchError::run_folder(folder, problem)
}

/// Searches of a folder, finished ones and names of the others.
struct Searches {
    ends: Vec<SearchOutcome>,
    others: Vec<String>,
}

fn searches(folder: &Path) -> Result<Searches, SearchError> {
    let (mut ends, mut others) = (Vec::new(), Vec::new());
    for run in seed_folders(folder)? {
        match run.outcome()? {
            Some::<SearchOutcome>(outcome) => ends.push(outcome),
            None => {
                let name = run.path().file_name().unwrap_or_default();
                others.push(name.to_string_lossy().into_owned());
            }
        }
    }
    ends.sort_by_key(|end| end.seed);
    Ok(Searches { ends, others })
}

/// Writes the page of the finished searches of a folder.
///
/// # Errors
///
/// When a record cannot be read or the page not be written.
pub(crate) fn write_page(folder: &Path) -> Result<(), SearchError> {
    let Searches { ends, .. } = searches(folder)?;
    let heads = heads(&ends).map(|[top, bottom]| format!("{top} {bottom}").trim().to_string());
    let runs: Vec<_> = ends.iter().map(|end| (end.seed, figures(end))).collect();
    let page = SeedRuns {
        kind: RunKind::Search,
        folder,
        heads: &heads,
        runs: &runs,
        made_by: MADE_BY,
    };
    Ok(page.write_page()?)
}

/// The searches of a folder for a terminal: a row for each that is finished, their mean and deviation,
/// those that are not finished, and the choice among them where it was made.
///
/// # Errors
///
/// When none is finished or a file cannot be read.
pub(crate) fn summary(folder: &Path) -> Result<String, SearchError> {
    let Searches { ends, others } = searches(folder)?;
    let first = ends.first().ok_or_else(|| nothing_finished(folder))?;
    let (data, method) = (&first.data, &first.method);
    let mut text = field("runs", &folder.display().to_string());
    text += &field("data", &format!("{data}, method {method}"));
    text += &table(&ends);
    if !others.is_empty() {
        text += &field("begun", &format!("{}: not finished", others.join(", ")));
    }
    let choice = folder.join("best.json");
    if choice.exists() {
        text += &field("best", &format!("{}, by best.json", chosen(&choice)?));
    }
    Ok(text)
}

/// The run that `best.json` names.
fn chosen(path: &Path) -> Result<String, SearchError> {
    #[derive(Deserialize)]
    struct Choice {
        best: String,
    }
    let choice: Result<Choice, _> = serde_json::from_str(&files::read_to_string(path)?);
    let choice = choice.map_err(|error| workbench::WorkbenchError::Record {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })?;
    Ok(choice.best)
}

/// Names of the figures of a search, in two lines each.
fn heads(ends: &[SearchOutcome]) -> [[String; 2]; 5] {
    let metric = ends.first().map_or(Metric::ERROR, |end| end.metric.clone());
    let score = metric.heading();
    let heads = [
        ["supernet", &score],
        ["child", &score],
        ["gap", metric.gap_unit()],
        ["child test", &score],
        ["", "seconds"],
    ];
    heads.map(|head| head.map(String::from))
}

fn figures(end: &SearchOutcome) -> Vec<f64> {
    vec![
        end.supernet,
        end.child,
        end.gap,
        end.child_test,
        end.seconds,
    ]
}

/// A row for each search.
fn table(ends: &[SearchOutcome]) -> String {
    let runs: Vec<_> = ends.iter().map(|end| (end.seed, figures(end))).collect();
    seeds_table(&heads(ends), &runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_nothing_finished_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("seed-1")).unwrap();
        assert!(is_of_seeds(folder.path()));
        let message = summary(folder.path()).unwrap_err().to_string();
        assert!(message.contains("no finished search"), "{message}");
    }
}
