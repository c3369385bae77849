//! Watching a workload as it runs.

use std::time::Instant;

use burn::module::{AutodiffModule, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, backend::AutodiffBackend};

use super::{Trace, TraceMemory, TraceTiming, TracedChoice, TracedGradient, TracedStep};
use crate::machine;
use crate::record::Metric;
use crate::statistics::median;

/// Entries of each tensor's gradient that are kept.
const ENTRIES: usize = 16;

/// Collects what becomes a [`Trace`].
#[derive(Debug)]
pub struct Tracer {
    wanted: usize,
    begun: Instant,
    ended: Vec<f64>,
    noise: Option<Vec<u32>>,
    steps: Vec<TracedStep>,
    gradients: Vec<TracedGradient>,
    choices: Vec<TracedChoice>,
}

impl Tracer {
    /// Begins to watch a workload of so many steps.
    pub fn begin(steps: usize) -> Self {
        Self {
            wanted: steps,
            begun: Instant::now(),
            ended: Vec::new(),
            noise: None,
            steps: Vec::new(),
            gradients: Vec::new(),
            choices: Vec::new(),
        }
    }

    /// Keeps the bits of the first noise.
    pub fn noise(&mut self, bits: Vec<u32>) {
        self.noise = Some(bits);
    }

    /// Keeps a choice of the step that runs.
    pub fn choice(&mut self, choice: TracedChoice) {
        self.choices.push(choice);
    }

    /// Keeps gradients of the step that runs, if it is one of those whose gradients are kept: the first, the
    /// middle and the last. `values` is read only then.
    pub fn gradient(&mut self, of: &str, values: impl FnOnce() -> Vec<f32>) {
        let step = self.steps.len() + 1;
        if [1, self.wanted.div_ceil(2), self.wanted].contains(&step) {
            self.gradients.push(TracedGradient {
                step,
                of: of.into(),
                values: values(),
            });
        }
    }

    /// Ends a step with its losses, for which the device was waited for, and says whether all are done.
    pub fn step(&mut self, loss: f64, architecture_loss: Option<f64>) -> bool {
        self.ended.push(self.begun.elapsed().as_secs_f64());
        self.steps.push(TracedStep {
            loss,
            architecture_loss,
            choices: std::mem::take(&mut self.choices),
        });
        self.is_done()
    }

    /// Whether all steps are taken.
    pub fn is_done(&self) -> bool {
        self.steps.len() >= self.wanted
    }

    /// The trace.
    pub fn finish(
        self,
        label: &str,
        hardware: Vec<(String, String)>,
        metric: Metric,
        genotype: Option<String>,
        device_memory: Option<u64>,
    ) -> Trace {
        let later: Vec<f64> = self
            .ended
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect();
        Trace {
            label: label.into(),
            hardware,
            noise: self.noise,
            metric,
            steps: self.steps,
            gradients: self.gradients,
            genotype,
            timing: TraceTiming {
                first_step_seconds: self.ended.first().copied().unwrap_or_default(),
                step_seconds: (!later.is_empty()).then(|| median(&later)),
            },
            memory: TraceMemory {
                process: machine::peak().map(|peak| peak.0),
                device: device_memory,
            },
        }
    }
}

/// At most 16 entries of each tensor's gradient, evenly taken; a tensor without a gradient has none.
pub fn sampled_gradients<B: AutodiffBackend, M: AutodiffModule<B>>(
    gradients: &GradientsParams,
    module: &M,
) -> Vec<f32> {
    struct Entries<'a> {
        gradients: &'a GradientsParams,
        values: Vec<f32>,
    }
    impl<B: AutodiffBackend> ModuleVisitor<B> for Entries<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            let Some(gradient) = self.gradients.get::<B::InnerBackend, D>(param.id) else {
                return;
            };
            let values: Vec<f32> = gradient.into_data().iter().collect();
            let every = values.len().div_ceil(ENTRIES).max(1);
            self.values.extend(values.iter().step_by(every));
        }
    }
    let mut entries = Entries {
        gradients,
        values: Vec::new(),
    };
    module.visit(&mut entries);
    entries.values
}
