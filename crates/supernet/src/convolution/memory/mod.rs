//! What a step needs of memory, from the plan alone: what operations keep for their gradients
//! (`kernels::autodiff`), which is nearly all of it, and the weights with their optimiser.
//!
//! A block of convolutions keeps what it reads and its normalised output; other convolutions keep their input,
//! normalisation its output, a ReLU its output, a sum nothing. Where convolutions compute in 16 bits, blocks
//! are composed of these. Peaks of the CPU's backend in searches are met within a tenth (`results/scale`,
//! `results/step.md`), those of trainings within a fifth.

mod fit;
mod search;

pub use fit::FitStep;
pub(crate) use fit::derived_cell_bytes;
pub use search::SearchStep;
pub(crate) use search::{Half, probabilities_on};

use super::candidate::OperationForm;
use super::count::{Sides, strided};
use super::{CellPlan, LayerKind, Operation, Stride};
use crate::architecture::OperationSet;
use crate::kernels::images_per_task;

/// Bytes of a number in normalisation, and of a weight.
pub(crate) const FULL: f64 = 4.0;

/// The sizes that a pass has throughout.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) batch: usize,
    /// Bytes of a number that convolutions compute with.
    pub(crate) value: f64,
    pub(crate) form: OperationForm,
}

impl Pass {
    /// Numbers of a tensor.
    pub(crate) fn numbers(self, channels: usize, [height, width]: Sides) -> f64 {
        self.batch as f64 * channels as f64 * height as f64 * width as f64
    }

    /// Whether an operation is made of blocks, each of which is one operation.
    fn is_blocks(self, op: Operation, stride: Stride) -> bool {
        let layers = op.layers(1, stride);
        let mut depthwise = layers.iter().map(|layer| layer.kind);
        self.value == FULL && depthwise.any(|kind| matches!(kind, LayerKind::Depthwise(_)))
    }

    /// Whether an operation reads a node that was rectified before.
    fn reads_rectified(self, op: Operation, stride: Stride) -> bool {
        !op.layers(1, stride).is_empty() && !self.is_blocks(op, stride)
    }

    /// Bytes that an operation keeps for each number of its output.
    fn kept(self, op: Operation, stride: Stride) -> f64 {
        let layers = op.layers(1, stride);
        if layers.is_empty() {
            let normalised = self.form == OperationForm::Searched && !is_free(op, stride);
            return if normalised { FULL } else { 0.0 };
        }
        let normalised = layers.iter().filter(|layer| layer.normalized > 0).count();
        // What a layer reads, but for the first, which reads the node; a stage rectifies what it reads.
        let mut computed = match self.is_blocks(op, stride) {
            true => 0,
            false => layers.len() - 1,
        };
        if layers[0].kind == LayerKind::Pointwise {
            computed += halves_read(stride);
        }
        normalised as f64 * FULL + computed as f64 * self.value
    }

    /// Bytes that the inner product of an operation's output with its node's gradient keeps for each
    /// number of it.
    fn term(self, op: Operation, stride: Stride) -> f64 {
        if is_free(op, stride) { 0.0 } else { FULL }
    }

    /// What the preprocessing of an input keeps, and the input node that it makes, which has the sides of
    /// the previous cell. What a cell puts out is counted where the next one reads it.
    fn input(self, Placed { plan, sides, .. }: &Placed<'_>, index: usize) -> f64 {
        let channels = [plan.channels_prev_prev, plan.channels_prev][index];
        let node = self.numbers(plan.channels, sides[1]);
        let halves = match index {
            0 => halves_read(plan.prev_spacing.stride),
            _ => 0,
        };
        let reduced = halves as f64 * self.numbers(channels, sides[1]);
        let block = self.value == FULL;
        let read = match index {
            0 if block && halves == 0 => 0.0,
            _ => self.numbers(channels, sides[index]),
        };
        let rectified = if block { 0.0 } else { node };
        node * FULL + (read + reduced + rectified) * self.value
    }
}

/// Whether an operation hands on what it is given, or nothing.
fn is_free(op: Operation, stride: Stride) -> bool {
    Some(op) == Operation::NONE || op.is_identity(stride)
}

/// Numbers that a factorised reduction keeps of what it reads, for each of its output: two halves of the
/// channels, each of every second pixel of all, or a shifted copy beside the one that it was given.
fn halves_read(stride: Stride) -> usize {
    match stride {
        Stride::One => 0,
        Stride::Two => 2,
        Stride::Dilated => 1,
    }
}

/// A cell where it lies in the network.
pub(crate) struct Placed<'a> {
    pub(crate) plan: &'a CellPlan,
    /// Of what comes in: of the cell before the previous one, and of the previous one.
    pub(crate) sides: [Sides; 2],
    pub(crate) output: Sides,
}

/// The cells in order; `sides` are those of what the stem leaves.
pub(crate) fn placed(plan: &[CellPlan], mut sides: [Sides; 2]) -> Vec<Placed<'_>> {
    let mut cells = Vec::new();
    for plan in plan {
        let output = strided(sides[1], plan.spacing.stride.factor());
        cells.push(Placed {
            plan,
            sides,
            output,
        });
        sides = [sides[1], output];
    }
    cells
}

/// What the gradient of the largest weight takes in passing: a matrix for each task.
pub(crate) fn weight_gradient_bytes(pass: Pass, cells: &[Placed<'_>]) -> f64 {
    let matrices = cells.iter().map(|Placed { plan, sides, .. }| {
        let inputs = plan.channels_prev_prev.max(plan.channels_prev);
        let images = images_per_task(pass.batch, sides[1].iter().product());
        pass.batch.div_ceil(images) * inputs * plan.channels
    });
    matrices.max().unwrap_or(0) as f64 * FULL
}
