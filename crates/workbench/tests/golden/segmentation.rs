//! Recorded values of published segmentation code: loss, overlap, learning rate. The environment may name
//! another file of the same form (`SEGMENTATION_GOLDEN`).

use std::fs;

use burn::tensor::{Int, Tensor, TensorData};
use burn_flex::Flex;
use serde_json::Value;
use workbench::optim::Schedule;
use workbench::problem::Confusion;
use workbench::scenes::{pixel_counts, pixel_cross_entropy};

use crate::values::{Train, cases, shape};

fn golden() -> Value {
    let default = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../supernet/tests/golden/segmentation.json"
    );
    let path = std::env::var("SEGMENTATION_GOLDEN").unwrap_or(default.into());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All numbers of a nested list, row by row; none for `null`.
fn flat(value: &Value) -> Vec<Option<f64>> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        single => vec![single.as_f64()],
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    flat(value).into_iter().map(Option::unwrap).collect()
}

fn tensor<const D: usize>(value: &Value) -> Tensor<Train, D> {
    let numbers: Vec<f32> = numbers(value)
        .into_iter()
        .map(|value| value as f32)
        .collect();
    Tensor::from_data(
        TensorData::new(numbers, shape::<D>(value)),
        &Default::default(),
    )
}

fn classes<const D: usize>(value: &Value) -> Tensor<Flex, D, Int> {
    let numbers: Vec<i32> = numbers(value)
        .into_iter()
        .map(|value| value as i32)
        .collect();
    Tensor::from_data(
        TensorData::new(numbers, shape::<D>(value)),
        &Default::default(),
    )
}

#[track_caller]
fn assert_close(name: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let distance = (found - expected).abs();
        assert!(
            distance <= 2e-5 * largest,
            "{name}: {found}, not {expected}"
        );
    }
}

/// `[to, from]`: what linear interpolation between pixel centres makes of a line.
fn interpolation(from: usize, to: usize) -> Tensor<Train, 2> {
    let mut matrix = vec![0.0_f32; to * from];
    for at in 0..to {
        let source = ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let below = (source as usize).min(from - 1);
        let above = (below + 1).min(from - 1);
        let share = source - below as f64;
        matrix[at * from + below] += (1.0 - share) as f32;
        matrix[at * from + above] += share as f32;
    }
    Tensor::from_data(TensorData::new(matrix, [to, from]), &Default::default())
}

fn upsampled(logits: Tensor<Train, 4>, sides: &Value) -> Tensor<Train, 4> {
    let Some([height, width]) = sides
        .as_array()
        .map(|_| [0, 1].map(|at| sides[at].as_u64().unwrap() as usize))
    else {
        return logits;
    };
    let [_, _, rows, columns] = logits.dims();
    let by_rows = interpolation(rows, height).unsqueeze();
    let by_columns = interpolation(columns, width).transpose().unsqueeze();
    by_rows.matmul(logits).matmul(by_columns)
}

#[test]
fn cross_entropy() {
    for case in cases(&golden()["cross_entropy"]) {
        let name = case["name"].as_str().unwrap();
        let logits: Tensor<Train, 4> = tensor(&case["logits"]).require_grad();
        let masks = Tensor::from_inner(classes::<3>(&case["target"]));
        let loss = pixel_cross_entropy(
            upsampled(logits.clone(), &case["upsampled_to"]),
            masks,
            None,
        );
        let gradient = logits.grad(&loss.backward()).unwrap().into_data();
        // PyTorch's mean over nothing is no number.
        let (value, grad) = match case["torch_loss"].as_f64() {
            Some(value) => (value, &case["torch_grad"]),
            None => (case["sane_loss"].as_f64().unwrap(), &case["sane_grad"]),
        };
        assert_close(name, &[loss.into_scalar().into()], &[value]);
        assert_close(
            name,
            &gradient.iter::<f64>().collect::<Vec<_>>(),
            &numbers(grad),
        );
    }
}

fn percent(value: &Value) -> Option<f64> {
    value.as_f64().map(|share| 100.0 * share)
}

#[track_caller]
fn assert_share(name: &str, found: Option<f64>, expected: Option<f64>) {
    assert_eq!(found.is_some(), expected.is_some(), "{name}");
    let distance = (found.unwrap_or_default() - expected.unwrap_or_default()).abs();
    assert!(distance < 1e-6, "{name}: {found:?}, not {expected:?}");
}

#[test]
fn miou() {
    for case in cases(&golden()["miou"]) {
        let name = case["name"].as_str().unwrap();
        let count = case["classes"].as_u64().unwrap() as usize;
        let counts = pixel_counts(
            classes(&case["predictions"]),
            classes(&case["targets"]),
            count,
        );
        let counts: Vec<f64> = counts.into_data().iter::<f64>().collect();
        assert_eq!(counts, numbers(&case["confusion"]), "{name}");
        let mut confusion = Confusion::new((0..count).map(|class| class.to_string()).collect());
        for (at, times) in counts.into_iter().enumerate() {
            confusion.count_many(at / count, at % count, times as u64);
        }
        for class in 0..count {
            assert_share(name, confusion.iou(class), percent(&case["iou"][class]));
            let right = confusion.error(class).map(|error| 100.0 - error);
            assert_share(name, right, percent(&case["class_accuracy"][class]));
        }
        assert_share(name, confusion.mean_iou(), percent(&case["miou"]));
        assert_share(name, confusion.accuracy(), percent(&case["pixel_accuracy"]));
    }
}

#[test]
fn poly() {
    for case in cases(&golden()["poly"]) {
        let number = |name: &str| case[name].as_f64().unwrap();
        let count = |name: &str| case[name].as_u64().unwrap() as usize;
        let schedule = Schedule::Poly {
            from: number("base"),
            power: number("power"),
            floor: number("min_lr"),
        };
        for pair in cases(&case["iteration_lr"]) {
            let step = pair[0].as_u64().unwrap() as usize;
            let rate =
                schedule.value_after_warm_up(step, count("warmup_iterations"), count("total"));
            let expected = pair[1].as_f64().unwrap();
            assert!(
                (rate - expected).abs() < 1e-9,
                "step {step}: {rate}, not {expected}"
            );
        }
    }
}
