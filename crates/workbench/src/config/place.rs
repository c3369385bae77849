//! Where a configuration says that the data lie.

use std::path::{Path, PathBuf};

use crate::{Result, WorkbenchError};

/// Makes the folder of the data one that does not depend on where a command is given from.
///
/// # Errors
///
/// When it is relative and the present folder is not known.
pub fn make_absolute(root: &mut Option<PathBuf>) -> Result<()> {
    if let Some(path) = root {
        *path = std::path::absolute(&*path).map_err(WorkbenchError::io("find", &*path))?;
    }
    Ok(())
}

/// Puts the folder that a command names in place of the one of a configuration. `root` is none where the
/// task's data have no folder.
///
/// # Errors
///
/// When a folder is named and there is no place for it.
pub fn set_root(root: Option<&mut Option<PathBuf>>, named: Option<&Path>) -> Result<()> {
    match (root, named) {
        (_, None) => Ok(()),
        (Some(root), Some(named)) => {
            *root = Some(named.into());
            Ok(())
        }
        (None, Some(named)) => Err(WorkbenchError::InvalidValue {
            field: "--data-root",
            found: named.display().to_string(),
            valid: "an option of tasks whose data lie in a folder".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_becomes_absolute_and_another_stays() {
        let mut root = Some("../data".into());
        make_absolute(&mut root).unwrap();
        let here = std::env::current_dir().unwrap();
        assert_eq!(root, Some(here.join("../data")));
        let before = root.clone();
        make_absolute(&mut root).unwrap();
        assert_eq!(root, before);
        make_absolute(&mut None).unwrap();
    }

    #[test]
    fn a_folder_is_named_for_data_that_have_one() {
        let mut root = Some("old".into());
        set_root(Some(&mut root), None).unwrap();
        assert_eq!(root, Some("old".into()));
        set_root(Some(&mut root), Some(Path::new("new"))).unwrap();
        assert_eq!(root, Some("new".into()));
        set_root(None, None).unwrap();
        assert!(set_root(None, Some(Path::new("new"))).is_err());
    }
}
