//! Configurations as TOML tables.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::errors::{config_error, one_line, sentence};
use super::value::Node;
use crate::Result;

/// Parses TOML without interpreting it.
///
/// # Errors
///
/// When the text is not TOML.
pub fn parse_table(text: &str, source_name: &str) -> Result<Table> {
    text.parse::<Table>().map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..offset]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        config_error(
            source_name,
            format!("line {line}: {}", one_line(error.message())),
        )
    })
}

/// Interprets parsed TOML. Types should refuse unknown fields (`serde(deny_unknown_fields)`).
/// `source_name` is how errors call the text, such as the path of its file.
///
/// # Errors
///
/// When a field is unknown, missing, or of a wrong type or value.
pub fn from_table<T: DeserializeOwned>(table: Table, source_name: &str) -> Result<T> {
    if let Some((field, found)) = not_finite(&table, "") {
        let message = format!("`{field}` is {found}; valid is a finite number");
        return Err(config_error(source_name, message));
    }
    interpret(table).map_err(|message| config_error(source_name, message))
}

/// The first number that is none or infinite, which no setting can be, and its field; `place` is that of
/// the table.
fn not_finite(table: &Table, place: &str) -> Option<(String, f64)> {
    table.iter().find_map(|(name, value)| {
        let field = match place {
            "" => name.clone(),
            place => format!("{place}.{name}"),
        };
        find_not_finite(value, field)
    })
}

fn find_not_finite(value: &Value, field: String) -> Option<(String, f64)> {
    match value {
        Value::Float(number) if !number.is_finite() => Some((field, *number)),
        Value::Table(table) => not_finite(table, &field),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| find_not_finite(item, format!("{field}[{index}]"))),
        _ => None,
    }
}

/// The same with the sentence alone as the error.
pub(super) fn interpret<'de, T: Deserialize<'de>>(table: Table) -> Result<T, String> {
    let node = Node::new(Value::Table(table));
    serde_path_to_error::deserialize(node).map_err(|error| sentence(error.path(), error.inner()))
}

/// Lays `over` on `base`, section by section. A table with a `shape`, a
/// [schedule](crate::optim::Schedule), is replaced whole: the fields of one shape mean nothing to
/// another.
pub fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) if !value.contains_key("shape") => {
                merge(inner, value);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// A configuration as TOML; `name` is how an error calls it.
///
/// # Errors
///
/// When a value has no TOML form.
pub fn to_toml(config: &impl Serialize, name: &str) -> Result<String> {
    toml::to_string_pretty(config).map_err(|error| config_error(name, error.to_string()))
}
