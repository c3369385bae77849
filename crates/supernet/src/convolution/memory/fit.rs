use super::{FULL, Pass, Placed, Sides, placed, strided, weight_gradient_bytes};
use crate::SupernetError;
use crate::architecture::OperationSet;
use crate::convolution::stem::stem_convolutions;
use crate::convolution::{CellGenotype, CellPlan, DerivedConfig, Form, Operation, OperationForm};

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
            derived_cell_bytes(pass, cell, genotype)
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

/// What a derived cell keeps.
pub(crate) fn derived_cell_bytes(pass: Pass, cell: &Placed<'_>, genotype: &CellGenotype) -> f64 {
    let inputs = (0..Operation::INPUTS).map(|index| {
        // A scale and a shift made another tensor of what is normalised.
        let of_node = kept_of_node(pass, cell.plan, genotype, index);
        let rectified = match pass.value == FULL {
            true => of_node,
            // The preprocessing counts what is rectified.
            false => f64::from(u8::from(is_pooled(genotype, index))),
        };
        let node = pass.numbers(cell.plan.channels, cell.sides[1]);
        pass.input(cell, index) + node * rectified * pass.value
    });
    let node = pass.numbers(cell.plan.channels, cell.output);
    inputs.sum::<f64>() + node * nodes_bytes(pass, cell.plan, genotype)
}

/// Bytes that the operations and nodes of a derived cell keep for each number of a node.
fn nodes_bytes(pass: Pass, plan: &CellPlan, genotype: &CellGenotype) -> f64 {
    let entries = || genotype.nodes.iter().flatten();
    let kept = entries().map(|entry| {
        let stride = plan.edge_spacing(entry.input).stride;
        pass.kept(entry.op, stride)
    });
    let nodes = (0..genotype.nodes.len())
        .map(|node| kept_of_node(pass, plan, genotype, node + Operation::INPUTS));
    kept.sum::<f64>() + nodes.sum::<f64>() * pass.value
}

/// Numbers that what reads a node keeps for each of it: of its values, and of what is rectified of them.
fn kept_of_node(pass: Pass, plan: &CellPlan, genotype: &CellGenotype, input: usize) -> f64 {
    let stride = plan.edge_spacing(input).stride;
    let readers = || {
        let entries = genotype.nodes.iter().flatten();
        entries.filter(|entry| entry.input == input)
    };
    let rectified = readers().any(|entry| pass.reads_rectified(entry.op, stride));
    let raw = readers().any(|entry| pass.is_blocks(entry.op, stride));
    f64::from(u8::from(rectified) + u8::from(raw || is_pooled(genotype, input)))
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
            (Published::DartsV2, [16, 5, 12, 64], Form::Cifar, 227.0),
            (Published::DataM4, [16, 5, 4, 64], Form::Cifar, 111.0),
            (Published::Snas, [32, 6, 12, 48], Form::Cifar, 305.0),
            (Published::DartsV2, [32, 8, 12, 160], Form::Imagenet, 114.0),
        ] {
            let ratio = (estimate(cells, size, form) + 20.0) / measured;
            assert!((0.8..1.2).contains(&ratio), "{cells:?} {size:?}: {ratio}");
        }
    }
}
