use supernet::recurrent::{CellChoice, LanguageConfig, LanguageSize};
use workbench::text::{Sequences, Vary};

use super::LanguageRecipe;
use crate::FitConfig;

const FLOAT: usize = 4;

/// Bytes that a training step is expected to need at its peak.
pub(super) fn step_bytes(network: &LanguageConfig, config: &FitConfig<LanguageRecipe>) -> u64 {
    let fit = &config.fit;
    let average = fit.own.average_after > 0 || fit.average_decay > 0.0;
    // Weights, gradients of a pass and of the step, momentum.
    let copies = 4 + usize::from(average) + usize::from(fit.patience > 0);
    let tokens = usual_most(config.data.sequences) * fit.pass_size();
    let floats = copies * network.weights() + tokens * floats_per_token(network);
    (FLOAT * floats) as u64
}

/// Tokens of a sequence than which few are longer.
fn usual_most(sequences: Sequences) -> usize {
    match sequences.vary {
        Vary::Never | Vary::Halves => sequences.length,
        Vary::Normal => sequences.length + 15,
    }
}

/// Numbers that are kept of a token for gradients, and at once while they are made.
fn floats_per_token(network: &LanguageConfig) -> usize {
    let LanguageSize { words, hidden } = network.size;
    let cell = match &network.cell {
        CellChoice::Derived { genotype, .. } => (4 + 5 * genotype.nodes()) * hidden,
        CellChoice::Lstm => 30 * hidden,
    };
    // Logits before and with their biases; their gradient takes the memory of the latter.
    2 * words + cell
}
