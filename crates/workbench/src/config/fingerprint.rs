//! A name for the content of a configuration.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::{Result, WorkbenchError};

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
