//! What a step needs of memory, from the plan alone: what operations keep for their gradients
//! (`kernels::autodiff`), which is nearly all of it, and the weights with their optimiser.
//!
//! A convolution keeps its input, normalisation its output, a ReLU its output, a sum nothing. Peaks
//! of the CPU's backend in searches are met within a tenth (`results/scale`, `results/step.md`), those of
//! trainings within a fifth.

use super::candidate::OperationForm;
use super::stem::stem_convolutions;
use super::{
    CellGenotype, CellPlan, Cost, DerivedConfig, Form, LayerKind, Operation, SearchSpace,
    SupernetConfig,
};
use crate::SupernetError;
use crate::architecture::{ArchitectureConfig, Execution, OperationSet, Relaxation, Trained};

/// How an alternating step of a search runs.
#[derive(Debug, Clone, Copy)]
pub struct SearchStep<'a> {
    /// Images of each half of the step.
    pub batch: usize,
    /// How architectures are sampled.
    pub architecture: &'a ArchitectureConfig,
    /// What the supernet runs as.
    pub relaxation: Relaxation,
    /// Which operations run.
    pub execution: Execution,
    /// Whether the logits are trained.
    pub learns: bool,
    /// Whether the graph of one cell is kept at a time.
    pub cellwise: bool,
    /// Copies of the weights: of gradients and optimiser too.
    pub copies: usize,
    /// Bytes of a number that convolutions compute with.
    pub value_bytes: usize,
}

/// How a training step of a derived network runs.
#[derive(Debug, Clone, Copy)]
pub struct FitStep {
    /// Images of a pass.
    pub batch: usize,
    /// Copies of the weights: of gradients, optimiser and averages too.
    pub copies: usize,
    /// Bytes of a number that convolutions compute with.
    pub value_bytes: usize,
}

/// Height and width.
type Sides = [usize; 2];

/// Bytes of a number in normalisation, and of a weight.
const FULL: f64 = 4.0;

/// The sizes that a pass has throughout.
#[derive(Clone, Copy)]
struct Pass {
    batch: usize,
    /// Bytes of a number that convolutions compute with.
    value: f64,
    form: OperationForm,
}

impl Pass {
    /// Numbers of a tensor.
    fn numbers(self, channels: usize, [height, width]: Sides) -> f64 {
        self.batch as f64 * channels as f64 * height as f64 * width as f64
    }

    /// Bytes that an operation keeps for each number of its output.
    fn kept(self, op: Operation, stride: usize) -> f64 {
        let layers = op.layers(1, stride);
        if layers.is_empty() {
            let normalised = self.form == OperationForm::Searched && !is_free(op, stride);
            return if normalised { FULL } else { 0.0 };
        }
        let normalised = layers.iter().filter(|layer| layer.normalized > 0).count();
        // What a layer reads, but for the first, which reads the node; a stage rectifies what it reads.
        let mut computed = layers.len() - 1;
        if stride > 1 && layers[0].kind == LayerKind::Pointwise {
            // Two halves of the channels, each of every second pixel of all.
            computed += 2;
        }
        normalised as f64 * FULL + computed as f64 * self.value
    }

    /// Bytes that the inner product of an operation's output with its node's gradient keeps for each
    /// number of it.
    fn term(self, op: Operation, stride: usize) -> f64 {
        if is_free(op, stride) { 0.0 } else { FULL }
    }

    /// What the preprocessing of an input keeps, and the input node that it makes, which has the sides of
    /// the previous cell.
    fn input(self, Placed { plan, sides, .. }: &Placed<'_>, index: usize) -> f64 {
        let channels = [plan.channels_prev_prev, plan.channels_prev][index];
        let node = self.numbers(plan.channels, sides[1]);
        let reduced = match index == 0 && plan.prev_stride > 1 {
            true => 2.0 * self.numbers(channels, sides[1]),
            false => 0.0,
        };
        let rectified = self.numbers(channels, sides[index]);
        node * FULL + (rectified + reduced + node) * self.value
    }
}

/// Whether an operation hands on what it is given, or nothing.
fn is_free(op: Operation, stride: usize) -> bool {
    Some(op) == Operation::NONE || op.is_identity(stride)
}

fn strided(sides: Sides, stride: usize) -> Sides {
    sides.map(|side| side.div_ceil(stride))
}

/// A cell where it lies in the network.
struct Placed<'a> {
    plan: &'a CellPlan,
    /// Of what comes in: of the cell before the previous one, and of the previous one.
    sides: [Sides; 2],
    output: Sides,
}

/// The cells in order; `sides` are those of what the stem leaves.
fn placed(plan: &[CellPlan], mut sides: [Sides; 2]) -> Vec<Placed<'_>> {
    let mut cells = Vec::new();
    for plan in plan {
        let output = strided(sides[1], plan.stride);
        cells.push(Placed {
            plan,
            sides,
            output,
        });
        sides = [sides[1], output];
    }
    cells
}

/// What the gradient of the largest weight takes in passing: where planes are small and channels many, a
/// matrix for each image.
fn weight_gradient_bytes(pass: Pass, cells: &[Placed<'_>]) -> f64 {
    let largest = cells.iter().map(|Placed { plan, .. }| {
        let inputs = plan.channels_prev_prev.max(plan.channels_prev);
        inputs * plan.channels
    });
    (pass.batch * largest.max().unwrap_or(0)) as f64 * FULL
}

/// One half of an alternating step.
#[derive(Clone, Copy)]
struct Half<'a> {
    pass: Pass,
    space: &'a SearchSpace,
    execution: Execution,
    trained: Trained,
    /// How probable it is that an operation is on, of every edge.
    on: &'a [f64],
}

impl Half<'_> {
    /// Bytes that the operations of an edge keep for each number of the node it leads to. `tracked` says
    /// whether what they read depends on what is trained.
    fn edge(self, edge: usize, stride: usize, tracked: bool) -> f64 {
        let (pass, p) = (self.pass, self.on[edge]);
        let of_op = |&op: &Operation| {
            let term = pass.term(op, stride);
            let full = if tracked { pass.kept(op, stride) } else { term };
            match (self.execution, self.trained) {
                (Execution::Dense, _) => full,
                (Execution::ExactSparse, Trained::Logits) => p * full + (1.0 - p) * term,
                (Execution::ExactSparse | Execution::Sampled, _) => p * full,
            }
        };
        self.space.operations.iter().map(of_op).sum()
    }

    /// What a cell keeps; `tracked` as for [`edge`](Self::edge), of both inputs.
    fn cell(self, cell: &Placed<'_>, tracked: [bool; 2]) -> f64 {
        let (pass, space, plan) = (self.pass, self.space, cell.plan);
        let node = pass.numbers(plan.channels, cell.output);
        let edges = (0..space.nodes).flat_map(|node| 0..space.incoming(node));
        let operations: f64 = edges
            .enumerate()
            .map(|(edge, input)| {
                let tracked = tracked.get(input).copied().unwrap_or(true);
                self.edge(edge, plan.edge_stride(input), tracked)
            })
            .sum();
        // Sums, and what is rectified of them where operations read it.
        let nodes = (2 * space.nodes - 1) as f64 * pass.value;
        let inputs = tracked.iter().enumerate().map(|(index, &tracked)| {
            match tracked {
                true => pass.input(cell, index),
                // Skips keep the node alone.
                false => pass.numbers(plan.channels, cell.sides[1]) * FULL,
            }
        });
        node * (operations + nodes) + inputs.sum::<f64>()
    }
}

impl SupernetConfig {
    /// Bytes that an alternating step needs at its peak, for images of this height and width, where all
    /// operations of a row are equally probable, as at the start of a search. What the process holds
    /// besides, such as the data, is not part of it.
    pub fn step_bytes(&self, image: Sides, step: &SearchStep<'_>) -> u64 {
        let on = self.probabilities_on(step);
        let half = |trained| Half {
            pass: Pass {
                batch: step.batch,
                value: step.value_bytes as f64,
                form: OperationForm::Searched,
            },
            space: &self.space,
            execution: step.execution,
            trained,
            on: &on,
        };
        let weights = self.half_bytes(image, half(Trained::Weights), step.cellwise);
        let logits = match step.learns {
            true => self.half_bytes(image, half(Trained::Logits), step.cellwise),
            false => 0.0,
        };
        (weights.max(logits) + self.weights() * FULL * step.copies as f64) as u64
    }

    fn half_bytes(&self, image: Sides, half: Half<'_>, cellwise: bool) -> f64 {
        let by_weights = half.trained == Trained::Weights;
        let stem = half.pass.numbers(self.network.stem_channels(), image) * FULL;
        let (plan, _) = self.network.plan(self.space.nodes);
        let cells = placed(&plan, [image; 2]);
        let of_cell = |(index, cell): (usize, &Placed<'_>)| {
            let tracked = [1, 0].map(|before| by_weights || index > before);
            half.cell(cell, tracked)
        };
        let bytes = cells.iter().enumerate().map(of_cell);
        let passing = match by_weights {
            true => weight_gradient_bytes(half.pass, &cells),
            false => 0.0,
        };
        if !cellwise {
            return bytes.sum::<f64>() + passing + if by_weights { stem } else { 0.0 };
        }
        let output = |cell: &Placed<'_>| {
            let channels = self.space.nodes * cell.plan.channels;
            half.pass.numbers(channels, cell.output) * FULL
        };
        // Those of all cells stay; of the one that is differentiated there are three more: what is
        // computed again, its gradient, and their product.
        let outputs: f64 = cells.iter().map(output).sum();
        let largest = bytes
            .zip(&cells)
            .map(|(bytes, cell)| bytes + 3.0 * output(cell));
        stem + outputs + passing + largest.fold(0.0, f64::max)
    }

    /// How probable it is that an operation is on, of every edge.
    fn probabilities_on(&self, step: &SearchStep<'_>) -> Vec<f64> {
        let mut on = vec![1.0; self.space.edges()];
        if step.relaxation == Relaxation::Code {
            for edges in step.architecture.rows(&self.space) {
                let entries = (edges.len() * self.space.ops()) as f64;
                let off = (1.0 - 1.0 / entries).powf(step.architecture.draws as f64);
                on[edges].fill(1.0 - off);
            }
        }
        on
    }

    /// Number of weights.
    fn weights(&self) -> f64 {
        let network = &self.network;
        let operations = network.operation_costs(&self.space, [1, 1], Cost::Parameters);
        let operations: f64 = operations.into_iter().flatten().flatten().sum();
        let (plan, features) = network.plan(self.space.nodes);
        let preprocessing = plan
            .iter()
            .map(|cell| (cell.channels_prev_prev + cell.channels_prev) * cell.channels)
            .sum::<usize>();
        let stem = 9 * network.image_channels * network.stem_channels();
        operations + (preprocessing + stem + features * network.classes) as f64
    }
}

impl DerivedConfig {
    /// Bytes that a training step needs at its peak, for images of this height and width. What the process
    /// holds besides, such as the data, is not part of it.
    ///
    /// # Errors
    ///
    /// As [`DerivedConfig::validate`].
    pub fn step_bytes(&self, image: Sides, step: &FitStep) -> Result<u64, SupernetError> {
        let pass = Pass {
            batch: step.batch,
            value: step.value_bytes as f64,
            form: OperationForm::Retrained,
        };
        let weights: usize = self
            .layers(image[0], image[1])?
            .iter()
            .map(|layer| layer.weights)
            .sum();
        let (plan, _) = self.plan();
        let (stem, sides) = self.stem_bytes(pass, image);
        let cells = placed(&plan, sides);
        let of_cell = |cell: &Placed<'_>| {
            let genotype = self.genotype.cell(cell.plan.kind);
            let inputs = (0..Operation::INPUTS).map(|index| {
                // A scale and a shift made another tensor of what is normalised.
                let raw = match is_pooled(genotype, index) {
                    true => pass.numbers(cell.plan.channels, cell.sides[1]) * pass.value,
                    false => 0.0,
                };
                pass.input(cell, index) + raw
            });
            let node = pass.numbers(cell.plan.channels, cell.output);
            inputs.sum::<f64>() + node * nodes_bytes(pass, cell.plan, genotype)
        };
        let mut bytes = stem + cells.iter().map(of_cell).sum::<f64>();
        bytes += weight_gradient_bytes(pass, &cells);
        if let Some(cell) = cells.get(self.auxiliary_cell()).filter(|_| self.auxiliary) {
            // What the head reads is rectified first.
            let channels = self.genotype.nodes() * cell.plan.channels;
            bytes += pass.numbers(channels, cell.output) * pass.value;
        }
        Ok((bytes + (weights * step.copies) as f64 * FULL) as u64)
    }

    /// What the first layers keep, and the sides of what they leave to the first cell.
    fn stem_bytes(&self, pass: Pass, image: Sides) -> (f64, [Sides; 2]) {
        match self.form {
            Form::Cifar => {
                let output = pass.numbers(self.network.stem_channels(), image);
                (output * FULL, [image; 2])
            }
            Form::Imagenet => {
                let (mut sides, mut bytes) = (vec![image], 0.0);
                for [_, channels] in stem_convolutions(&self.network) {
                    let output = strided(sides[sides.len() - 1], 2);
                    bytes += pass.numbers(channels, output) * (FULL + 2.0 * pass.value);
                    sides.push(output);
                }
                (bytes, [sides[2], sides[3]])
            }
        }
    }
}

/// Bytes that the operations and nodes of a derived cell keep for each number of a node.
fn nodes_bytes(pass: Pass, plan: &CellPlan, genotype: &CellGenotype) -> f64 {
    let entries = || genotype.nodes.iter().flatten();
    let kept = entries().map(|entry| pass.kept(entry.op, plan.edge_stride(entry.input)));
    let nodes = (0..genotype.nodes.len()).map(|node| {
        let input = node + Operation::INPUTS;
        let mut readers = entries().filter(|entry| entry.input == input);
        let rectified = readers.any(|entry| !entry.op.layers(1, 1).is_empty());
        f64::from(u8::from(rectified) + u8::from(is_pooled(genotype, input)))
    });
    kept.sum::<f64>() + nodes.sum::<f64>() * pass.value
}

/// Whether a maximum of an input is taken, whose gradient looks for it again.
fn is_pooled(genotype: &CellGenotype, input: usize) -> bool {
    let mut entries = genotype.nodes.iter().flatten();
    entries.any(|entry| entry.input == input && entry.op.name().starts_with("max_pool"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkConfig, Published};

    const MIB: f64 = (1 << 20) as f64;

    /// Peaks of a process that did nothing but such steps, in MiB (`results/scale`, `results/step.md`);
    /// about 20 of them are the program itself.
    fn assert_near(estimate: f64, measured: f64, what: &str) {
        let ratio = (estimate + 20.0) / measured;
        assert!(
            (0.9..1.1).contains(&ratio),
            "{what}: {estimate} of {measured}"
        );
    }

    struct Case {
        network: [usize; 3],
        image: [usize; 3],
        draws: usize,
        execution: Execution,
        measured: f64,
    }

    fn estimate(case: &Case) -> f64 {
        let [channels, cells, batch] = case.network;
        let [image_channels, height, width] = case.image;
        let config = SupernetConfig {
            network: NetworkConfig {
                image_channels,
                classes: 10,
                channels,
                cells,
            },
            space: SearchSpace::default(),
        };
        let architecture = ArchitectureConfig {
            draws: case.draws,
            ..Default::default()
        };
        let step = SearchStep {
            batch,
            architecture: &architecture,
            relaxation: Relaxation::Code,
            execution: case.execution,
            learns: true,
            cellwise: false,
            copies: 4,
            value_bytes: 4,
        };
        config.step_bytes([height, width], &step) as f64 / MIB
    }

    #[test]
    fn measured_peaks_are_met_within_a_tenth() {
        use Execution::{Dense, ExactSparse, Sampled};
        let case = |network, side, draws, execution, measured| Case {
            network,
            image: [1, side, side],
            draws,
            execution,
            measured,
        };
        let colour = |network, execution, measured| Case {
            network,
            image: [3, 32, 32],
            draws: 4,
            execution,
            measured,
        };
        for case in [
            case([8, 3, 32], 28, 4, ExactSparse, 213.0),
            case([8, 12, 32], 28, 4, ExactSparse, 909.0),
            case([4, 5, 32], 28, 4, ExactSparse, 166.0),
            case([32, 5, 32], 28, 4, ExactSparse, 1229.0),
            case([8, 5, 16], 28, 4, ExactSparse, 167.0),
            case([8, 5, 128], 28, 4, ExactSparse, 1213.0),
            case([8, 5, 32], 14, 4, ExactSparse, 98.0),
            case([8, 5, 32], 56, 4, ExactSparse, 1212.0),
            case([8, 5, 32], 28, 1, ExactSparse, 251.0),
            case([8, 5, 32], 28, 7, ExactSparse, 357.0),
            case([8, 5, 32], 28, 4, Dense, 526.0),
            case([8, 5, 32], 28, 4, Sampled, 268.0),
            colour([12, 6, 48], Dense, 2055.0),
            colour([12, 6, 48], ExactSparse, 1252.0),
            colour([12, 6, 48], Sampled, 1034.0),
            colour([16, 8, 64], Dense, 4348.0),
            colour([16, 8, 64], ExactSparse, 2733.0),
            colour([16, 8, 64], Sampled, 2053.0),
        ] {
            let what = format!("{:?} {:?} {:?}", case.network, case.image, case.execution);
            assert_near(estimate(&case), case.measured, &what);
        }
    }

    /// Peaks of the program that trains, for two steps of a batch of colour images.
    #[test]
    fn measured_peaks_of_trainings_are_met_within_a_fifth() {
        let estimate = |cells: Published, [channels, count, batch, side]: [usize; 4], form| {
            let network = NetworkConfig {
                image_channels: 3,
                classes: 2,
                channels,
                cells: count,
            };
            let derived = DerivedConfig {
                form,
                ..DerivedConfig::new(network, cells.genotype().unwrap())
            };
            let step = FitStep {
                batch,
                copies: 4,
                value_bytes: 4,
            };
            derived.step_bytes([side, side], &step).unwrap() as f64 / MIB
        };
        for (cells, size, form, measured) in [
            (Published::DartsV2, [16, 5, 12, 64], Form::Cifar, 337.0),
            (Published::DataM4, [16, 5, 4, 64], Form::Cifar, 156.0),
            (Published::Snas, [32, 6, 12, 48], Form::Cifar, 435.0),
            (Published::DartsV2, [32, 8, 12, 160], Form::Imagenet, 174.0),
        ] {
            let ratio = (estimate(cells, size, form) + 20.0) / measured;
            assert!((0.8..1.2).contains(&ratio), "{cells:?} {size:?}: {ratio}");
        }
    }

    #[test]
    fn one_cell_at_a_time_needs_less_and_a_mixture_more() {
        let config = SupernetConfig {
            network: NetworkConfig {
                image_channels: 3,
                classes: 10,
                channels: 8,
                cells: 6,
            },
            space: SearchSpace::default(),
        };
        let architecture = ArchitectureConfig::default();
        let step = SearchStep {
            batch: 16,
            architecture: &architecture,
            relaxation: Relaxation::Code,
            execution: Execution::ExactSparse,
            learns: true,
            cellwise: false,
            copies: 4,
            value_bytes: 4,
        };
        let bytes = |step: SearchStep<'_>| config.step_bytes([32, 32], &step);
        let whole = bytes(step);
        let cellwise = bytes(SearchStep {
            cellwise: true,
            ..step
        });
        assert!(cellwise < whole * 3 / 4, "{cellwise} of {whole}");
        let relaxation = Relaxation::Mixture;
        assert!(bytes(SearchStep { relaxation, ..step }) > whole);
        let value_bytes = 2;
        assert!(
            bytes(SearchStep {
                value_bytes,
                ..step
            }) < whole
        );
    }

    #[test]
    fn a_network_too_large_to_count_in_bytes_of_any_machine_is_no_overflow() {
        let config = SupernetConfig {
            network: NetworkConfig {
                image_channels: 3,
                classes: 10,
                channels: 1024,
                cells: 100,
            },
            space: SearchSpace::default(),
        };
        let architecture = ArchitectureConfig::default();
        let step = SearchStep {
            batch: 100_000,
            architecture: &architecture,
            relaxation: Relaxation::Code,
            execution: Execution::ExactSparse,
            learns: false,
            cellwise: false,
            copies: 4,
            value_bytes: 4,
        };
        assert!(config.step_bytes([4096, 4096], &step) > 1 << 50);
    }
}
