use clap::{Args, ValueEnum};
use supernet::recurrent::{CellChoice, LanguageConfig, LanguageSize, states_read};
use workbench::columns::aligned;

use super::LanguageRecipe;
use crate::{TrainError, read_cells};

#[derive(Debug, Args)]
pub struct CountArgs {
    /// A published cell by name, such as darts-rnn-v2, a genotype file or a run folder; FILE#NAME is one of
    /// several in a file.
    genotype: String,
    /// Units of a hidden state, and of a word's vector.
    #[arg(long, value_name = "N", default_value_t = 850)]
    hidden: usize,
    /// Words of the vocabulary.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    words: usize,
    /// The cell that is counted: the genotype's, or an LSTM of as many weights.
    #[arg(long, value_enum, default_value = "derived")]
    cell: CellArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CellArg {
    Derived,
    Lstm,
}

/// A part of a network: its name, weights, and multiply-adds for a word.
struct Part {
    name: String,
    weights: usize,
    multiply_adds: usize,
}

impl CountArgs {
    pub(super) fn run(self) -> Result<(), TrainError> {
        let size = LanguageSize {
            words: self.words,
            hidden: self.hidden,
        };
        let derived = LanguageConfig::derived(size, read_cells::<LanguageRecipe>(&self.genotype)?);
        derived.validate()?;
        let network = match self.cell {
            CellArg::Derived => derived,
            CellArg::Lstm => LanguageConfig::lstm_of_weights(size.words, derived.weights()),
        };
        print!("{}", table(&parts(&network)));
        Ok(())
    }
}

fn parts(network: &LanguageConfig) -> Vec<Part> {
    let LanguageSize { words, hidden } = network.size;
    let part = |name: &str, weights, multiply_adds| Part {
        name: name.into(),
        weights,
        multiply_adds,
    };
    let matrix = 2 * hidden * hidden;
    let mut parts = vec![part("words, tied", words * hidden, words * hidden)];
    match &network.cell {
        CellChoice::Lstm => {
            let name = format!("LSTM of {hidden} units");
            parts.push(part(&name, 4 * matrix + 4 * hidden, 4 * matrix));
        }
        CellChoice::Derived { genotype, .. } => {
            parts.push(part("first state", 2 * matrix, 2 * matrix));
            let products = states_read(genotype).into_iter().enumerate();
            parts.extend(products.map(|(step, products)| {
                part(&format!("step {}", step + 1), matrix, products * matrix)
            }));
        }
    }
    parts.push(part("biases of words", words, 0));
    parts
}

fn table(parts: &[Part]) -> String {
    let row = |name: &str, weights: String, multiply_adds: String| {
        vec![name.to_string(), weights, multiply_adds]
    };
    let mut rows = vec![row("layer", "weights".into(), "multiply-adds".into())];
    let number = |part: &Part| {
        row(
            &part.name,
            part.weights.to_string(),
            part.multiply_adds.to_string(),
        )
    };
    rows.extend(parts.iter().map(number));
    let sum = |of: fn(&Part) -> usize| parts.iter().map(of).sum::<usize>().to_string();
    rows.push(row(
        "all",
        sum(|part| part.weights),
        sum(|part| part.multiply_adds),
    ));
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use supernet::Genotype;

    #[test]
    fn the_parts_of_a_network_make_up_its_counts() {
        let counted = |cells: &str, hidden, words| {
            let size = LanguageSize { words, hidden };
            let derived = LanguageConfig::derived(size, Genotype::read(cells).unwrap());
            let lstm = LanguageConfig::lstm_of_weights(words, derived.weights());
            for network in [&derived, &lstm] {
                let parts = parts(network);
                let weights: usize = parts.iter().map(|part| part.weights).sum();
                let multiply_adds: usize = parts.iter().map(|part| part.multiply_adds).sum();
                assert_eq!(weights, network.weights());
                assert_eq!(multiply_adds as u64, network.multiply_adds());
            }
            derived.weights()
        };
        assert_eq!(counted("darts-rnn-v2", 850, 10_000), 22_960_000);
        assert_eq!(counted("darts-rnn-v2", 700, 33_278), 33_127_878);
        // Two pairs of one state multiply it once.
        counted("cell: tanh@0 relu@0 | tanh@0 relu@1 | identity@2*0.5", 6, 9);
    }
}
