//! Cells by name, by file and in configurations.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use supernet::{Genotype, OperationSet};
use workbench::{WorkbenchError, run_folder};

use crate::recipe::GenotypeOf;
use crate::{Recipe, TrainError};

/// The cells of this name, of those that the recipe [publishes](Recipe::published), in this file, JSON or
/// text, or of the run in this folder.
///
/// # Errors
///
/// When it is none of them, or the file holds no valid cells.
pub fn read_cells<R: Recipe>(name_or_file: &str) -> Result<GenotypeOf<R>, TrainError> {
    let published = R::published();
    if let Some((name, text)) = published.iter().find(|(name, _)| *name == name_or_file) {
        return Ok(Genotype::parse(name, text)?);
    }
    // A word that is no file is a misspelt name, not a missing file.
    let word = !name_or_file.contains(['/', '\\', '.']);
    if word && !Path::new(name_or_file).exists() {
        let mut valid: Vec<&str> = published.iter().map(|(name, _)| *name).collect();
        valid.push(if valid.is_empty() {
            "a file or a run folder"
        } else {
            "or a file or a run folder"
        });
        return Err(WorkbenchError::unknown_name("genotype", name_or_file, &valid).into());
    }
    let cells = run_folder::read_cells(name_or_file)?;
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
    let text = String::deserialize(from)?;
    // Every operation of the text form has its input behind an `@`, in a line of a kind of cell.
    if text.contains('@') && text.contains(':') {
        return Genotype::parse("genotype", &text).map_err(D::Error::custom);
    }
    read_cells::<R>(&text).map_err(D::Error::custom)
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
