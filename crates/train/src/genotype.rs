//! Cells by name, by file and in configurations.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use supernet::{Genotype, OperationSet};
use workbench::run_folder;

use crate::recipe::GenotypeOf;
use crate::{Recipe, TrainError};

/// The cells that a user names: published ones, a file, one of several in a file, or their text, as
/// [`Genotype::read`] finds them; or those of the run in a folder.
///
/// # Errors
///
/// When it is none of these, or holds no valid cells.
pub fn read_cells<R: Recipe>(named: &str) -> Result<GenotypeOf<R>, TrainError> {
    if GenotypeOf::<R>::is_published(named) || !Path::new(named).is_dir() {
        return Ok(Genotype::read(named)?);
    }
    let cells = run_folder::read_cells(named)?;
    Ok(Genotype::parse(&cells.name, &cells.text)?)
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
