use serde::{Deserialize, Serialize};

/// What a benchmark says of one step, as a line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepAnswer {
    /// How long it took.
    pub seconds: f64,
    /// The most resident memory so far in MiB, where the system tells.
    pub peak_mib: Option<f64>,
    /// The loss, to be looked at.
    pub loss: Option<f32>,
    /// Operation, direction, calls and seconds; empty where they are not measured.
    #[serde(default)]
    pub profile: Vec<(String, String, usize, f64)>,
}
