//! Cells where a person names them: a file, or the folder of a run that has some.

use std::path::{Path, PathBuf};

use toml::Value;

use super::kind::is_exported;
use super::{RunFolder, RunKind};
use crate::config::parse_table;
use crate::{Result, files};

/// The text of cells, which is for the caller to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellsText {
    /// How errors call it.
    pub name: String,
    /// JSON, the text form, or whatever a person wrote.
    pub text: String,
}

/// Reads the cells of a file, or of a folder: those that a search found or `search best` picked, in
/// `genotype.json`, and those that a training trains, in its `config.toml`.
///
/// # Errors
///
/// When the file cannot be read or the folder has no cells.
pub fn read_cells(path: impl Into<PathBuf>) -> Result<CellsText> {
    let path = path.into();
    if !path.is_dir() {
        return of_file(&path);
    }
    let folder = RunFolder::at(path);
    if folder.genotype().is_file() {
        return of_file(&folder.genotype());
    }
    if !folder.config().is_file() {
        return Err(folder.refused(no_cells(folder.path())));
    }
    match folder.kind()? {
        Some(RunKind::Training) => of_training(&folder),
        _ => Err(folder.refused(
            "has no `genotype.json`; a search writes it with its first epoch, and valid is a \
             genotype file or the folder of a run that has one",
        )),
    }
}

fn of_file(path: &Path) -> Result<CellsText> {
    Ok(CellsText {
        name: path.display().to_string(),
        text: files::read_to_string(path)?,
    })
}

fn of_training(folder: &RunFolder) -> Result<CellsText> {
    let name = folder.config().display().to_string();
    let table = parse_table(&files::read_to_string(folder.config())?, &name)?;
    match table.get("genotype") {
        Some(Value::String(text)) => Ok(CellsText {
            name: format!("{name}, `genotype`"),
            text: text.clone(),
        }),
        _ => Err(folder.refused("names no cells in its `config.toml`; valid is a genotype file")),
    }
}

fn no_cells(path: &Path) -> &'static str {
    match is_exported(path) {
        true => {
            "is an exported network; valid is a genotype file or the run folder of a search or a \
             training"
        }
        false => {
            "holds no cells; valid is a genotype file, the run folder of a search or a training, or \
             what `search best` picked from"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn cells_are_those_of_a_file_or_of_a_run() {
        let parent = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = parent.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let file = write("cells.txt", "a");
        let searched = write("search/genotype.json", "b");
        write("search/config.toml", "[search]");
        write("best/genotype.json", "c");
        write("fit/config.toml", "genotype = \"d\"\n[fit]");
        let read = |name: &str| read_cells(parent.path().join(name));
        let text = |name: &str| read(name).unwrap().text;
        assert_eq!(
            [text("cells.txt"), text("search"), text("best"), text("fit")],
            ["a", "b", "c", "d"]
        );
        assert_eq!(read("search").unwrap().name, searched.display().to_string());
        assert_eq!(read("cells.txt").unwrap().name, file.display().to_string());
        assert!(
            read("fit")
                .unwrap()
                .name
                .ends_with("config.toml, `genotype`")
        );

        write("begun/config.toml", "[search]");
        write("bare/config.toml", "[fit]");
        write("exported/config.json", "{}");
        fs::create_dir(parent.path().join("empty")).unwrap();
        for (name, part) in [
            ("begun", "has no `genotype.json`"),
            ("bare", "names no cells"),
            ("exported", "is an exported network"),
            ("empty", "holds no cells"),
            ("absent.txt", "cannot read"),
        ] {
            let message = read(name).unwrap_err().to_string();
            assert!(
                message.contains(part) && message.contains(name),
                "{message}"
            );
        }
    }
}
