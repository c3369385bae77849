//! Recorded values, and tensors made of them.

use std::fs;

use burn::backend::Autodiff;
use burn::tensor::activation::log_softmax;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use burn_flex::Flex;
use serde_json::Value;
use workbench::text::{Corpus, EvaluationStreams, Sequences, Vary, Vocabulary};

pub(crate) type Train = Autodiff<Flex>;
pub(crate) type Rows<B> = Tensor<B, 2>;

pub(crate) fn golden() -> Value {
    let default = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/language_model.json"
    );
    let path = std::env::var("LANGUAGE_GOLDEN").unwrap_or(default.into());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cases of a list that holds at least one.
pub(crate) fn cases(all: &Value) -> &[Value] {
    let cases = all.as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

pub(crate) fn count(value: &Value) -> usize {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count")) as usize
}

/// All numbers of a nested list, row by row.
pub(crate) fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        single => vec![number(single)],
    }
}

pub(crate) fn counts(value: &Value) -> Vec<u32> {
    flat(value).into_iter().map(|value| value as u32).collect()
}

pub(crate) fn shape<const D: usize>(mut value: &Value) -> [usize; D] {
    std::array::from_fn(|_| {
        let length = value.as_array().unwrap().len();
        value = &value[0];
        length
    })
}

pub(crate) fn tensor<B: Backend, const D: usize>(value: &Value) -> Tensor<B, D> {
    let numbers: Vec<f32> = flat(value).into_iter().map(|value| value as f32).collect();
    Tensor::from_data(
        TensorData::new(numbers, shape::<D>(value)),
        &Default::default(),
    )
}

pub(crate) fn tracked<const D: usize>(value: &Value) -> Tensor<Train, D> {
    tensor(value).require_grad()
}

pub(crate) fn ints<B: Backend>(value: &Value) -> Tensor<B, 2, Int> {
    let numbers: Vec<i32> = flat(value).into_iter().map(|value| value as i32).collect();
    Tensor::from_data(
        TensorData::new(numbers, shape::<2>(value)),
        &Default::default(),
    )
}

/// Log-likelihoods of words that follow `[time, streams]`.
pub(crate) fn likelihoods<B: Backend>(
    logits: Tensor<B, 3>,
    targets: Tensor<B, 2, Int>,
) -> Tensor<B, 2> {
    let chosen = log_softmax(logits, 2).gather(2, targets.unsqueeze_dim(2));
    chosen.squeeze_dim(2)
}

pub(crate) fn values<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Within the tolerance of f32, relative to the largest entry.
pub(crate) fn assert_close(found: &[f64], expected: &Value, what: &str) {
    let expected = flat(expected);
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let off = (found - expected).abs();
        assert!(
            off <= 2e-5 * largest.max(1e-6),
            "{what}, {at}: {found}, not {expected}"
        );
    }
}

pub(crate) fn assert_gradient<const D: usize>(
    of: &Tensor<Train, D>,
    gradients: &<Train as burn::tensor::backend::AutodiffBackend>::Gradients,
    expected: &Value,
    what: &str,
) {
    assert_close(&values(of.grad(gradients).unwrap()), expected, what);
}

/// A corpus of numbers, of which all parts are the same stream.
pub(crate) fn corpus(stream: &[u32], words: usize) -> Corpus {
    let vocabulary: Vocabulary = (0..words).map(|word| word.to_string()).collect();
    let parts = [stream.to_vec(), stream.to_vec(), stream.to_vec()];
    Corpus::new("recorded", vocabulary, parts).unwrap()
}

pub(crate) fn fixed(length: &Value) -> Sequences {
    Sequences {
        length: count(length),
        vary: Vary::Never,
    }
}

pub(crate) fn in_streams(streams: &Value) -> EvaluationStreams {
    EvaluationStreams {
        validation: count(streams),
        test: count(streams),
    }
}

/// Values `[time, streams, units]` under a mask `[streams, units]`.
pub(crate) fn masked<B: Backend>(values: Tensor<B, 3>, mask: Option<&Rows<B>>) -> Tensor<B, 3> {
    match mask {
        Some(mask) => values * mask.clone().unsqueeze_dim(0),
        None => values,
    }
}
