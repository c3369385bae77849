use serde_json::{Value, json};

use super::*;
use crate::record::Direction;

fn epoch() -> FitEpoch {
    FitEpoch {
        epoch: 2,
        learning_rate: 0.025,
        metric: Metric::ERROR,
        train: Score {
            loss: 0.5,
            value: 12.5,
        },
        validation: None,
        seconds: 3.5,
        extra: BTreeMap::from([("drop_path".into(), 0.2)]),
    }
}

/// A line as it was written before records named their metric.
const EARLIER_LINE: &str = r#"{"epoch":2,"learning_rate":0.025,"drop_path":0.2,"train_loss":0.5,"train_error":12.5,"validation_loss":null,"validation_error":null,"seconds":3.5}"#;

#[test]
fn a_record_of_images_has_the_fields_that_it_always_had_in_their_order() {
    let line = serde_json::to_string(&epoch()).unwrap();
    let added = r#""metric":{"name":"error","unit":"%","direction":"lower"},"#;
    assert_eq!(line.replace(added, ""), EARLIER_LINE);
    for line in [line.as_str(), EARLIER_LINE] {
        assert_eq!(serde_json::from_str::<FitEpoch>(line).unwrap(), epoch());
    }
}

#[test]
fn another_metric_names_the_fields() {
    let record = FitEpoch {
        metric: Metric {
            name: "miou".into(),
            unit: "%".into(),
            direction: Direction::Higher,
        },
        validation: Some(Score {
            loss: 0.75,
            value: 61.0,
        }),
        extra: BTreeMap::new(),
        ..epoch()
    };
    let value = serde_json::to_value(&record).unwrap();
    assert_eq!(
        (&value["train_miou"], &value["validation_miou"]),
        (&json!(12.5), &json!(61.0))
    );
    assert!(value.get("train_error").is_none() && value.get("drop_path").is_none());
    assert_eq!(serde_json::from_value::<FitEpoch>(value).unwrap(), record);
}

#[test]
fn a_further_field_is_a_number_of_a_name_of_its_own() {
    let line = EARLIER_LINE.replace("0.2", "\"much\"");
    let message = serde_json::from_str::<FitEpoch>(&line).unwrap_err();
    assert!(message.to_string().contains("`drop_path` is \"much\""));
    let mut record = epoch();
    record.extra.insert("train_loss".into(), 1.0);
    let message = serde_json::to_string(&record).unwrap_err().to_string();
    assert!(message.contains("called `train_loss`"), "{message}");
}

#[test]
fn every_figure_is_among_those_that_must_be_finite() {
    let mut record = epoch();
    assert!(record.figures().iter().all(|(_, value)| value.is_finite()));
    record.extra.insert("other".into(), f64::NAN);
    record.validation = Some(Score {
        loss: f64::INFINITY,
        value: 3.0,
    });
    let figures = record.figures().into_iter();
    let wrong: Vec<_> = figures
        .filter(|(_, value)| !value.is_finite())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(wrong, ["validation loss", "figure of the task"]);
}

fn outcome() -> FitOutcome {
    FitOutcome {
        name: "fit-digits".into(),
        task: "image".into(),
        data: "digits".into(),
        seed: 1,
        backend: "flex (Cpu)".into(),
        processor: None,
        epochs: 20,
        result_epoch: 18,
        metric: Metric::ERROR,
        weights: 12_345,
        multiply_adds: Some(529_900_000),
        test: Score {
            loss: 0.125,
            value: 2.5,
        },
        published: None,
        by_class: None,
        genotype: "normal: skip_connect@0".into(),
        seconds: 61.5,
    }
}

/// The end as it was written before results named task and metric.
fn earlier_outcome() -> Value {
    json!({
        "name": "fit-digits", "data": "digits", "seed": 1, "backend": "flex (Cpu)", "epochs": 20,
        "result_epoch": 18, "weights": 12345, "multiply_adds": 529900000, "test_loss": 0.125,
        "test_error": 2.5, "genotype": "normal: skip_connect@0", "seconds": 61.5,
    })
}

#[test]
fn an_outcome_of_images_has_the_fields_that_it_always_had() {
    let mut value = serde_json::to_value(outcome()).unwrap();
    let fields = value.as_object_mut().unwrap();
    for added in ["task", "metric"] {
        fields.remove(added).unwrap();
    }
    assert_eq!(value, earlier_outcome());
}

#[test]
fn an_outcome_is_read_from_a_file_of_this_or_an_earlier_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    for text in [
        earlier_outcome().to_string(),
        serde_json::to_string_pretty(&outcome()).unwrap(),
    ] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(FitOutcome::read(&path).unwrap(), outcome());
    }
    std::fs::write(&path, "{}").unwrap();
    let message = FitOutcome::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("result.json`: missing field `name`"),
        "{message}"
    );
    let published = FitOutcome {
        published: Some(2.25),
        ..outcome()
    };
    let value = serde_json::to_value(&published).unwrap();
    assert_eq!(value["published_test_error"], 2.25);
    assert_eq!(
        serde_json::from_value::<FitOutcome>(value).unwrap(),
        published
    );
    let by_class = FitOutcome {
        by_class: Some(ByClass {
            values: BTreeMap::from([("cat".into(), Some(2.5)), ("dog".into(), None)]),
            confusion: BTreeMap::from([("cat".into(), BTreeMap::from([("dog".into(), 1)]))]),
        }),
        ..outcome()
    };
    let value = serde_json::to_value(&by_class).unwrap();
    assert_eq!(value["test_error_by_class"]["cat"], 2.5);
    assert_eq!(value["confusion"]["cat"]["dog"], 1);
    assert_eq!(
        serde_json::from_value::<FitOutcome>(value).unwrap(),
        by_class
    );
    let uncounted = FitOutcome {
        multiply_adds: None,
        processor: Some("one, AVX2".into()),
        ..outcome()
    };
    let text = serde_json::to_string(&uncounted).unwrap();
    assert_eq!(
        serde_json::from_str::<FitOutcome>(&text).unwrap(),
        uncounted
    );
}
