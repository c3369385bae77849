//! Cells as a person names them.

use std::path::Path;

use supernet::{Genotype, OperationSet};
use workbench::run_folder::read_cells;

use crate::SearchError;

/// Cells as [`Genotype::read`] finds them, or those of a run folder.
///
/// # Errors
///
/// When it is neither, or holds no valid cells.
pub(crate) fn named_cells<O: OperationSet>(named: &str) -> Result<Genotype<O>, SearchError> {
    if Genotype::<O>::is_published(named) || !Path::new(named).is_dir() {
        return Ok(Genotype::read(named)?);
    }
    let cells = read_cells(named)?;
    Ok(Genotype::parse(&cells.name, &cells.text)?)
}
