use super::{FULL, Pass, Placed, Sides, placed, weight_gradient_bytes};
use crate::architecture::{ArchitectureConfig, Execution, Relaxation, Trained};
use crate::convolution::{Cost, Operation, OperationForm, SearchSpace, Stride, SupernetConfig};

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

/// One half of an alternating step.
#[derive(Clone, Copy)]
pub(crate) struct Half<'a> {
    pub(crate) pass: Pass,
    pub(crate) space: &'a SearchSpace,
    pub(crate) execution: Execution,
    pub(crate) trained: Trained,
    /// How probable it is that an operation is on, of every edge.
    pub(crate) on: &'a [f64],
}

impl Half<'_> {
    /// Bytes that the operations of an edge keep for each number of the node it leads to. `tracked` says
    /// whether what they read depends on what is trained.
    fn edge(self, edge: usize, stride: Stride, tracked: bool) -> f64 {
        let (pass, p) = (self.pass, self.on[edge]);
        let of_op = |&op: &Operation| {
            let term = pass.term(op, stride);
            let full = if tracked { pass.kept(op, stride) } else { term };
            match (self.execution, self.trained) {
                (Execution::Dense, _) => full,
                // What is off is computed where its gradient is needed, and kept nowhere.
                (Execution::ExactSparse | Execution::Sampled, _) => p * full,
            }
        };
        self.space.operations.iter().map(of_op).sum()
    }

    /// What a cell keeps; `tracked` as for [`edge`](Self::edge), of both inputs.
    pub(crate) fn cell(self, cell: &Placed<'_>, tracked: [bool; 2]) -> f64 {
        let (pass, space, plan) = (self.pass, self.space, cell.plan);
        let node = pass.numbers(plan.channels, cell.output);
        let edges = (0..space.nodes).flat_map(|node| 0..space.incoming(node));
        let operations: f64 = edges
            .enumerate()
            .map(|(edge, input)| {
                let tracked = tracked.get(input).copied().unwrap_or(true);
                self.edge(edge, plan.edge_spacing(input).stride, tracked)
            })
            .sum();
        // Sums, and what is rectified of them where operations read it.
        let rectified = |stride| {
            let mut operations = space.operations.iter();
            operations.any(|&op| pass.reads_rectified(op, stride))
        };
        let mut nodes = space.nodes as f64;
        if rectified(Stride::One) {
            nodes += (space.nodes - 1) as f64;
        }
        let nodes = nodes * pass.value;
        let input_node = pass.numbers(plan.channels, cell.sides[1]);
        // In 16 bits the preprocessing counts what is rectified.
        let rectified = match pass.value == FULL && rectified(plan.edge_spacing(0).stride) {
            true => input_node * pass.value,
            false => 0.0,
        };
        let inputs = tracked.iter().enumerate().map(|(index, &tracked)| {
            match tracked {
                true => pass.input(cell, index) + rectified,
                // Skips keep the node alone.
                false => input_node * FULL,
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
        let on = probabilities_on(&self.space, step);
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

/// How probable it is that an operation is on, of every edge.
pub(crate) fn probabilities_on(space: &SearchSpace, step: &SearchStep<'_>) -> Vec<f64> {
    let mut on = vec![1.0; space.edges()];
    if step.relaxation == Relaxation::Code {
        for edges in step.architecture.rows(space) {
            let entries = (edges.len() * space.ops()) as f64;
            let off = (1.0 - 1.0 / entries).powf(step.architecture.draws as f64);
            on[edges].fill(1.0 - off);
        }
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkConfig;

    const MIB: f64 = (1 << 20) as f64;

    /// Peaks of a process that did nothing but such steps, in MiB (`results/scale`, `results/step.md`);
    /// about 20 of them are the program itself, and which operations were on was drawn.
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
            case([8, 3, 32], 28, 4, ExactSparse, 120.0),
            case([8, 12, 32], 28, 4, ExactSparse, 387.0),
            case([4, 5, 32], 28, 4, ExactSparse, 91.0),
            case([32, 5, 32], 28, 4, ExactSparse, 595.0),
            case([8, 5, 16], 28, 4, ExactSparse, 92.0),
            case([8, 5, 128], 28, 4, ExactSparse, 579.0),
            case([8, 5, 32], 14, 4, ExactSparse, 60.0),
            case([8, 5, 32], 56, 4, ExactSparse, 572.0),
            case([8, 5, 32], 28, 1, ExactSparse, 92.0),
            case([8, 5, 32], 28, 7, ExactSparse, 201.0),
            case([8, 5, 32], 28, 4, Dense, 294.0),
            case([8, 5, 32], 28, 4, Sampled, 161.0),
            colour([12, 6, 48], Dense, 1091.0),
            colour([12, 6, 48], ExactSparse, 574.0),
            colour([12, 6, 48], Sampled, 571.0),
            colour([16, 8, 64], Dense, 2293.0),
            colour([16, 8, 64], ExactSparse, 1167.0),
            colour([16, 8, 64], Sampled, 1153.0),
        ] {
            let what = format!("{:?} {:?} {:?}", case.network, case.image, case.execution);
            assert_near(estimate(&case), case.measured, &what);
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
