//! Cells by name, by file and in configurations.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use supernet::{CellGenotype, Genotype, GenotypeOp, OperationSet};
use workbench::stream::{Purpose, below, seeded_rng, shuffle};
use workbench::{files, run_folder};

use crate::recipe::GenotypeOf;
use crate::{Recipe, TrainError};

/// The cells that a user names: published ones, a file, one of several in a file, or their text, as
/// [`Genotype::read`] finds them; those of the run in a folder; or `random-SEED`, cells at random.
///
/// # Errors
///
/// When it is none of these, or holds no valid cells.
pub fn read_cells<R: Recipe>(named: &str) -> Result<GenotypeOf<R>, TrainError> {
    let seed = named.strip_prefix("random-").map(str::parse);
    if let Some(Ok(seed)) = seed {
        return Ok(random_cells(seed));
    }
    let Some(folder) = folder_of_cells::<R>(named) else {
        return Ok(Genotype::read(named)?);
    };
    let cells = run_folder::read_cells(folder)?;
    Ok(Genotype::parse(&cells.name, &cells.text)?)
}

/// The folder that a user names as one of a run with cells: not one called like published cells.
pub(crate) fn folder_of_cells<R: Recipe>(named: &str) -> Option<&Path> {
    let folder = Path::new(named);
    (!GenotypeOf::<R>::is_published(named) && folder.is_dir()).then_some(folder)
}

/// Whether a text or a file, which cannot be read as cells, names the kinds of cells of a recipe.
pub(crate) fn looks_like<R: Recipe>(named: &str) -> bool {
    if !Path::new(named).is_file() && !named.contains(['@', '(', '{']) {
        return false;
    }
    let text = files::read_to_string(named).unwrap_or_else(|_| named.into());
    R::Op::CELLS.iter().all(|cell| text.contains(*cell))
}

/// Cells at random: each node reads as many of the states before it as published cells do, each by an
/// operation of its own.
fn random_cells<O: OperationSet>(seed: u64) -> Genotype<O> {
    let mut rng = seeded_rng(Purpose::Cells, [seed, 0, 0]);
    let operations: Vec<O> = O::SEARCHED
        .iter()
        .copied()
        .filter(|op| Some(*op) != O::NONE)
        .collect();
    let mut node = |number: usize| {
        let mut inputs: Vec<usize> = (0..O::INPUTS + number).collect();
        shuffle(&mut rng, &mut inputs);
        inputs.truncate(O::KEPT_EDGES);
        inputs.sort_unstable();
        let op = |input| GenotypeOp::new(operations[below(&mut rng, operations.len())], input);
        inputs.into_iter().map(op).collect()
    };
    let mut cell = |_: &&str| CellGenotype::new((0..O::NODES).map(&mut node).collect());
    Genotype {
        cells: O::CELLS.iter().map(&mut cell).collect(),
    }
}

/// Cells in a configuration are written as text.
pub(crate) fn serialize<O: OperationSet, S: Serializer>(
    genotype: &Genotype<O>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_str(&genotype.to_string())
}

/// Cells in a configuration are the name of published ones, a file or the text form.
pub(crate) fn deserialize<'de, R: Recipe, D: Deserializer<'de>>(
    from: D,
) -> Result<GenotypeOf<R>, D::Error> {
    let named = String::deserialize(from)?;
    read_cells::<R>(&named).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::image::ImageRecipe;
    use supernet::Published;

    #[test]
    fn a_name_a_file_and_a_misspelt_name() {
        let read = read_cells::<ImageRecipe>;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.txt");
        std::fs::write(&path, Published::Snas.text()).unwrap();
        let file = read(path.to_str().unwrap()).unwrap();
        assert_eq!(file, read("snas").unwrap());
        let message = read("snaz").unwrap_err().to_string();
        assert!(message.contains("did you mean `snas`"), "{message}");
        let message = read("./snas.json").unwrap_err().to_string();
        assert!(message.contains("cannot read `./snas.json`"), "{message}");
    }
}
