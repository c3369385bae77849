use serde::{Deserialize, Serialize};
use supernet::Genotype;
use supernet::recurrent::{
    CellChoice, CellForm, LanguageConfig, LanguageSize, RecurrentOperation, StepNormalization,
};
use workbench::text::{Dropout, Regularisation};

use super::LanguageRecipe;
use crate::{FitConfig, TrainError};

/// The network and what regularises it: the section `network`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageSection {
    /// Units of a hidden state of the derived cell, and of a word's vector.
    pub hidden: usize,
    /// The cell.
    pub cell: CellKind,
    /// Units of the LSTM; without it as many as give the network the weights that it has with the derived
    /// cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lstm_hidden: Option<usize>,
    /// What the weights of a step of the derived cell are divided by.
    pub normalization: StepNormalization,
    /// Whether states of the derived cell are normalised.
    pub form: CellForm,
    /// What is dropped in training.
    pub dropout: Dropout,
    /// What is added to the loss in training.
    pub regularisation: Regularisation,
}

/// Which cell a network has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// What the genotype describes.
    Derived,
    /// A long short-term memory, the baseline; the genotype says no more than how many weights it has.
    Lstm,
}

/// Fields of the section `fit` that only language has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageFit {
    /// Averaged descent begins after the first epoch whose validation loss is above the lowest of all
    /// before it but the last so many (non-monotone trigger); 0 for never.
    pub average_after: usize,
}

impl LanguageSection {
    /// The network for a vocabulary of so many words.
    pub(super) fn network(
        &self,
        genotype: &Genotype<RecurrentOperation>,
        words: usize,
    ) -> LanguageConfig {
        let derived = LanguageConfig {
            size: LanguageSize {
                words,
                hidden: self.hidden,
            },
            cell: CellChoice::Derived {
                genotype: genotype.clone(),
                normalization: self.normalization,
                form: self.form,
            },
        };
        match (self.cell, self.lstm_hidden) {
            (CellKind::Derived, _) => derived,
            (CellKind::Lstm, None) => LanguageConfig::lstm_of_weights(words, derived.weights()),
            (CellKind::Lstm, Some(hidden)) => LanguageConfig {
                size: LanguageSize { words, hidden },
                cell: CellChoice::Lstm,
            },
        }
    }

    fn validate(&self, genotype: &Genotype<RecurrentOperation>) -> Result<(), TrainError> {
        if let (CellKind::Derived, Some(hidden)) = (self.cell, self.lstm_hidden) {
            let valid = "left out, unless network.cell is \"lstm\"";
            return Err(TrainError::field("network.lstm_hidden", hidden, valid));
        }
        // The units are checked with the fewest words that there can be.
        self.network(genotype, 2).validate()?;
        self.dropout.validate()?;
        Ok(self.regularisation.validate()?)
    }
}

/// Checks what can be checked without the data.
pub(super) fn validate(config: &FitConfig<LanguageRecipe>) -> Result<(), TrainError> {
    config.data.validate()?;
    config.network.validate(&config.genotype)?;
    let after = config.fit.own.average_after;
    if after > 0 && config.fit.average_decay > 0.0 {
        let valid = "0, as fit.average_decay keeps another average of the weights";
        return Err(TrainError::field("fit.average_after", after, valid));
    }
    Ok(())
}
