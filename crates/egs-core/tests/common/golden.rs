//! Files of recorded values. The environment may name another file of the same form.

use egs_core::{Activation, EgsConfig};
use serde::{Deserialize, de::DeserializeOwned};

/// One recorded call of the published estimator.
#[derive(Debug, Deserialize)]
pub struct PublishedCase {
    pub activation: Activation,
    pub rows: usize,
    pub ops: usize,
    pub draws: usize,
    pub temperature: f64,
    pub alpha: Vec<Vec<f32>>,
    pub gumbel: Vec<Vec<Vec<f32>>>,
    pub upstream: Vec<Vec<f32>>,
    pub code: Vec<Vec<f32>>,
    pub grad_alpha_code: Vec<Vec<f32>>,
    pub weights: Vec<Vec<f32>>,
    pub grad_alpha_weights: Vec<Vec<f32>>,
}

impl PublishedCase {
    pub fn config(&self) -> EgsConfig {
        EgsConfig::new(self.draws)
            .with_temperature(self.temperature)
            .with_activation(self.activation)
    }
}

/// One recorded answer of the authors' deriving script.
#[derive(Debug, Deserialize)]
pub struct LawCase {
    pub probability: Vec<f64>,
    pub draws: usize,
    pub most_probable_code: Vec<usize>,
    pub prob_of_top_i: Vec<f64>,
}

/// Cases of `EGS_GOLDEN`, or of the file in the repository.
pub fn published() -> Vec<PublishedCase> {
    read("EGS_GOLDEN", "egs_published.json")
}

/// Cases of `EGS_CODE_LAW`, or of the file in the repository.
pub fn law() -> Vec<LawCase> {
    read("EGS_CODE_LAW", "code_probability.json")
}

fn read<T: DeserializeOwned>(variable: &str, name: &str) -> Vec<T> {
    let default = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let path = std::env::var(variable).unwrap_or(default);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let cases: Vec<T> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(!cases.is_empty(), "{path} has no case");
    cases
}
