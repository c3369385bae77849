//! What is wrong with a configuration, in one sentence that names the field.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
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
    /// A value of another type, range or length.
    Unfit { found: String, valid: String },
    /// Anything else, in words.
    Other(String),
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(one_line(&message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unfit(&found, &expected.to_string())
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unfit(&found, &expected.to_string())
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let values = if length == 1 { "value" } else { "values" };
        Self::Unfit {
            found: format!("an array of {length} {values}"),
            valid: in_words(&expected.to_string()),
        }
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

impl ValueError {
    /// Of a value that something else was expected for, by its name in Rust.
    fn unfit(found: &Unexpected<'_>, expected: &str) -> Self {
        Self::Unfit {
            found: shown(found),
            valid: in_words(expected),
        }
    }
}

/// A value as a configuration has it.
fn shown(value: &Unexpected<'_>) -> String {
    match value {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => format!("{number:?}"),
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Seq => "an array".into(),
        Unexpected::Map | Unexpected::StructVariant => "a section".into(),
        other => other.to_string(),
    }
}

/// What Serde calls a type, in the words of configurations.
fn in_words(expected: &str) -> String {
    let whole = |most: u64| format!("a whole number from 0 to {most}");
    if let Some((_, count)) = expected
        .split_once("an array of length ")
        .or_else(|| expected.split_once("a tuple of size "))
    {
        return format!("an array of {count} values");
    }
    match expected {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "u64" | "usize" | "u128" => "a whole number of 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "path string" | "a formatted string" | "a character" => {
            "text in quotes".into()
        }
        "a sequence" => "an array".into(),
        "a map" => "a section".into(),
        _ if expected.starts_with("struct ") => "a section".into(),
        other => other.into(),
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
        ValueError::Unfit { found, valid } => match place {
            "" => format!("found {found}; valid: {valid}"),
            field => format!("`{field}` is {found}; valid: {valid}"),
        },
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
