//! The child that a search leaves in its run folder: an exported network with inherited weights.

use std::path::PathBuf;

use toml::Value;
use workbench::config::parse_table;
use workbench::files;
use workbench::run_folder::RunFolder;

use crate::TrainError;
use crate::export::is_exported;
use crate::portable::{DataChoice, Portable};

/// The exported network in the run folder of a search.
///
/// # Errors
///
/// When the search is not finished or left none.
pub(crate) fn child_of(folder: &RunFolder) -> Result<PathBuf, TrainError> {
    let shown = folder.path().display();
    if !folder.result().exists() {
        let problem = format!(
            "is of a search that is not finished, so that its child has no weights yet; `search resume \
             {shown}` goes on with it, and `train fit {shown}` trains the cells of its last epoch"
        );
        return Err(folder.refused(problem).into());
    }
    match is_exported(&folder.child()) {
        true => Ok(folder.child()),
        false => {
            let problem = format!(
                "is of a search that left no child with its weights; `search resume {shown}` writes one \
                 where its task has such a form, and `train fit {shown}` trains its cells, `{}`",
                folder.genotype().display()
            );
            Err(folder.refused(problem).into())
        }
    }
}

/// What a search's child is scored on: the data of the search, where no other are chosen.
///
/// # Errors
///
/// When the configuration of the search cannot be read.
pub(crate) fn choice_of_search<R: Portable>(
    folder: &RunFolder,
    choice: DataChoice,
) -> Result<DataChoice, TrainError> {
    if choice.set.is_some() {
        return Ok(choice);
    }
    let path = folder.config();
    let table = parse_table(&files::read_to_string(&path)?, &path.display().to_string())?;
    let own = match table.get("data") {
        Some(Value::Table(data)) => R::data_of_search(data),
        _ => DataChoice::default(),
    };
    Ok(DataChoice {
        set: None,
        root: choice.root.or(own.root),
        on_corrupt: choice.on_corrupt.or(own.on_corrupt),
    })
}
