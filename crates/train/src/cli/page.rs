//! Pages of trainings that exist.

use std::path::Path;

use workbench::record::FitOutcome;
use workbench::report::{SeedRuns, write_page};
use workbench::run_folder::{RunFolder, RunKind};

use super::display::{seed_figures, seed_heads};
use crate::page::{MADE_BY, run_page};
use crate::tasks::{TaskName, for_task};
use crate::trained::{read_config, run_task};
use crate::{Recipe, TrainError};

/// Writes the page of a run, or of the trainings of several seeds.
///
/// # Errors
///
/// When the folder is neither, a record cannot be read or the page not be written.
pub(super) fn report(path: &Path) -> Result<(), TrainError> {
    let ends = finished_seeds(path)?;
    let folder = RunFolder::at(path);
    if !ends.is_empty() && !folder.config().exists() {
        write_seeds_page(path, &ends)?;
    } else {
        RunFolder::open_as(path, RunKind::Training)?;
        for_task!(TaskName::find(&run_task(&folder)?)?, R => write::<R>(&folder))?;
    }
    println!("wrote {}", folder.page().display());
    Ok(())
}

fn write<R: Recipe>(folder: &RunFolder) -> Result<(), TrainError> {
    let page = run_page(folder, &read_config::<R>(folder)?)?;
    Ok(write_page(folder, &page)?)
}

/// Writes the page of the trainings of several seeds into the folder of their folders.
///
/// # Errors
///
/// When a record cannot be read or the page not be written.
pub(super) fn write_seeds_page(folder: &Path, ends: &[FitOutcome]) -> Result<(), TrainError> {
    let heads = seed_heads(ends).map(|[top, bottom]| format!("{top} {bottom}").trim().to_string());
    let runs: Vec<_> = ends
        .iter()
        .map(|end| (end.seed, seed_figures(end)))
        .collect();
    let page = SeedRuns {
        kind: RunKind::Training,
        folder,
        heads: &heads,
        runs: &runs,
        made_by: MADE_BY,
    };
    Ok(page.write_page()?)
}

/// How the finished trainings of a folder of several seeds ended; none where it is no such folder.
fn finished_seeds(folder: &Path) -> Result<Vec<FitOutcome>, TrainError> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let runs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("seed-"));
    let ends = runs.map(|entry| RunFolder::at(entry.path()).outcome::<FitOutcome>());
    let ends = ends.collect::<workbench::Result<Vec<_>>>()?;
    let mut ends: Vec<FitOutcome> = ends.into_iter().flatten().collect();
    ends.sort_by_key(|end| end.seed);
    Ok(ends)
}
