use super::super::SecondScoring;
use serde_json::{Value, json};

use super::*;
use crate::record::Direction;

fn running(child: f64, gap: f64) -> Option<SecondScore> {
    Some(SecondScore {
        scoring: SecondScoring::Running,
        child,
        gap,
    })
}

fn epoch() -> SearchEpoch {
    let cell = |name: &str, entropy| CellRecord {
        name: name.into(),
        entropy,
        probabilities: vec![vec![0.25, 0.75], vec![0.1, 0.9]],
    };
    SearchEpoch {
        epoch: 3,
        temperature: 4.5,
        learning_rate: 0.024,
        metric: Metric::ERROR,
        train: Score {
            loss: 1.1,
            value: 30.5,
        },
        architecture_loss: None,
        supernet: Score {
            loss: 1.2,
            value: 31.5,
        },
        child: Score {
            loss: 1.3,
            value: 32.75,
        },
        gap: 1.25,
        second: running(33.0, 1.5),
        cells: vec![cell("normal", 0.5), cell("reduce", 0.6)],
        genotype: "normal: skip_connect@0".into(),
        timing: SearchTiming {
            search_seconds: 2.0,
            validation_seconds: 1.0,
            examples_per_second: 1_000.0,
        },
    }
}

/// A line as it was written before records named their metric and cells.
const EARLIER_LINE: &str = r#"{"epoch":3,"temperature":4.5,"learning_rate":0.024,"train_loss":1.1,"train_error":30.5,"architecture_loss":null,"supernet_loss":1.2,"supernet_error":31.5,"child_loss":1.3,"child_error":32.75,"gap":1.25,"child_error_running":33.0,"gap_running":1.5,"entropy_normal":0.5,"entropy_reduce":0.6,"genotype":"normal: skip_connect@0","normal":[[0.25,0.75],[0.1,0.9]],"reduce":[[0.25,0.75],[0.1,0.9]],"timing":{"search_seconds":2.0,"validation_seconds":1.0,"images_per_second":1000.0}}"#;

#[test]
fn a_record_of_images_has_the_fields_that_it_always_had_in_their_order() {
    let line = serde_json::to_string(&epoch()).unwrap();
    let added =
        r#""metric":{"name":"error","unit":"%","direction":"lower"},"cells":["normal","reduce"],"#;
    assert_eq!(line.replace(added, ""), EARLIER_LINE);
    assert_ne!(line, EARLIER_LINE);
    assert_eq!(serde_json::from_str::<SearchEpoch>(&line).unwrap(), epoch());
}

#[test]
fn a_record_of_an_earlier_version_is_read() {
    assert_eq!(
        serde_json::from_str::<SearchEpoch>(EARLIER_LINE).unwrap(),
        epoch()
    );
}

/// With a metric and a cell of another task, scored without normalisation.
fn language() -> SearchEpoch {
    let mut record = epoch();
    record.metric = Metric {
        name: "perplexity".into(),
        unit: "".into(),
        direction: Direction::Lower,
    };
    record.cells.truncate(1);
    record.cells[0].name = "cell".into();
    record.architecture_loss = Some(5.5);
    record.second = Some(SecondScore {
        scoring: SecondScoring::Unnormalised,
        child: 40.0,
        gap: 8.5,
    });
    record
}

#[test]
fn a_child_without_a_second_score_has_none_when_it_is_read() {
    let record = SearchEpoch {
        second: None,
        ..language()
    };
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("unnormalised"), "{text}");
    assert_eq!(serde_json::from_str::<SearchEpoch>(&text).unwrap(), record);
}

#[test]
fn another_metric_and_other_cells_name_the_fields() {
    let value = serde_json::to_value(language()).unwrap();
    assert_eq!(value["supernet_perplexity"], 31.5);
    assert_eq!(value["child_perplexity"], 32.75);
    assert_eq!(value["child_perplexity_unnormalised"], 40.0);
    assert_eq!(value["gap_unnormalised"], 8.5);
    assert_eq!(value["entropy_cell"], 0.5);
    assert_eq!(value["cell"], json!([[0.25, 0.75], [0.1, 0.9]]));
    for absent in ["supernet_error", "normal", "gap_running"] {
        assert!(value.get(absent).is_none(), "{absent}");
    }
    assert_eq!(
        serde_json::from_value::<SearchEpoch>(value).unwrap(),
        language()
    );
}

#[test]
fn floats_come_back_to_the_last_bit() {
    let mut record = epoch();
    record.train.loss = 0.1 + 0.2;
    record.cells[1].probabilities[0][0] = 1.0 / 3.0;
    record.gap = f64::MIN_POSITIVE;
    let line = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<SearchEpoch>(&line).unwrap(), record);
}

#[test]
fn a_cell_with_the_name_of_another_field_is_refused() {
    let mut record = epoch();
    record.cells[0].name = "genotype".into();
    let message = serde_json::to_string(&record).unwrap_err().to_string();
    assert!(message.contains("called `genotype`"), "{message}");
}

#[test]
fn every_figure_is_among_those_that_must_be_finite() {
    let infinite = |change: fn(&mut SearchEpoch)| {
        let mut record = epoch();
        record.architecture_loss = Some(1.0);
        change(&mut record);
        let figures = record.figures().into_iter();
        let mut figures = figures.filter(|(_, value)| !value.is_finite());
        let name = figures.next().map(|(name, _)| name);
        assert!(figures.next().is_none());
        name
    };
    assert_eq!(infinite(|_| {}), None);
    for (change, expected) in [
        (
            (|r| r.train.loss = f64::NAN) as fn(&mut SearchEpoch),
            "training loss",
        ),
        (|r| r.child.value = f64::NAN, "child's validation score"),
        (
            |r| r.supernet.loss = f64::INFINITY,
            "supernet's validation loss",
        ),
        (
            |r| r.architecture_loss = Some(f64::NAN),
            "loss of the architecture step",
        ),
        (
            |r| r.second = running(33.0, f64::NAN),
            "gap of the child's second score",
        ),
        (|r| r.cells[1].entropy = f64::NAN, "entropy of a cell"),
        (
            |r| r.cells[0].probabilities[1][0] = f64::NAN,
            "probability of an operation",
        ),
    ] {
        assert_eq!(infinite(change), Some(expected));
    }
}

fn outcome() -> SearchOutcome {
    SearchOutcome {
        name: "digits".into(),
        task: "image".into(),
        method: "egs".into(),
        data: "digits".into(),
        seed: 2,
        backend: "flex (Cpu)".into(),
        processor: None,
        epochs: 3,
        temperature: Some(Schedule::Linear { from: 5.0, to: 1.0 }),
        metric: Metric::ERROR,
        supernet_weights: 1_234,
        child_weights: 567,
        child_cost: None,
        supernet: 12.5,
        child: 11.0,
        gap: -1.5,
        second: running(13.0, 0.5),
        child_test: 10.25,
        genotype: "normal: skip_connect@0".into(),
        seconds: 60.0,
    }
}

/// The end as it was written before results named task, temperature and metric.
fn earlier_outcome() -> Value {
    json!({
        "name": "digits", "method": "egs", "data": "digits", "seed": 2, "backend": "flex (Cpu)",
        "epochs": 3, "supernet_weights": 1234, "child_weights": 567, "supernet_error": 12.5,
        "child_error": 11.0, "gap": -1.5, "child_error_running": 13.0, "gap_running": 0.5,
        "child_test_error": 10.25, "genotype": "normal: skip_connect@0", "seconds": 60.0,
    })
}

#[test]
fn an_outcome_of_images_has_the_fields_that_it_always_had() {
    let mut value = serde_json::to_value(outcome()).unwrap();
    assert_eq!(
        serde_json::from_value::<SearchOutcome>(value.clone()).unwrap(),
        outcome()
    );
    let fields = value.as_object_mut().unwrap();
    for added in ["task", "temperature", "metric"] {
        fields.remove(added).unwrap();
    }
    assert_eq!(value, earlier_outcome());
}

#[test]
fn a_budget_and_a_processor_come_back() {
    let outcome = SearchOutcome {
        processor: Some("one, AVX2".into()),
        child_cost: Some(ChildCost {
            of: "multiply-adds".into(),
            child: 1_234.0,
            budget: 2_000.5,
        }),
        ..outcome()
    };
    let value = serde_json::to_value(&outcome).unwrap();
    assert_eq!(value["child_cost"]["budget"], 2_000.5);
    assert_eq!(value["processor"], "one, AVX2");
    assert_eq!(
        serde_json::from_value::<SearchOutcome>(value).unwrap(),
        outcome
    );
}

#[test]
fn an_outcome_is_read_from_a_file_of_this_or_an_earlier_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    std::fs::write(&path, earlier_outcome().to_string()).unwrap();
    let earlier = SearchOutcome {
        temperature: None,
        ..outcome()
    };
    assert_eq!(SearchOutcome::read(&path).unwrap(), earlier);
    let mut lacking = earlier_outcome();
    lacking.as_object_mut().unwrap().remove("child_error");
    for (text, expected) in [
        (lacking.to_string(), "missing field `child_error`"),
        ("{\"epochs\"".into(), "EOF"),
    ] {
        std::fs::write(&path, text).unwrap();
        let message = SearchOutcome::read(&path).unwrap_err().to_string();
        let named = message.starts_with("result `") && message.contains("result.json`: ");
        assert!(named && message.contains(expected), "{message}");
    }
}
