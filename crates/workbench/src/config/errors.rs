//! What is wrong with a configuration, in one sentence that names the field.

use std::fmt;

use serde::de;
use serde_path_to_error::{Path, Segment};

use super::sides::is_side;
use crate::WorkbenchError;
use crate::error::nearest;

/// What the interpretation of a value found, apart from where.
#[derive(Debug)]
pub(super) enum ValueError {
    /// A field that its section does not have; the path leads to the field itself.
    UnknownField { found: String, valid: Vec<String> },
    /// The same of a section that two structs share; the path leads to the section.
    UnknownInShared { found: String, valid: Vec<String> },
    /// A name that is none of a list.
    UnknownChoice { found: String, valid: Vec<String> },
    /// A field that its section must have.
    MissingField(String),
    /// Anything else, in words.
    Other(String),
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(one_line(&message.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownField {
            found: field.into(),
            valid: owned(expected),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownChoice {
            found: variant.into(),
            valid: owned(expected),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField(field.into())
    }
}

impl std::error::Error for ValueError {}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe("", self))
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// The sentence about an error at a path.
pub(super) fn sentence(path: &Path, error: &ValueError) -> String {
    let mut place = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } if is_side(key) => {}
            Segment::Seq { index } => place += &format!("[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !place.is_empty() {
                    place.push('.');
                }
                place += name;
            }
            Segment::Unknown => {}
        }
    }
    describe(&place, error)
}

fn describe(place: &str, error: &ValueError) -> String {
    match error {
        ValueError::UnknownField { found, valid } => {
            let section = match place.rsplit_once('.') {
                Some((section, last)) if last == found => section,
                None if place == found => "",
                // Of a table with a `shape`, which is read as a whole, the path leads no further.
                _ => place,
            };
            unknown_field(found, section, valid)
        }
        ValueError::UnknownInShared { found, valid } => unknown_field(found, place, valid),
        ValueError::UnknownChoice { found, valid } => {
            let field = match place {
                "" => String::new(),
                field => format!(" for `{field}`"),
            };
            format!("unknown value `{found}`{field}{}", choices(found, valid))
        }
        ValueError::MissingField(field) => {
            format!("missing field `{field}`{}", in_section(place))
        }
        ValueError::Other(message) => match place {
            "" => message.clone(),
            field => format!("`{field}`: {message}"),
        },
    }
}

fn unknown_field(found: &str, section: &str, valid: &[String]) -> String {
    let (section, choices) = (in_section(section), choices(found, valid));
    format!("unknown field `{found}`{section}{choices}")
}

fn in_section(section: &str) -> String {
    match section {
        "" => String::new(),
        section => format!(" in [{section}]"),
    }
}

fn choices(found: &str, valid: &[String]) -> String {
    let all = valid.join(", ");
    match nearest(found, valid.iter().map(String::as_str)) {
        Some(name) => format!("; did you mean `{name}`? Valid: {all}"),
        None => format!("; valid: {all}"),
    }
}

pub(super) fn one_line(message: &str) -> String {
    message.trim().replace('\n', ", ")
}

pub(super) fn config_error(source_name: &str, message: String) -> WorkbenchError {
    WorkbenchError::Config {
        source_name: source_name.to_string(),
        message,
    }
}
