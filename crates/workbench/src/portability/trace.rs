//! What a backend made of a workload.

use serde::{Deserialize, Serialize};

use crate::record::Metric;

/// What one backend made of the workload, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Backend and device for a person, such as `vulkan (llvmpipe)`.
    pub label: String,
    /// What it ran on, by name: adapter, driver, processor.
    pub hardware: Vec<(String, String)>,
    /// Bits of the first step's noise; none where nothing is sampled.
    pub noise: Option<Vec<u32>>,
    /// What the losses are of.
    pub metric: Metric,
    /// Every step.
    pub steps: Vec<TracedStep>,
    /// Gradients of some steps.
    pub gradients: Vec<TracedGradient>,
    /// The architecture after the last step; none where there is none to find.
    pub genotype: Option<String>,
    /// How long it took.
    pub timing: TraceTiming,
    /// What it held.
    pub memory: TraceMemory,
}

/// A step of the workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedStep {
    /// Loss of the weights.
    pub loss: f64,
    /// Loss of the architecture, where the step has one.
    pub architecture_loss: Option<f64>,
    /// What was chosen at random in this step, in the order in which it was.
    pub choices: Vec<TracedChoice>,
}

/// A choice that noise and numbers made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedChoice {
    /// What was chosen, such as `logits, normal, edge 3`.
    pub what: String,
    /// What came of it, 0 or 1 for each alternative.
    pub code: String,
    /// The logits that it was made from.
    pub logits: Vec<f32>,
    /// Smallest distance of the best score from the second best; none where there is one alternative.
    pub margin: Option<f32>,
}

/// Gradients of a step, as they are before clipping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedGradient {
    /// Number of the step, from 1.
    pub step: usize,
    /// What they are of, such as `weights`.
    pub of: String,
    /// Entries of each tensor, evenly taken, in the order of the network's tensors.
    pub values: Vec<f32>,
}

/// Seconds, the device waited for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TraceTiming {
    /// From the start of the process's work to the end of the first step: data, compilation, tuning.
    pub first_step_seconds: f64,
    /// Median of the later steps; none where there is one step.
    pub step_seconds: Option<f64>,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceMemory {
    /// Most main memory that the process held; none where the system does not tell.
    pub process: Option<u64>,
    /// What the process reserved on the device at the end; none where that is main memory.
    pub device: Option<u64>,
}
