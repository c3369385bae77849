use serde::{Deserialize, Serialize};

/// What a benchmark is sent to say what the machine can do at the most, instead of taking a step.
pub const LIMITS: &str = "limits";

/// What a benchmark says of one step, as a line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepAnswer<P = Vec<ProfiledOperation>> {
    /// How long it took.
    pub seconds: f64,
    /// The most resident memory so far in MiB, where the system tells.
    pub peak_mib: Option<f64>,
    /// The loss, to be looked at.
    pub loss: Option<f32>,
    /// What it was spent on, in no order; empty where that is not measured.
    #[serde(default)]
    pub profile: P,
}

/// All calls of one kind of operation in a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ProfiledOperation {
    /// Its name.
    pub operation: String,
    /// Forward or backward.
    pub pass: String,
    /// How many calls.
    pub calls: usize,
    /// How long all of them took.
    pub seconds: f64,
    /// Additions and multiplications of all of them, 0 where they are not counted.
    pub flops: f64,
    /// Bytes of the tensors that they read and wrote, each once; 0 where they are not counted.
    pub bytes: f64,
}

/// What a machine can do at the most.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct MachineLimits {
    /// Additions and multiplications a second.
    pub flops: f64,
    /// Bytes read from memory a second.
    pub bytes: f64,
}
