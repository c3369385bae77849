//! Configuration text: parsing, overriding single fields, and errors that name the field.

pub mod checks;

use std::fmt::Write as _;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::{Result, WorkbenchError, error::nearest};

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
    Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| {
            let shown = error.to_string();
            let path = shown
                .trim_end()
                .rsplit_once("\nin `")
                .map(|(_, path)| path.trim_end_matches('`'));
            config_error(
                source_name,
                explain(error.message(), path.unwrap_or_default()),
            )
        })
}

/// Sets single fields of a table. Each override is `section.field=value`; the value is read as
/// TOML, and as a string where it is none, so that `data.set=digits` needs no quotes.
///
/// # Errors
///
/// When an override has no `=`, an empty part, or leads through a field that is not a section.
/// Whether the fields exist shows when the table is interpreted.
pub fn apply_overrides(mut table: Table, overrides: &[impl AsRef<str>]) -> Result<Table> {
    for text in overrides {
        set(&mut table, text.as_ref())?;
    }
    Ok(table)
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

/// A configuration as TOML; `name` is how an error calls it.
///
/// # Errors
///
/// When a value has no TOML form.
pub fn to_toml(config: &impl Serialize, name: &str) -> Result<String> {
    toml::to_string_pretty(config).map_err(|error| config_error(name, error.to_string()))
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
    let parts: Vec<&str> = path.split('.').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return refuse("has an empty field name");
    }
    let (field, sections) = (parts[parts.len() - 1], &parts[..parts.len() - 1]);
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

/// A name for the content of a configuration: the SHA-256, in hexadecimal, of its JSON form with
/// sorted keys. Equal configurations have equal fingerprints, however they were written.
///
/// # Errors
///
/// When the value has no JSON form.
pub fn fingerprint(config: &impl Serialize) -> Result<String> {
    let json = serde_json::to_value(config).map_err(|source| WorkbenchError::Json {
        what: "a configuration",
        source,
    })?;
    let mut canonical = String::new();
    write_canonical(&json, &mut canonical);
    let mut name = String::new();
    for byte in Sha256::digest(canonical) {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

/// Sorts keys itself, because `serde_json` keeps their order when any crate of the build asks so.
fn write_canonical(json: &Json, out: &mut String) {
    match json {
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in fields {
                let _ = write!(out, "{}:", Json::String(name.clone()));
                write_canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

/// Turns a message of the deserialiser and the path it arose at into one sentence.
fn explain(message: &str, path: &str) -> String {
    let message = one_line(message);
    for (start, what) in [("unknown field `", "field"), ("unknown variant `", "value")] {
        let Some((found, expected)) = message.strip_prefix(start).and_then(|m| m.split_once('`'))
        else {
            continue;
        };
        let valid: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        let suggestion = nearest(found, valid.iter().copied());
        let place = match (what, path) {
            (_, "") => String::new(),
            ("field", section) => format!(" in [{section}]"),
            (_, field) => format!(" for `{field}`"),
        };
        let end = match suggestion {
            Some(name) => format!("; did you mean `{name}`? Valid: {}", valid.join(", ")),
            None => format!("; valid: {}", valid.join(", ")),
        };
        return format!("unknown {what} `{found}`{place}{end}");
    }
    match path {
        "" => message,
        section if message.starts_with("missing field") => format!("{message} in [{section}]"),
        field => format!("`{field}`: {message}"),
    }
}

fn one_line(message: &str) -> String {
    message.trim().replace('\n', ", ")
}

fn config_error(source_name: &str, message: String) -> WorkbenchError {
    WorkbenchError::Config {
        source_name: source_name.to_string(),
        message,
    }
}

#[cfg(test)]
mod tests;
