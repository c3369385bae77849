//! Checks of numbers that several configurations share; each error names the field.

use crate::{Result, WorkbenchError};

/// # Errors
///
/// When the value is not a finite number above 0.
pub fn positive(field: &'static str, value: f64) -> Result<()> {
    let valid = value.is_finite() && value > 0.0;
    check(valid, field, value, "a positive number")
}

/// # Errors
///
/// When the value is not a finite number of 0 or more.
pub fn not_negative(field: &'static str, value: f64) -> Result<()> {
    let valid = value.is_finite() && value >= 0.0;
    check(valid, field, value, "a number that is not negative")
}

/// # Errors
///
/// When the value is outside of `0.0..1.0`.
pub fn below_one(field: &'static str, value: f64) -> Result<()> {
    let text = "a number from 0 up to but not including 1";
    check((0.0..1.0).contains(&value), field, value, text)
}

/// # Errors
///
/// When the text is empty or blank.
pub fn not_blank(field: &'static str, text: &str) -> Result<()> {
    match text.trim().is_empty() {
        false => Ok(()),
        true => Err(WorkbenchError::field(
            field,
            format!("{text:?}"),
            "a word, such as digits-small",
        )),
    }
}

fn check(holds: bool, field: &'static str, value: f64, valid: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(WorkbenchError::field(field, value, valid))
}
