//! The configuration that defaults, a file and a command line make together.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::errors::config_error;
use super::overrides::overrides_table;
use super::table::{from_table, merge, parse_table};
use crate::Result;

/// The text of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// How errors call it, such as its path.
    pub name: &'a str,
    /// The text, TOML.
    pub text: &'a str,
}

/// The name that errors give to what a binary brings along.
const DEFAULT: &str = "default";
/// The task of a configuration that names none.
pub const DEFAULT_TASK: &str = "image";

/// The configuration of `bases`, a file and overrides `section.field=value`. Each but the first base is
/// laid on what came before it by `overlay(before, over)`, for which [`merge`] is the
/// usual choice.
///
/// # Errors
///
/// Those of `overlay`; when a text is not TOML, or a field is unknown, missing, of a wrong type or value.
pub fn resolve<C: DeserializeOwned>(
    bases: &[&str],
    file: Option<Source<'_>>,
    overrides: &[String],
    mut overlay: impl FnMut(&mut Table, Table) -> Result<()>,
) -> Result<C> {
    let mut table: Option<Table> = None;
    let mut lay = |over: Table| match &mut table {
        Some(table) => overlay(table, over),
        None => {
            table = Some(over);
            Ok(())
        }
    };
    for base in bases {
        lay(parse_table(base, DEFAULT)?)?;
    }
    let mut name = DEFAULT.to_string();
    if let Some(file) = file {
        lay(parse_table(file.text, file.name)?)?;
        name = file.name.to_string();
    }
    if !overrides.is_empty() {
        lay(overrides_table(overrides)?)?;
        name.push_str(" with overrides");
    }
    from_table(table.unwrap_or_default(), &name)
}

/// What a file and overrides say themselves, the overrides laid on the file; no field is checked.
///
/// # Errors
///
/// When a text is not TOML.
pub fn stated(file: Option<Source<'_>>, overrides: &[String]) -> Result<Table> {
    let of_file = file.map(|file| parse_table(file.text, file.name));
    let mut table = of_file.transpose()?.unwrap_or_default();
    merge(&mut table, overrides_table(overrides)?);
    Ok(table)
}

/// The task that the field `task` of a file or an override names, or `image`. Whether there is such a
/// task is for the caller to say.
///
/// # Errors
///
/// When a text is not TOML or the field is not a word.
pub fn task_name(file: Option<Source<'_>>, overrides: &[String]) -> Result<String> {
    let of_overrides = overrides_table(overrides)?;
    let of_file = file.map(|file| parse_table(file.text, file.name));
    let of_file = of_file.transpose()?.unwrap_or_default();
    match of_overrides.get("task").or(of_file.get("task")) {
        None => Ok(DEFAULT_TASK.into()),
        Some(Value::String(name)) => Ok(name.clone()),
        Some(other) => {
            let name = file.map_or("override", |file| file.name);
            let message = format!("`task`: found {other}; valid is the name of a task in quotes");
            Err(config_error(name, message))
        }
    }
}

#[cfg(test)]
mod tests;
