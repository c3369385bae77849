//! Single fields that a command line sets.

use toml::{Table, Value};

use super::errors::config_error;
use super::table::merge;
use crate::Result;

/// Sets single fields of a table. Each override is `section.field=value`; the value is read as
/// TOML, and as a string where it is none, so that `data.set=digits` needs no quotes.
///
/// # Errors
///
/// When an override has no `=`, an empty name, or leads through a field that is not a section.
/// Whether the fields exist shows when the table is interpreted.
pub fn apply_overrides(mut table: Table, overrides: &[impl AsRef<str>]) -> Result<Table> {
    for text in overrides {
        set(&mut table, text.as_ref())?;
    }
    Ok(table)
}

/// The table that overrides make by themselves, to be [laid](merge) on another; each is
/// `section.field=value`, as for [`apply_overrides`].
///
/// # Errors
///
/// As [`apply_overrides`].
pub fn overrides_table(overrides: &[String]) -> Result<Table> {
    let mut table = Table::new();
    for text in overrides {
        merge(&mut table, apply_overrides(Table::new(), &[text])?);
    }
    Ok(table)
}

fn set(table: &mut Table, text: &str) -> Result<()> {
    let refuse = |problem: &str| {
        Err(config_error(
            "override",
            format!("`{text}` {problem}; valid: section.field=value"),
        ))
    };
    let Some((path, value)) = text.split_once('=') else {
        return refuse("has no `=`");
    };
    let names: Vec<&str> = path.split('.').map(str::trim).collect();
    if names.iter().any(|name| name.is_empty()) {
        return refuse("has an empty field name");
    }
    let (field, sections) = (names[names.len() - 1], &names[..names.len() - 1]);
    let mut inner = table;
    for section in sections {
        let entry = inner
            .entry(section.to_string())
            .or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(next) = entry else {
            return refuse(&format!(
                "leads through `{section}`, which is not a section"
            ));
        };
        inner = next;
    }
    inner.insert(field.to_string(), override_value(value.trim()));
    Ok(())
}

fn override_value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok();
    let single = parsed
        .filter(|table| table.len() == 1)
        .and_then(|mut t| t.remove("value"));
    single.unwrap_or_else(|| Value::String(text.to_string()))
}
