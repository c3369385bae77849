//! What a step keeps for its gradients, counted from the plan of a network.

use super::network::{CellChoice, states_read};
use super::{LanguageConfig, LanguageSize, LanguageSupernetConfig, RecurrentOperation};
use crate::architecture::{ArchitectureConfig, Execution, OperationSet, Relaxation, SearchSpace};

/// How an alternating step of a search runs.
#[derive(Debug, Clone, Copy)]
pub struct LanguageStep<'a> {
    /// Words of all streams together.
    pub tokens: usize,
    /// How architectures are sampled.
    pub architecture: &'a ArchitectureConfig,
    /// What the supernet runs as.
    pub relaxation: Relaxation,
    /// Which pairs run.
    pub execution: Execution,
    /// Copies of the weights: of gradients and optimiser too.
    pub copies: usize,
}

impl LanguageConfig {
    /// Bytes that a training step on so many words needs at its peak, beside so many copies of the weights.
    pub fn step_bytes(&self, tokens: usize, copies: usize) -> u64 {
        let cell = match &self.cell {
            CellChoice::Derived { genotype, .. } => {
                let read: usize = states_read(genotype).iter().sum();
                cell(self.size, genotype.nodes(), read as f64)
            }
            // Four gates before and after their functions, two products, state, its tanh, output and mask.
            CellChoice::Lstm => 14.0 * self.size.hidden as f64,
        };
        bytes(self.size, cell, tokens, copies * self.weights())
    }
}

impl LanguageSupernetConfig {
    /// Bytes that an alternating step needs at its peak, while all pairs are equally likely.
    pub fn step_bytes(&self, step: &LanguageStep<'_>) -> u64 {
        let cell = cell(
            self.size,
            self.space.nodes,
            expected_reads(&self.space, step),
        );
        bytes(self.size, cell, step.tokens, step.copies * self.weights())
    }
}

fn bytes(size: LanguageSize, cell: f64, tokens: usize, weights: usize) -> u64 {
    // The gradient of the logits takes their memory.
    let of_token = size.words as f64 + cell;
    let numbers = tokens as f64 * of_token + weights as f64;
    (numbers * size_of::<f32>() as f64) as u64
}

/// Numbers that a cell keeps of a word whose steps multiply so many states by their matrices: both halves
/// of each product, and of every step its state, what is normalised and what is masked.
fn cell(size: LanguageSize, steps: usize, reads: f64) -> f64 {
    size.hidden as f64 * (4.0 + 3.0 * steps as f64 + 2.0 * reads)
}

/// States that all steps together are expected to multiply.
fn expected_reads(space: &SearchSpace<RecurrentOperation>, step: &LanguageStep<'_>) -> f64 {
    let sparse = step.relaxation == Relaxation::Code && step.execution != Execution::Dense;
    if !sparse {
        return space.edges() as f64;
    }
    let runs = |op: &&RecurrentOperation| Some(**op) != RecurrentOperation::NONE;
    let running = space.operations.iter().filter(runs).count() as f64;
    let rows = step.architecture.rows(space);
    let reads = rows.iter().map(|row| {
        let entries = (row.len() * space.ops()) as f64;
        let missed = (1.0 - running / entries).powi(step.architecture.draws as i32);
        row.len() as f64 * (1.0 - missed)
    });
    reads.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Sampling;

    fn reads(sampling: Sampling, draws: usize, execution: Execution) -> f64 {
        let architecture = ArchitectureConfig {
            draws,
            sampling,
            ..ArchitectureConfig::default()
        };
        let step = LanguageStep {
            tokens: 1,
            architecture: &architecture,
            relaxation: Relaxation::Code,
            execution,
            copies: 4,
        };
        expected_reads(&SearchSpace::default(), &step)
    }

    #[test]
    fn states_are_read_as_often_as_a_pair_of_theirs_is_expected() {
        // Four of five operations of each of 36 edges run.
        let by_edge = reads(Sampling::PerEdge, 1, Execution::ExactSparse);
        assert!((by_edge - 36.0 * 0.8).abs() < 1e-9);
        // One draw of each of eight nodes.
        let by_node = reads(Sampling::PerNode, 1, Execution::ExactSparse);
        assert!((by_node - 8.0 * 0.8).abs() < 1e-9);
        assert_eq!(reads(Sampling::PerNode, 4, Execution::Dense), 36.0);
    }
}
