//! Files of recorded values, for every test binary that reads them.
#![allow(dead_code)] // Each binary uses a part of it.

use serde_json::Value;

/// The file that `variable` names, or that of the repository.
pub fn read(variable: &str, name: &str) -> Value {
    let default = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let path = std::env::var(variable).unwrap_or(default);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What belongs to segmentation.
pub fn segmentation() -> Value {
    read("SEGMENTATION_GOLDEN", "segmentation.json")
}

/// Nested lists as they lie in memory, with their sizes.
pub fn array(value: &Value) -> (Vec<f32>, Vec<usize>) {
    let (mut numbers, mut shape) = (Vec::new(), Vec::new());
    let mut level = value;
    while let Some(list) = level.as_array() {
        shape.push(list.len());
        level = &list[0];
    }
    fn flatten(value: &Value, numbers: &mut Vec<f32>) {
        match value.as_array() {
            Some(list) => list.iter().for_each(|value| flatten(value, numbers)),
            None => numbers.push(value.as_f64().unwrap_or(f64::NAN) as f32),
        }
    }
    flatten(value, &mut numbers);
    (numbers, shape)
}

pub fn numbers(value: &Value) -> Vec<f32> {
    array(value).0
}

pub fn size(case: &Value, field: &str) -> usize {
    case[field].as_u64().unwrap_or_else(|| panic!("no {field}")) as usize
}

pub fn list(value: &Value) -> &[Value] {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    assert!(!list.is_empty(), "an empty list");
    list
}

/// Equal to 2e-5 of the largest, or ten times what f32 was measured to be off.
pub fn close(actual: &[f32], expected: &[f32], measured: Option<f64>, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    let tolerance = 10.0 * measured.unwrap_or(0.0) as f32;
    let allowed = tolerance.max(2e-5) * largest;
    for (actual, expected) in actual.iter().zip(expected) {
        let difference = (actual - expected).abs();
        assert!(difference <= allowed, "{what}: {actual} and {expected}");
    }
}
