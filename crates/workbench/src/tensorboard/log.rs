//! What of a run's records are points of curves: numbers, whatever the task has.

use serde_json::{Map, Value};

/// Fields of a record that are no curve.
const NO_CURVES: [&str; 2] = ["epoch", "metric"];
/// Fields whose name ends in the seconds that something took.
const SECONDS: &str = "seconds";

/// Curves of a record, by name.
pub(super) fn points(record: &Value) -> Vec<(String, f64)> {
    let empty = Map::new();
    let metric = metric(record);
    let fields = record.as_object().unwrap_or(&empty).iter();
    let fields = fields.filter(|(name, _)| !NO_CURVES.contains(&name.as_str()));
    let mut points = Vec::new();
    for (name, value) in fields {
        match value {
            Value::Object(parts) => {
                let parts = parts.iter();
                points.extend(
                    parts.filter_map(|(part, value)| {
                        Some((format!("{name}/{part}"), value.as_f64()?))
                    }),
                );
            }
            value => points.extend(value.as_f64().map(|value| (tag(name, &metric), value))),
        }
    }
    points
}

/// Test scores of a result: name, step and value.
pub(super) fn test_scores(
    result: &Value,
    epochs: usize,
) -> impl Iterator<Item = (String, i64, f64)> {
    let metric = metric(result);
    let step = result["result_epoch"].as_i64().unwrap_or(epochs as i64);
    let fields = result.as_object().cloned().unwrap_or_default();
    let tests = fields
        .into_iter()
        .filter(|(name, _)| name.contains("test_"));
    tests.filter_map(move |(name, value)| Some((tag(&name, &metric), step, value.as_f64()?)))
}

/// Seconds that an epoch took: those of its parts, where it has parts.
pub(super) fn seconds(record: &Value) -> f64 {
    let of = |fields: &Value| {
        let empty = Map::new();
        let fields = fields.as_object().unwrap_or(&empty).iter();
        let named = fields.filter(|(name, _)| name.ends_with(SECONDS));
        named.filter_map(|(_, value)| value.as_f64()).sum::<f64>()
    };
    of(record) + of(&record["timing"])
}

/// The name of what networks are judged by; records of an earlier version are of errors.
fn metric(record: &Value) -> String {
    record["metric"]["name"].as_str().unwrap_or("error").into()
}

/// `train_loss` is `loss/train`, and `entropy_normal` is `entropy/normal`.
fn tag(field: &str, metric: &str) -> String {
    for kind in ["loss", metric] {
        let owner = field
            .strip_suffix(kind)
            .and_then(|rest| rest.strip_suffix('_'));
        if let Some(owner) = owner {
            return format!("{kind}/{owner}");
        }
    }
    match field.strip_prefix("entropy_") {
        Some(cell) => format!("entropy/{cell}"),
        None => field.into(),
    }
}
