//! Files that PyTorch wrote (`torch/checkpoints.py`): what is read from them is what PyTorch reads, to
//! the last bit. What cannot be read is refused by name, and so is every damaged file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use supernet::StateDict;
use train::{TrainError, read_weights, read_weights_under};

#[derive(Deserialize)]
struct Answers {
    states: BTreeMap<String, BTreeMap<String, Answer>>,
    files: Vec<Case>,
}

/// A tensor whose values are the bit patterns of f32.
#[derive(Deserialize)]
struct Answer {
    shape: Vec<usize>,
    bits: Vec<i32>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    key: Option<String>,
    state: Option<String>,
    #[serde(default)]
    refusal: Vec<String>,
}

impl Case {
    fn read(&self, path: &Path) -> Result<StateDict, TrainError> {
        match &self.key {
            Some(key) => read_weights_under(path, key),
            None => read_weights(path),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch/checkpoints")
}

fn answers() -> Answers {
    let text = std::fs::read_to_string(folder().join("answers.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn assert_same(found: &StateDict, expected: &BTreeMap<String, Answer>, file: &str) {
    let names = |state: Vec<&String>| state.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(found.keys().collect()),
        names(expected.keys().collect()),
        "{file}"
    );
    for (name, expected) in expected {
        let found = &found[name];
        assert_eq!(found.shape, expected.shape, "{file}: {name}");
        assert_eq!(found.values.len(), expected.bits.len(), "{file}: {name}");
        for (value, bits) in found.values.iter().zip(&expected.bits) {
            assert_eq!(value.to_bits(), bits.cast_unsigned(), "{file}: {name}");
        }
    }
}

#[test]
fn files_of_every_form_have_pytorchs_values() {
    let answers = answers();
    let cases = answers.files.iter();
    let read: Vec<&Case> = cases.filter(|case| case.state.is_some()).collect();
    assert!(read.len() >= 30, "{}", read.len());
    for case in read {
        let state = case.read(&folder().join(&case.file)).unwrap();
        assert_same(
            &state,
            &answers.states[case.state.as_ref().unwrap()],
            &case.file,
        );
    }
}

#[test]
fn what_is_not_read_is_named() {
    let answers = answers();
    let cases = answers.files.iter();
    let refused: Vec<&Case> = cases.filter(|case| case.state.is_none()).collect();
    assert!(refused.len() > 18, "{}", refused.len());
    for case in refused {
        let error = case.read(&folder().join(&case.file)).unwrap_err();
        let message = error.to_string();
        for part in [&case.file].into_iter().chain(&case.refusal) {
            assert!(message.contains(part.as_str()), "{message}\nlacks {part}");
        }
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn a_file_cut_short_at_any_byte_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let forms = [
        "strided.pt",
        "deflated.pt",
        "zip64.pt",
        "legacy_strided.pth",
        "floats.safetensors",
    ];
    for file in forms {
        let path = temporary.path().join(file);
        let whole = std::fs::copy(folder().join(file), &path).unwrap();
        let cut = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        for length in (0..whole).rev() {
            cut.set_len(length).unwrap();
            let message = read_weights(&path).unwrap_err().to_string();
            let named = message.contains(file) && message.contains("is cut short or");
            assert!(named && !message.contains('\n'), "{length}: {message}");
        }
    }
}
