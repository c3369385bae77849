use std::path::Path;

use supernet::{Genotype, Published};
use workbench::{WorkbenchError, files};

use crate::TrainError;

/// The cells of this name (`darts-v2`, ...) or in this file, JSON or text.
///
/// # Errors
///
/// When it is neither, or the file holds no valid cells.
pub fn read_genotype(name_or_file: &str) -> Result<Genotype, TrainError> {
    if let Some(published) = Published::find(name_or_file) {
        return Ok(published.genotype()?);
    }
    // A word that is no file is a misspelt name, not a missing file.
    let word = !name_or_file.contains(['/', '\\', '.']);
    if word && !Path::new(name_or_file).exists() {
        return Err(unknown(name_or_file).into());
    }
    let text = files::read_to_string(name_or_file)?;
    Ok(Genotype::parse(name_or_file, &text)?)
}

fn unknown(name: &str) -> WorkbenchError {
    let mut valid = Published::ALL.map(Published::name).to_vec();
    valid.push("or a file");
    WorkbenchError::unknown_name("genotype", name, &valid)
}

/// Cells in a configuration: the name of published ones, a file or the text form; written as text.
pub(crate) mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use supernet::Genotype;

    pub fn serialize<S: Serializer>(genotype: &Genotype, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&genotype.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Genotype, D::Error> {
        let text = String::deserialize(from)?;
        // Every operation of the text form has its input behind an `@`, in a line of a kind of cell.
        if text.contains('@') && text.contains(':') {
            return Genotype::parse("genotype", &text).map_err(D::Error::custom);
        }
        super::read_genotype(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_a_file_and_a_misspelt_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.txt");
        std::fs::write(&path, Published::Snas.text()).unwrap();
        let file = read_genotype(path.to_str().unwrap()).unwrap();
        assert_eq!(file, read_genotype("snas").unwrap());
        let message = read_genotype("snaz").unwrap_err().to_string();
        assert!(message.contains("did you mean `snas`"), "{message}");
        let message = read_genotype("./snas.json").unwrap_err().to_string();
        assert!(message.contains("cannot read `./snas.json`"), "{message}");
    }
}
