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

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::config::Source;
    use workbench::text::CorpusId;

    type Config = FitConfig<LanguageRecipe>;

    fn resolve(name: &str, text: &str) -> Config {
        Config::resolve(Some(Source { name, text }), &[]).unwrap()
    }

    #[test]
    fn the_default_is_valid_and_round_trips() {
        let config = Config::resolve(None, &[]).unwrap();
        assert_eq!(config.data.set, CorpusId::Austen);
        assert_eq!(config.name, "fit-austen");
        let again = resolve("again", &config.to_toml().unwrap());
        assert_eq!(config, again);
        assert_eq!(config.fingerprint().unwrap(), again.fingerprint().unwrap());
    }

    #[test]
    fn published_settings_make_networks_of_the_published_sizes() {
        let ptb = include_str!("../../../../../configs/fit-ptb.toml");
        let wt2 = include_str!("../../../../../configs/fit-wt2.toml");
        for (text, words, weights, hidden_dropout) in [
            (ptb, 10_000, 22_960_000, 0.25),
            (wt2, 33_278, 33_127_878, 0.15),
        ] {
            let config = resolve("published", text);
            let network = config.network.network(&config.genotype, words);
            assert_eq!(network.weights(), weights);
            assert_eq!(config.network.dropout.hidden, hidden_dropout);
            assert_eq!(config.fit.own.average_after, 5);
        }
    }

    #[test]
    fn an_lstm_has_the_weights_of_the_derived_network_unless_its_units_are_given() {
        let set = |more: &[&str]| {
            let set = [&["network.cell=lstm"], more].concat();
            let set: Vec<String> = set.iter().map(|text| text.to_string()).collect();
            let config = Config::resolve(None, &set).unwrap();
            config.network.network(&config.genotype, 10_000)
        };
        let default = Config::resolve(None, &[]).unwrap();
        let derived = default.network.network(&default.genotype, 10_000);
        let equal = set(&[]).weights().abs_diff(derived.weights());
        // Half a unit's worth at most.
        assert!(equal < 10_000, "{equal}");
        assert_eq!(set(&["network.lstm_hidden=77"]).size.hidden, 77);
    }
}
